#include "tunewright/metrics/diversity.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/metrics/bleu.h"
#include "tunewright/metrics/ngrams.h"
#include "tunewright/metrics/options.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

constexpr size_t kBleuOrder = 4;

// All predictions, cut into words that are numbered.
class Predictions {
 public:
  Predictions(std::span<const PredictionRow> rows, const DiversityOptions& options,
              bool lowercase) {
    for (const auto& row : rows) {
      const auto lower = lowercase ? python::lower(row.text()) : std::string();
      const std::string_view text = lowercase ? lower : row.text();
      texts_.push_back(with_word_gaps(options.tokenize, python::strip(text, python::Side::Right)));
    }
    WordNumbers numbers;
    for (const auto& text : texts_) words_.push_back(numbers.numbers(split_words(text)));
  }
  const std::vector<std::vector<uint32_t>>& words() const { return words_; }

 private:
  std::vector<std::string> texts_;
  std::vector<std::vector<uint32_t>> words_;
};

Predictions read(std::span<const PredictionRow> rows, const DiversityOptions& options) {
  return Predictions(rows, options, options.lowercase);
}

size_t check_order(const char* key, int64_t order) {
  if (order < 1 || order > 20)
    throw UserError(str("diversity.", key, ": expected 1 to 20, got ", order));
  return static_cast<size_t>(order);
}

[[noreturn]] void fail_too_short(const char* metric, size_t order) {
  throw UserError(str(metric, ": is not defined, as no prediction has ", order,
                      order == 1 ? " word" : " words"));
}

std::string signature(const DiversityOptions& options) {
  return str("tok:", name_of(options.tokenize), "|case:", options.lowercase ? "lc" : "mixed");
}

Score distinct(std::span<const PredictionRow> rows, const MetricOptions& options,
               const char* metric, size_t order) {
  NgramNumbers numbers(order);
  size_t total = 0;
  const auto predictions = read(rows, options.diversity);
  for (const auto& words : predictions.words()) total += numbers.of(words).at(order).size();
  if (total == 0) fail_too_short(metric, order);
  return {.score = numbers.distinct(order) / static_cast<double>(total),
          .signature = str("n:", order, "|over:all|", signature(options.diversity)),
          .details = {{"distinct", numbers.distinct(order)}, {"total", total}}};
}

// The largest and the second largest count that an n-gram has in one text: the largest among all
// texts but any given one.
struct TopCounts {
  uint32_t first = 0, second = 0;
  size_t owner = 0;  // a text that has the largest
  void add(uint32_t count, size_t text) {
    if (count > first) {
      second = owner == text ? second : first;
      first = count;
      owner = text;
    } else if (owner != text) {
      second = std::max(second, count);
    }
  }
  uint32_t without(size_t text) const { return owner == text ? second : first; }
};

// Lengths of texts, for the nearest one that another text has.
class Lengths {
 public:
  explicit Lengths(const std::vector<std::vector<uint32_t>>& texts) {
    for (const auto& words : texts) sorted_.push_back(words.size());
    std::sort(sorted_.begin(), sorted_.end());
  }
  size_t nearest_other(size_t length) const {
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), length);
    if (at + 1 != sorted_.end() && *(at + 1) == length) return length;
    if (at == sorted_.begin()) return *(at + 1);
    if (at + 1 == sorted_.end()) return *(at - 1);
    return length - *(at - 1) <= *(at + 1) - length ? *(at - 1) : *(at + 1);
  }

 private:
  std::vector<size_t> sorted_;
};

std::vector<std::vector<TopCounts>> top_counts(const std::vector<Ngrams>& texts) {
  std::vector<std::vector<TopCounts>> tops(kBleuOrder);
  for (size_t n = 0; n < kBleuOrder; ++n) {
    std::vector<uint32_t> counts;
    for (size_t text = 0; text < texts.size(); ++text) {
      const auto& ngrams = texts[text].orders[n];
      for (const auto ngram : ngrams) {
        if (ngram >= counts.size()) counts.resize(ngram + 1);
        if (ngram >= tops[n].size()) tops[n].resize(ngram + 1);
        tops[n][ngram].add(++counts[ngram], text);
      }
      for (const auto ngram : ngrams) counts[ngram] = 0;
    }
  }
  return tops;
}

