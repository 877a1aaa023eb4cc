#include "tunewright/metrics/classification_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tunewright/base/error.h"

namespace tunewright::metrics {
namespace {

using Figure = std::optional<double> (*)(const BinaryRanking&);

std::optional<double> roc_auc_of(const BinaryRanking& ranking) { return ranking.roc_auc(); }
std::optional<double> pr_auc_of(const BinaryRanking& ranking) { return ranking.pr_auc(); }

// The label against all others, on all rows.
BinaryRanking one_against_rest(const LabelProbabilities& given, int64_t label) {
  std::vector<double> scores;
  std::vector<uint8_t> positive;
  for (int64_t row = 0; row < given.rows(); ++row) {
    scores.push_back(given.at(row, label));
    positive.push_back(given.references[static_cast<size_t>(row)] == label);
  }
  return {scores, positive};
}

// `label` against `other`, on the rows of these two, by the probability of `label`.
BinaryRanking one_against_one(const LabelProbabilities& given, int64_t label, int64_t other) {
  std::vector<double> scores;
  std::vector<uint8_t> positive;
  for (int64_t row = 0; row < given.rows(); ++row) {
    const auto reference = given.references[static_cast<size_t>(row)];
    if (reference != label && reference != other) continue;
    scores.push_back(given.at(row, label));
    positive.push_back(reference == label);
  }
  return {scores, positive};
}

std::vector<int64_t> rows_of_labels(const LabelProbabilities& given) {
  std::vector<int64_t> counts(static_cast<size_t>(given.labels));
  for (const auto reference : given.references) ++counts[static_cast<size_t>(reference)];
  return counts;
}

std::optional<double> over_labels(const LabelProbabilities& given, Weighting weighting,
                                  Figure figure) {
  if (given.labels == 2) return figure(one_against_rest(given, 1));
  const auto counts = rows_of_labels(given);
  double sum = 0, weights = 0;
  for (int64_t label = 0; label < given.labels; ++label) {
    const auto value = figure(one_against_rest(given, label));
    if (!value) return std::nullopt;
    const double weight = weighting == Weighting::kMacro
                              ? 1.0
                              : static_cast<double>(counts[static_cast<size_t>(label)]);
    sum += weight * *value;
    weights += weight;
  }
  return weights == 0 ? std::nullopt : std::optional(sum / weights);
}

double squared_distance(std::span<const double> probabilities, int64_t reference) {
  double sum = 0;
  for (size_t label = 0; label < probabilities.size(); ++label) {
    const double truth = static_cast<int64_t>(label) == reference ? 1.0 : 0.0;
    sum += (probabilities[label] - truth) * (probabilities[label] - truth);
  }
  return sum;
}

}  // namespace

BinaryRanking::BinaryRanking(std::span<const double> scores, std::span<const uint8_t> positive) {
  TUNEWRIGHT_ASSERT(scores.size() == positive.size());
  order_.resize(scores.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
    const double of_a = scores[static_cast<size_t>(a)], of_b = scores[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  });
  for (size_t i = 0; i < order_.size(); ++i) {
    const auto row = static_cast<size_t>(order_[i]);
    positive_.push_back(positive[row] != 0);
    new_tie_.push_back(i == 0 || scores[row] != scores[static_cast<size_t>(order_[i - 1])]);
  }
}

std::vector<BinaryRanking::Tie> BinaryRanking::ties(std::span<const int64_t> weights) const {
  TUNEWRIGHT_ASSERT(weights.empty() || weights.size() == order_.size());
  std::vector<Tie> all;
  for (size_t i = 0; i < order_.size(); ++i) {
    if (new_tie_[i]) all.emplace_back();
    const auto weight = weights.empty() ? 1 : weights[static_cast<size_t>(order_[i])];
    (positive_[i] ? all.back().positives : all.back().negatives) += weight;
  }
  return all;
}

std::optional<double> BinaryRanking::roc_auc(std::span<const int64_t> weights) const {
  double doubled_pairs = 0;  // whole numbers: exact up to 2^53
  int64_t positives = 0, negatives = 0;
  for (const auto& tie : ties(weights)) {
    doubled_pairs +=
        static_cast<double>(tie.negatives) * static_cast<double>(2 * positives + tie.positives);
    positives += tie.positives;
    negatives += tie.negatives;
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  return doubled_pairs / 2 / static_cast<double>(positives) / static_cast<double>(negatives);
}

std::optional<double> BinaryRanking::pr_auc(std::span<const int64_t> weights) const {
  const auto all = ties(weights);
  int64_t total = 0;
  for (const auto& tie : all) total += tie.positives;
  if (total == 0) return std::nullopt;
  double area = 0;
  int64_t positives = 0, rows = 0;
  for (const auto& tie : all) {
    positives += tie.positives;
    rows += tie.positives + tie.negatives;
    if (rows == 0) continue;
    area += static_cast<double>(tie.positives) / static_cast<double>(total) *
            (static_cast<double>(positives) / static_cast<double>(rows));
  }
  return area;
}

std::optional<double> roc_auc_one_vs_rest(const LabelProbabilities& given, Weighting weighting) {
  return over_labels(given, weighting, roc_auc_of);
}

std::optional<double> roc_auc_one_vs_one(const LabelProbabilities& given, Weighting weighting) {
  if (given.labels == 2) return roc_auc_one_vs_rest(given);
  const auto counts = rows_of_labels(given);
  double sum = 0, weights = 0;
  for (int64_t a = 0; a < given.labels; ++a) {
    for (int64_t b = a + 1; b < given.labels; ++b) {
      const auto first = one_against_one(given, a, b).roc_auc();
      const auto second = one_against_one(given, b, a).roc_auc();
      if (!first || !second) return std::nullopt;
      const double weight = weighting == Weighting::kMacro
                                ? 1.0
                                : static_cast<double>(counts[static_cast<size_t>(a)] +
                                                      counts[static_cast<size_t>(b)]);
      sum += weight * (*first + *second) / 2;
      weights += weight;
    }
  }
  return weights == 0 ? std::nullopt : std::optional(sum / weights);
}

std::optional<double> pr_auc(const LabelProbabilities& given) {
  return over_labels(given, Weighting::kMacro, pr_auc_of);
}

std::optional<double> log_loss(const LabelProbabilities& given) {
  if (given.rows() == 0) return std::nullopt;
  constexpr double kLeast = std::numeric_limits<double>::epsilon();
  double sum = 0;
  for (int64_t row = 0; row < given.rows(); ++row) {
    const double right = given.at(row, given.references[static_cast<size_t>(row)]);
    sum -= std::log(std::clamp(right, kLeast, 1 - kLeast));
  }
  return sum / static_cast<double>(given.rows());
}

std::optional<double> brier_score(const LabelProbabilities& given) {
  if (given.rows() == 0) return std::nullopt;
  double sum = 0;
  for (int64_t row = 0; row < given.rows(); ++row)
    sum += squared_distance(given.row(row), given.references[static_cast<size_t>(row)]);
  return sum / static_cast<double>(given.rows()) / (given.labels == 2 ? 2 : 1);
}

std::vector<double> softmax(std::span<const double> logits) {
  std::vector<double> probabilities;
  if (logits.empty()) return probabilities;
  const double most = *std::ranges::max_element(logits);
  double total = 0;
  for (const double logit : logits) total += probabilities.emplace_back(std::exp(logit - most));
  for (double& probability : probabilities) probability /= total;
  return probabilities;
}

int64_t most_probable(std::span<const double> probabilities) {
  return std::ranges::max_element(probabilities) - probabilities.begin();
}

}  // namespace tunewright::metrics
