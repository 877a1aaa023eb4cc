#include "tunewright/metrics/ter.h"

#include <algorithm>
#include <limits>

#include "tunewright/metrics/bleu.h"
#include "tunewright/metrics/ngrams.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/translation_edits.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

// Characters that stand for a word.  The last range is written so in the reference: it takes in the
// private use of what it means to be 3200-32FF.
bool is_asian_word(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x31c0 && c <= 0x31ef) || (c >= 0x2e80 && c <= 0x2eff) ||
         (c >= 0x3300 && c <= 0x33ff) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xfe30 && c <= 0xfe4f) || (c >= 0x3200 && c <= 0x3f22);
}

bool is_asian_mark(char32_t c) {
  constexpr std::u32string_view kSingle =
      U"\u3001\u3002\u30fb\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09";
  return (c >= 0x3008 && c <= 0x3011) || (c >= 0x3014 && c <= 0x301f) ||
         (c >= 0xff61 && c <= 0xff65) || kSingle.find(c) != std::u32string_view::npos;
}

bool is_western_mark(char32_t c) {
  return c < 0x80 &&
         std::string_view(".,?:;!\"()").find(static_cast<char>(c)) != std::string_view::npos;
}

std::string with_asian_gaps(std::string_view text) {
  std::string out;
  for (const auto c : python::decode(text)) {
    const bool apart = is_asian_word(c) || is_asian_mark(c);
    if (apart) out += ' ';
    python::append(out, c);
    if (apart) out += ' ';
  }
  return out;
}

std::string without_marks(std::string_view text, bool asian) {
  std::string out;
  for (const auto c : python::decode(text)) {
    if (!is_western_mark(c) && !(asian && is_asian_mark(c))) python::append(out, c);
  }
  return out;
}

std::string normalised(std::string text) {
  text = replace_all(std::move(text), "\n-", "");
  text = replace_all(std::move(text), "\n", " ");
  text = with_gaps_at_marks(" " + without_entities(std::move(text)) + " ");
  return with_gaps_at_stops(replace_all(std::move(text), "'s ", " 's "));
}

// Tercom's preparation.
std::string prepared(std::string_view original, const TerOptions& options) {
  std::string text(python::strip(original, python::Side::Right));
  if (!options.case_sensitive) text = python::lower(text);
  if (options.normalized && !text.empty()) {
    text = normalised(std::move(text));
    if (options.asian_support) text = with_asian_gaps(text);
  }
  if (options.no_punct) text = without_marks(text, options.asian_support);
  return text;
}

RowStatistics statistics_of(std::span<const PredictionRow> rows, const TerOptions& options) {
  RowStatistics statistics{.width = 2};
  WordNumbers numbers;
  for (const auto& row : rows) {
    numbers.clear();
    std::vector<std::string> texts;  // keeps the words alive
    texts.reserve(row.references.size());
    const auto own_text = prepared(row.text(), options);
    const auto own = numbers.numbers(split_words(own_text));
    int64_t fewest = std::numeric_limits<int64_t>::max(), words = 0;
    for (const auto& reference : row.references) {
      // sacrebleu prepares references twice, which may cut them further: ",7" becomes ", 7".
      texts.push_back(prepared(prepared(reference, options), options));
      const auto wanted = numbers.numbers(split_words(texts.back()));
      words += static_cast<int64_t>(wanted.size());
      fewest = std::min(fewest, translation_edits(own, wanted));
    }
    statistics.values.push_back(static_cast<double>(fewest));
    statistics.values.push_back(static_cast<double>(words) /
                                static_cast<double>(row.references.size()));
  }
  // Without a word in the references: everything is wrong, or nothing was asked.
  statistics.score = [](std::span<const double> sums) {
    if (sums[1] > 0) return 100 * (sums[0] / sums[1]);
    return sums[0] > 0 ? 100.0 : 0.0;
  };
  return statistics;
}

}  // namespace

RowStatistics ter_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return statistics_of(rows, options.ter);
}

Score score_ter(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto statistics = statistics_of(rows, options.ter);
  const auto sums = statistics.sums();
  const auto yes_or_no = [](bool value) { return value ? "yes" : "no"; };
  return {.score = statistics.score(sums),
          .signature =
              str("nrefs:", reference_count(rows),
                  "|case:", options.ter.case_sensitive ? "mixed" : "lc", "|tok:tercom|norm:",
                  yes_or_no(options.ter.normalized), "|punct:", yes_or_no(!options.ter.no_punct),
                  "|asian:", yes_or_no(options.ter.asian_support), "|version:", kSacrebleuVersion),
          .details = {{"edits", static_cast<int64_t>(sums[0])}, {"reference_words", sums[1]}}};
}

}  // namespace tunewright::metrics
