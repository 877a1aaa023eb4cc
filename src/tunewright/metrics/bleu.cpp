#include "tunewright/metrics/bleu.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/metrics/ngrams.h"
#include "tunewright/metrics/options.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

double smooth_value(const BleuOptions& options) {
  return options.smooth_value.value_or(options.smooth == Smoothing::kFloor ? 0.1 : 1.0);
}

void check(const BleuOptions& options) {
  if (options.max_ngram_order < 1 || options.max_ngram_order > 20) {
    throw UserError(str("bleu.max_ngram_order: expected 1 to 20, got ", options.max_ngram_order));
  }
  if (options.smooth_value && !(*options.smooth_value >= 0 && std::isfinite(*options.smooth_value)))
    throw UserError(str("bleu.smooth_value: expected 0 or more, got ", *options.smooth_value));
}

std::string prepared(std::string_view text, const BleuOptions& options) {
  const auto lower = options.lowercase ? python::lower(text) : std::string();
  const auto stripped = python::strip(options.lowercase ? lower : text, python::Side::Right);
  return with_word_gaps(options.tokenize, stripped);
}

// The length that is nearest to `length`; of two, the shorter.
size_t nearest_length(size_t length, const std::vector<size_t>& candidates) {
  const auto distance = [&](size_t other) {
    return other > length ? other - length : length - other;
  };
  return *std::min_element(candidates.begin(), candidates.end(), [&](size_t a, size_t b) {
    return std::pair(distance(a), a) < std::pair(distance(b), b);
  });
}

// What one row contributes, row after row.
class BleuCounter {
 public:
  explicit BleuCounter(const BleuOptions& options)
      : options_(options),
        order_(static_cast<size_t>(options.max_ngram_order)),
        numbers_(order_),
        bags_(order_) {}

  size_t width() const { return 2 + 2 * order_; }

  void count(std::string_view text, std::span<const std::string> references,
             std::vector<double>& out) {
    words_.clear();
    numbers_.clear();
    for (auto& bag : bags_) bag.clear();
    std::vector<std::string> texts;  // keeps the words alive
    texts.reserve(references.size());
    std::vector<size_t> lengths;
    for (const auto& reference : references) {
      texts.push_back(prepared(reference, options_));
      const auto words = words_.numbers(split_words(texts.back()));
      lengths.push_back(words.size());
      const auto ngrams = numbers_.of(words);
      for (size_t n = 0; n < order_; ++n) bags_[n].raise_to(ngrams.orders[n]);
    }
    const auto own = prepared(text, options_);
    const auto words = words_.numbers(split_words(own));
    const auto ngrams = numbers_.of(words);
    out.push_back(static_cast<double>(words.size()));
    out.push_back(static_cast<double>(nearest_length(words.size(), lengths)));
    for (size_t n = 0; n < order_; ++n)
      out.push_back(static_cast<double>(bags_[n].matches(ngrams.orders[n])));
    for (size_t n = 0; n < order_; ++n) out.push_back(static_cast<double>(ngrams.orders[n].size()));
  }

 private:
  const BleuOptions& options_;
  size_t order_;
  WordNumbers words_;
  NgramNumbers numbers_;
  std::vector<NgramBag> bags_;
};

std::string signature(std::span<const PredictionRow> rows, const BleuOptions& options) {
  std::string smooth;
  for (const auto& [name, meaning] : kSmoothingNames) {
    if (meaning == options.smooth) smooth = name;
  }
  if (options.smooth == Smoothing::kFloor || options.smooth == Smoothing::kAddK)
    smooth += "[" + fixed(smooth_value(options), 2) + "]";
  return str("nrefs:", reference_count(rows), "|case:", options.lowercase ? "lc" : "mixed",
             "|eff:", options.effective_order ? "yes" : "no", "|tok:", name_of(options.tokenize),
             "|smooth:", smooth, "|version:", kSacrebleuVersion);
}

}  // namespace

BleuScore bleu_from(std::span<const double> statistics, const BleuOptions& options) {
  const auto orders = static_cast<size_t>(options.max_ngram_order);
  const double length = statistics[0], reference_length = statistics[1];
  BleuScore result{.precisions = std::vector<double>(orders)};
  if (length < reference_length)
    result.brevity_penalty = length > 0 ? std::exp(1 - reference_length / length) : 0.0;
  const auto matches = statistics.subspan(2, orders);
  if (std::all_of(matches.begin(), matches.end(), [](double count) { return count == 0; }))
    return result;
  double halving = 1;
  size_t effective = orders;
  for (size_t n = 0; n < orders; ++n) {
    const double added = options.smooth == Smoothing::kAddK && n > 0 ? smooth_value(options) : 0.0;
    const double correct = matches[n] + added, total = statistics[2 + orders + n] + added;
    if (total == 0) break;
    if (options.effective_order) effective = n + 1;
    auto& precision = result.precisions[n];
    if (correct != 0) {
      precision = 100 * correct / total;
    } else if (options.smooth == Smoothing::kExp) {
      halving *= 2;
      precision = 100 / (halving * total);
    } else if (options.smooth == Smoothing::kFloor) {
      precision = 100 * smooth_value(options) / total;
    }
  }
  double log_sum = 0;
  for (size_t n = 0; n < effective; ++n) {
    if (result.precisions[n] == 0) return result;  // nothing multiplies up from 0
    log_sum += std::log(result.precisions[n]);
  }
  result.score = result.brevity_penalty * std::exp(log_sum / static_cast<double>(effective));
  return result;
}

RowStatistics bleu_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  check(options.bleu);
  BleuCounter counter(options.bleu);
  RowStatistics statistics{.width = counter.width()};
  for (const auto& row : rows) counter.count(row.text(), row.references, statistics.values);
  statistics.score = [bleu = options.bleu](std::span<const double> sums) {
    return bleu_from(sums, bleu).score;
  };
  return statistics;
}

Score score_bleu(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto sums = bleu_statistics(rows, options).sums();
  const auto result = bleu_from(sums, options.bleu);
  return {.score = result.score,
          .signature = signature(rows, options.bleu),
          .details = {{"precisions", result.precisions},
                      {"brevity_penalty", result.brevity_penalty},
                      {"length", static_cast<int64_t>(sums[0])},
                      {"reference_length", static_cast<int64_t>(sums[1])}}};
}

std::string reference_count(std::span<const PredictionRow> rows) {
  const auto count = rows.empty() ? 0 : rows[0].references.size();
  for (const auto& row : rows) {
    if (row.references.size() != count) return "var";
  }
  return std::to_string(count);
}

}  // namespace tunewright::metrics
