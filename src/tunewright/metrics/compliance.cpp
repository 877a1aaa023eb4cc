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

// The share of rows that `holds` for, and their number.
template <class Holds>
Score share(std::span<const PredictionRow> rows, const std::string& signature, Holds holds) {
  const auto count = std::count_if(
      rows.begin(), rows.end(), [&](const PredictionRow& row) { return holds(*row.prediction); });
  return {.score = static_cast<double>(count) / static_cast<double>(rows.size()),
          .signature = signature,
          .details = {{"count", count}, {"rows", rows.size()}}};
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

Score score_length(std::span<const PredictionRow> rows, const MetricOptions& options) {
  double words = 0, characters = 0;
  std::vector<size_t> lengths;
  for (const auto& row : rows) {
    lengths.push_back(split_words(*row.prediction).size());
    words += static_cast<double>(lengths.back());
    characters += static_cast<double>(python::length(*row.prediction));
  }
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  const auto count = static_cast<double>(rows.size());
  return {.score = words / count,
          .signature = "unit:words|tok:whitespace|mean:rows",
          .details = {
              {"characters", characters / count}, {"shortest", *shortest}, {"longest", *longest}}};
}

Score score_refusal_rate(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto& more = options.format.refusals;
  const auto signature = str("phrases:", kRefusals.size(), "+", more.size(),
                             "|within:", kRefusalCharacters, "|case:lc");
  return share(rows, signature, [&](const std::string& text) { return is_refusal(text, more); });
}

Score score_empty_rate(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return share(rows, "empty:whitespace-only",
               [](const std::string& text) { return split_words(text).empty(); });
}

Score score_format_json(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return share(rows, "json:whole-text",
               [](const std::string& text) { return parse(text).has_value(); });
}

Score score_format_schema(std::span<const PredictionRow> rows, const MetricOptions& options) {
  if (options.format.schema.is_null()) {
    throw UserError(
        "format_schema: needs a schema; give --schema FILE, or --set 'format.schema={type: "
        "object}'");
  }
  const JsonSchema schema(options.format.schema);
  int64_t not_json = 0;
  std::string first;  // what is wrong with the first that is
  for (const auto& row : rows) {
    const auto value = parse(*row.prediction);
    not_json += !value;
    if (!first.empty()) continue;
    const auto problem = value ? schema.problem(*value) : "$: is not JSON";
    if (!problem.empty()) first = str(row.where, ": ", problem);
  }
  auto result = share(rows, "json:whole-text|schema:given", [&](const std::string& text) {
    const auto value = parse(text);
    return value && schema.problem(*value).empty();
  });
  result.details["not_json"] = not_json;
  if (!first.empty()) result.details["first_problem"] = first;
  return result;
}

}  // namespace tunewright::metrics
