#include "tunewright/metrics/compliance.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/metrics/json_schema.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/words.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

constexpr size_t kRefusalCharacters = 200;
// Lower case, the apostrophe straight.
constexpr std::array<std::string_view, 18> kRefusals = {
    "i'm sorry, but",          "i am sorry, but", "i apologize, but", "i can't help",
    "i cannot help",           "i can't assist",  "i cannot assist",  "i can't provide",
    "i cannot provide",        "i can't fulfill", "i cannot fulfill", "i'm unable to",
    "i am unable to",          "i'm not able to", "i am not able to", "i won't be able to",
    "as an ai language model", "i must decline"};

std::string plain(std::string_view text) { return replace_all(python::lower(text), "\u2019", "'"); }

std::optional<Json> parse(const std::string& text) {
  if (text.starts_with("\ufeff")) return std::nullopt;  // the parser would pass over it
  try {
    return parse_json(text, "prediction");
  } catch (const UserError&) {
    return std::nullopt;
  }
}

// A value of each prediction, whose mean is the score.
template <class Value>
RowStatistics mean_of(std::span<const PredictionRow> rows, Value value) {
  std::vector<std::optional<double>> figures;
  for (const auto& row : rows) figures.emplace_back(static_cast<double>(value(row.text())));
  return mean_of_rows(figures);
}

// The share of rows that something holds for, and their number.
Score share(const RowStatistics& statistics, std::string signature) {
  const auto sums = statistics.sums();
  return {.score = statistics.score(sums),
          .signature = std::move(signature),
          .details = {{"count", static_cast<int64_t>(sums[0])},
                      {"rows", static_cast<int64_t>(sums[1])}}};
}

bool is_json(const std::string& text) { return parse(text).has_value(); }

JsonSchema schema_of(const MetricOptions& options) {
  if (!options.format.schema.is_null()) return JsonSchema(options.format.schema);
  throw UserError(
      "format_schema: needs a schema; give --schema FILE, or --set 'format.schema={type: "
      "object}'");
}

}  // namespace

bool is_refusal(std::string_view text, std::span<const std::string> more) {
  auto points = python::decode(python::strip(text, python::Side::Both));
  if (points.size() > kRefusalCharacters) points.resize(kRefusalCharacters);
  const auto beginning = plain(python::encode(points));
  const auto has = [&](std::string_view phrase) {
    return beginning.find(phrase) != std::string::npos;
  };
  return std::any_of(kRefusals.begin(), kRefusals.end(), has) ||
         std::any_of(more.begin(), more.end(), [&](const std::string& phrase) {
           return !phrase.empty() && has(plain(phrase));
         });
}

RowStatistics length_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return mean_of(rows, [](const std::string& text) { return split_words(text).size(); });
}

Score score_length(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto statistics = length_statistics(rows, options);
  double shortest = statistics.values[0], longest = shortest, characters = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    const double words = statistics.values[row * statistics.width];
    shortest = std::min(shortest, words);
    longest = std::max(longest, words);
    characters += static_cast<double>(python::length(rows[row].text()));
  }
  return {.score = statistics.score(statistics.sums()),
          .signature = "unit:words|tok:whitespace|mean:rows",
          .details = {{"characters", characters / static_cast<double>(rows.size())},
                      {"shortest", static_cast<int64_t>(shortest)},
                      {"longest", static_cast<int64_t>(longest)}}};
}

RowStatistics refusal_statistics(std::span<const PredictionRow> rows,
                                 const MetricOptions& options) {
  return mean_of(
      rows, [&](const std::string& text) { return is_refusal(text, options.format.refusals); });
}

Score score_refusal_rate(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return share(refusal_statistics(rows, options),
               str("phrases:", kRefusals.size(), "+", options.format.refusals.size(),
                   "|within:", kRefusalCharacters, "|case:lc"));
}

RowStatistics empty_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return mean_of(rows, [](const std::string& text) { return split_words(text).empty(); });
}

Score score_empty_rate(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return share(empty_statistics(rows, options), "empty:whitespace-only");
}

RowStatistics json_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return mean_of(rows, is_json);
}

Score score_format_json(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return share(json_statistics(rows, options), "json:whole-text");
}

RowStatistics schema_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return mean_of(rows, [schema = schema_of(options)](const std::string& text) {
    const auto value = parse(text);
    return value && schema.problem(*value).empty();
  });
}

Score score_format_schema(std::span<const PredictionRow> rows, const MetricOptions& options) {
  auto result = share(schema_statistics(rows, options), "json:whole-text|schema:given");
  const auto schema = schema_of(options);
  int64_t not_json = 0;
  std::string first;  // what is wrong with the first that is
  for (const auto& row : rows) {
    const auto value = parse(row.text());
    not_json += !value;
    if (!first.empty()) continue;
    const auto problem = value ? schema.problem(*value) : "$: is not JSON";
    if (!problem.empty()) first = str(row.where, ": ", problem);
  }
  result.details["not_json"] = not_json;
  if (!first.empty()) result.details["first_problem"] = first;
  return result;
}

}  // namespace tunewright::metrics