double matches_in_others(const std::vector<uint32_t>& ngrams, const std::vector<TopCounts>& tops,
                         size_t text, std::vector<uint32_t>& used) {
  if (used.size() < tops.size()) used.resize(tops.size());
  double matches = 0;
  for (const auto ngram : ngrams) matches += ++used[ngram] <= tops[ngram].without(text);
  for (const auto ngram : ngrams) used[ngram] = 0;
  return matches;
}

}  // namespace

Score score_distinct1(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return distinct(rows, options, "distinct1", 1);
}
Score score_distinct2(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return distinct(rows, options, "distinct2", 2);
}
Score score_distinct3(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return distinct(rows, options, "distinct3", 3);
}

Score score_self_bleu(std::span<const PredictionRow> rows, const MetricOptions& options) {
  if (rows.size() < 2)
    throw UserError("self_bleu: compares predictions with each other; give two rows or more");
  const auto predictions = read(rows, options.diversity);
  NgramNumbers numbers(kBleuOrder);
  std::vector<Ngrams> texts;
  for (const auto& words : predictions.words()) texts.push_back(numbers.of(words));
  const auto tops = top_counts(texts);
  const Lengths lengths(predictions.words());
  const BleuOptions bleu{.effective_order = true,
                         .max_ngram_order = static_cast<int64_t>(kBleuOrder)};
  std::vector<uint32_t> used;
  double sum = 0;
  for (size_t text = 0; text < texts.size(); ++text) {
    const auto size = predictions.words()[text].size();
    std::vector<double> statistics = {static_cast<double>(size),
                                      static_cast<double>(lengths.nearest_other(size))};
    for (size_t n = 0; n < kBleuOrder; ++n)
      statistics.push_back(matches_in_others(texts[text].orders[n], tops[n], text, used));
    for (size_t n = 0; n < kBleuOrder; ++n)
      statistics.push_back(static_cast<double>(texts[text].orders[n].size()));
    sum += bleu_from(statistics, bleu).score;
  }
  return {.score = sum / static_cast<double>(rows.size()),
          .signature = str("refs:others|eff:yes|smooth:exp|", signature(options.diversity))};
}

Score score_ngram_entropy(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto order = check_order("entropy_order", options.diversity.entropy_order);
  NgramNumbers numbers(order);
  std::vector<double> counts;
  double total = 0;
  const auto predictions = read(rows, options.diversity);
  for (const auto& words : predictions.words()) {
    const auto ngrams = numbers.of(words);
    for (const auto ngram : ngrams.at(order)) {
      if (ngram >= counts.size()) counts.resize(ngram + 1);
      counts[ngram] += 1;
      total += 1;
    }
  }
  if (total == 0) fail_too_short("ngram_entropy", order);
  double entropy = 0;
  for (const auto count : counts) entropy -= count / total * std::log(count / total);
  return {.score = std::max(entropy, 0.0),
          .signature = str("n:", order, "|unit:nats|over:all|", signature(options.diversity)),
          .details = {{"distinct", counts.size()}, {"total", static_cast<int64_t>(total)}}};
}

// Of each prediction: its share, and whether it is long enough to have one.
RowStatistics repetition_statistics(std::span<const PredictionRow> rows,
                                    const MetricOptions& options) {
  const auto order = check_order("repetition_order", options.diversity.repetition_order);
  NgramNumbers numbers(order);
  std::vector<std::optional<double>> shares;
  const auto predictions = read(rows, options.diversity);
  for (const auto& words : predictions.words()) {
    numbers.clear();
    const auto total = numbers.of(words).at(order).size();
    auto& share = shares.emplace_back();
    if (total != 0) share = 1 - numbers.distinct(order) / static_cast<double>(total);
  }
  return mean_of_rows(shares);
}

Score score_repetition(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto order = check_order("repetition_order", options.diversity.repetition_order);
  const auto statistics = repetition_statistics(rows, options);
  const auto sums = statistics.sums();
  const auto scored = static_cast<int64_t>(sums[1]);
  if (scored == 0) fail_too_short("repetition", order);
  return {.score = statistics.score(sums),
          .signature = str("n:", order, "|mean:rows|", signature(options.diversity)),
          .details = {{"rows", scored}, {"too_short", std::ssize(rows) - scored}}};
}

}  // namespace tunewright::metrics
