#include "tunewright/metrics/chrf.h"

#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/metrics/bleu.h"
#include "tunewright/metrics/ngrams.h"
#include "tunewright/metrics/options.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

void check(const ChrfOptions& options) {
  const bool fits = options.char_order >= 0 && options.char_order <= 50 &&
                    options.word_order >= 0 && options.word_order <= 20 &&
                    options.char_order + options.word_order > 0;
  if (!fits) {
    throw UserError(
        str("chrf: expected char_order from 0 to 50 and word_order from 0 to 20, not "
            "both 0; got ",
            options.char_order, " and ", options.word_order));
  }
  if (!(options.beta > 0 && std::isfinite(options.beta)))
    throw UserError(str("chrf.beta: expected more than 0, got ", options.beta));
}

bool is_mark(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Words with a mark at their end cut off, or else one at their beginning.
std::vector<std::string_view> words_without_marks(std::string_view text) {
  std::vector<std::string_view> out;
  for (const auto word : split_words(text)) {
    const bool one_character = text::code_point_at(word, 0).size >= word.size();
    if (one_character || (!is_mark(word.front()) && !is_mark(word.back()))) {
      out.push_back(word);
      continue;
    }
    const auto cut = is_mark(word.back()) ? word.size() - 1 : 1;
    out.push_back(word.substr(0, cut));
    out.push_back(word.substr(cut));
  }
  return out;
}

std::vector<uint32_t> characters(std::string_view text, bool whitespace) {
  std::vector<uint32_t> out;
  out.reserve(text.size());
  const auto append = [&](std::string_view part) {
    for (size_t i = 0; i < part.size();) {
      const auto point = text::code_point_at(part, i);
      out.push_back(point.value);
      i += point.size;
    }
  };
  if (whitespace) {
    append(text);
  } else {
    for (const auto word : split_words(text)) append(word);
  }
  return out;
}

// [n-grams of the text, of the reference, of both] for each order: first of characters.
using Counts = std::vector<double>;

double f_score(std::span<const double> counts, const ChrfOptions& options) {
  constexpr double kAlmostZero = 1e-16;
  const double factor = options.beta * options.beta;
  const auto orders = static_cast<size_t>(options.char_order + options.word_order);
  double smoothed = 0, precision_sum = 0, recall_sum = 0, effective = 0;
  for (size_t n = 0; n < orders; ++n) {
    const double own = counts[3 * n], wanted = counts[3 * n + 1], both = counts[3 * n + 2];
    const double precision = own > 0 ? both / own : kAlmostZero;
    const double recall = wanted > 0 ? both / wanted : kAlmostZero;
    const double below = factor * precision + recall;
    smoothed += below > 0 ? (1 + factor) * precision * recall / below : kAlmostZero;
    if (own > 0 && wanted > 0) {
      precision_sum += precision;
      recall_sum += recall;
      effective += 1;
    }
  }
  if (options.eps_smoothing) return 100 * smoothed / static_cast<double>(orders);
  if (effective == 0 || precision_sum + recall_sum == 0) return 0;
  const double precision = precision_sum / effective, recall = recall_sum / effective;
  return 100 * ((1 + factor) * precision * recall / (factor * precision + recall));
}

class ChrfCounter {
 public:
  explicit ChrfCounter(const ChrfOptions& options)
      : options_(options),
        character_numbers_(static_cast<size_t>(options.char_order)),
        word_ngram_numbers_(static_cast<size_t>(options.word_order)) {}

  // The counts beside the reference that the text is nearest to.
  Counts count(std::string_view text, std::span<const std::string> references) {
    words_.clear();
    character_numbers_.clear();
    word_ngram_numbers_.clear();
    const auto own = prepared(text);
    const auto ngrams = ngrams_of(own);
    Counts best;
    double best_score = -1;
    std::vector<std::string> texts;  // keeps the words alive
    texts.reserve(references.size());
    for (const auto& reference : references) {
      texts.push_back(prepared(reference));
      auto counts = compare(ngrams, ngrams_of(texts.back()));
      const auto score = f_score(counts, options_);
      if (score <= best_score) continue;
      best_score = score;
      best = std::move(counts);
    }
    return best;
  }

 private:
  std::string prepared(std::string_view text) const {
    return options_.lowercase ? python::lower(text) : std::string(text);
  }

  std::vector<Ngrams> ngrams_of(std::string_view text) {
    std::vector<Ngrams> ngrams;
    ngrams.push_back(character_numbers_.of(characters(text, options_.whitespace)));
    if (options_.word_order > 0)
      ngrams.push_back(word_ngram_numbers_.of(words_.numbers(words_without_marks(text))));
    return ngrams;
  }

  Counts compare(const std::vector<Ngrams>& own, const std::vector<Ngrams>& wanted) {
    Counts counts;
    for (size_t kind = 0; kind < own.size(); ++kind) {
      for (size_t n = 0; n < own[kind].orders.size(); ++n) {
        const auto& mine = own[kind].orders[n];
        const auto& theirs = wanted[kind].orders[n];
        bag_.clear();
        bag_.raise_to(theirs);
        // Without an n-gram in the reference those of the text do not count either.
        counts.push_back(theirs.empty() ? 0.0 : static_cast<double>(mine.size()));
        counts.push_back(static_cast<double>(theirs.size()));
        counts.push_back(static_cast<double>(bag_.matches(mine)));
      }
    }
    return counts;
  }

  const ChrfOptions& options_;
  WordNumbers words_;
  NgramNumbers character_numbers_, word_ngram_numbers_;
  NgramBag bag_;
};

RowStatistics statistics_of(std::span<const PredictionRow> rows, const ChrfOptions& options) {
  check(options);
  ChrfCounter counter(options);
  RowStatistics statistics{.width =
                               3 * static_cast<size_t>(options.char_order + options.word_order)};
  for (const auto& row : rows) {
    const auto counts = counter.count(row.text(), row.references);
    statistics.values.insert(statistics.values.end(), counts.begin(), counts.end());
  }
  statistics.score = [options](std::span<const double> sums) { return f_score(sums, options); };
  return statistics;
}

Score score_of(std::span<const PredictionRow> rows, const ChrfOptions& options) {
  const auto statistics = statistics_of(rows, options);
  auto signature =
      str("nrefs:", reference_count(rows), "|case:", options.lowercase ? "lc" : "mixed",
          "|eff:", options.eps_smoothing ? "no" : "yes", "|nc:", options.char_order,
          "|nw:", options.word_order, "|space:", options.whitespace ? "yes" : "no");
  if (options.beta != 2) signature += str("|beta:", options.beta);  // the reference leaves it out
  return {.score = statistics.score(statistics.sums()),
          .signature = str(signature, "|version:", kSacrebleuVersion)};
}

ChrfOptions with_words(ChrfOptions options) {
  options.word_order = 2;
  return options;
}

}  // namespace

Score score_chrf(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, options.chrf);
}
RowStatistics chrf_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return statistics_of(rows, options.chrf);
}
Score score_chrf_pp(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, with_words(options.chrf));
}
RowStatistics chrf_pp_statistics(std::span<const PredictionRow> rows,
                                 const MetricOptions& options) {
  return statistics_of(rows, with_words(options.chrf));
}

}  // namespace tunewright::metrics
