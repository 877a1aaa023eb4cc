#include "tunewright/metrics/classification.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "tunewright/base/error.h"

namespace tunewright::metrics {
namespace {

double ratio(double part, double whole) { return whole == 0 ? 0.0 : part / whole; }

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

ClassScore score(double correct, double answered, double support) {
  return {.precision = ratio(correct, answered),
          .recall = ratio(correct, support),
          .f1 = ratio(2 * correct, answered + support),
          .support = static_cast<int64_t>(support)};
}

ClassScore weighted_mean(const std::vector<ClassScore>& scores,
                         const std::vector<double>& weights) {
  ClassScore sum;
  double total = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    sum.precision += weights[i] * scores[i].precision;
    sum.recall += weights[i] * scores[i].recall;
    sum.f1 += weights[i] * scores[i].f1;
    sum.support += scores[i].support;
    total += weights[i];
  }
  sum.precision = ratio(sum.precision, total);
  sum.recall = ratio(sum.recall, total);
  sum.f1 = ratio(sum.f1, total);
  return sum;
}

}  // namespace

Confusion::Confusion(int64_t label_count) : labels(label_count) {
  TUNEWRIGHT_ASSERT(labels > 0);
  counts.resize(static_cast<size_t>(labels * (labels + 1)));
}

void Confusion::add(int64_t reference, int64_t predicted) {
  TUNEWRIGHT_ASSERT(reference >= 0 && reference < labels && predicted < labels);
  const auto column = predicted == kInvalid ? labels : predicted;
  ++counts[static_cast<size_t>(reference * (labels + 1) + column)];
}

int64_t Confusion::at(int64_t reference, int64_t predicted) const {
  return counts[static_cast<size_t>(reference * (labels + 1) + predicted)];
}

int64_t Confusion::rows() const {
  int64_t sum = 0;
  for (const auto count : counts) sum += count;
  return sum;
}

int64_t Confusion::correct() const {
  int64_t sum = 0;
  for (int64_t label = 0; label < labels; ++label) sum += at(label, label);
  return sum;
}

int64_t Confusion::invalid() const {
  int64_t sum = 0;
  for (int64_t reference = 0; reference < labels; ++reference) sum += at(reference, labels);
  return sum;
}

Confusion confusion(std::span<const int64_t> references, std::span<const int64_t> predictions,
                    int64_t labels) {
  TUNEWRIGHT_ASSERT(references.size() == predictions.size());
  Confusion table(labels);
  for (size_t i = 0; i < references.size(); ++i) table.add(references[i], predictions[i]);
  return table;
}

std::vector<ClassScore> class_scores(const Confusion& table) {
  const auto counts = label_counts(table);
  std::vector<ClassScore> scores;
  for (size_t i = 0; i < counts.correct.size(); ++i)
    scores.push_back(score(counts.correct[i], counts.answered[i], counts.support[i]));
  return scores;
}

LabelCounts label_counts(const Confusion& table) {
  const auto labels = static_cast<size_t>(table.labels);
  LabelCounts sums{.correct = std::vector<double>(labels),
                   .answered = std::vector<double>(labels),
                   .support = std::vector<double>(labels)};
  for (size_t reference = 0; reference < labels; ++reference) {
    for (size_t predicted = 0; predicted <= labels; ++predicted) {
      const auto count = static_cast<double>(table.counts[reference * (labels + 1) + predicted]);
      sums.support[reference] += count;
      sums.rows += count;
      if (predicted < labels) sums.answered[predicted] += count;
      if (predicted == reference) sums.correct[reference] += count;
    }
  }
  return sums;
}

ClassScore average_score(const LabelCounts& counts, Average average) {
  // An invalid answer is missed, and is nobody's false positive.
  if (average == Average::kMicro)
    return score(sum_of(counts.correct), sum_of(counts.answered), sum_of(counts.support));
  std::vector<ClassScore> scores;
  for (size_t i = 0; i < counts.correct.size(); ++i)
    scores.push_back(score(counts.correct[i], counts.answered[i], counts.support[i]));
  const bool alike = average == Average::kMacro;
  return weighted_mean(scores, alike ? std::vector<double>(scores.size(), 1.0) : counts.support);
}

double accuracy(const LabelCounts& counts) {
  if (counts.rows == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum_of(counts.correct) / counts.rows;
}

double matthews_correlation(const LabelCounts& counts) {
  const double invalid = counts.rows - sum_of(counts.answered);
  double both = 0, truth = 0, answers = invalid * invalid;
  for (size_t i = 0; i < counts.correct.size(); ++i) {
    both += counts.support[i] * counts.answered[i];
    truth += counts.support[i] * counts.support[i];
    answers += counts.answered[i] * counts.answered[i];
  }
  const double square = counts.rows * counts.rows;
  const double spread = (square - truth) * (square - answers);
  return spread == 0 ? 0.0 : (sum_of(counts.correct) * counts.rows - both) / std::sqrt(spread);
}

}  // namespace tunewright::metrics
