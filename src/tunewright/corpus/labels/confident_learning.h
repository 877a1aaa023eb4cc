#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

// Confident learning (Northcutt, Jiang, Chuang 2021) as cleanlab 2.9 computes it: the same sums in
// the same order, so that its choices are the same.  Only where probabilities of two rows are equal
// to the last bit and one of them is picked, ours is the earlier row; cleanlab's depends on the
// sorting instructions of the processor.
//
// N rows, K classes.
namespace tunewright::corpus {

// Probabilities [N, K] of a model that has not seen the row, and the given labels [N], each below
// K.
struct LabelledProbabilities {
  int64_t classes = 0;
  std::vector<double> values;
  std::vector<int32_t> labels;

  int64_t rows() const { return std::ssize(labels); }
  std::span<const double> row(int64_t i) const {
    return {values.data() + i * classes, static_cast<size_t>(classes)};
  }
  double of_label(int64_t i) const { return row(i)[static_cast<size_t>(labels[i])]; }
};

enum class FilterBy {
  kPruneByNoiseRate,
  kPruneByClass,
  kBoth,
  kConfidentLearning,
  kPredictedNeqGiven,
  kLowNormalizedMargin,
  kLowSelfConfidence
};
inline constexpr std::array kFilterNames = {
    std::pair{"prune_by_noise_rate", FilterBy::kPruneByNoiseRate},
    std::pair{"prune_by_class", FilterBy::kPruneByClass},
    std::pair{"both", FilterBy::kBoth},
    std::pair{"confident_learning", FilterBy::kConfidentLearning},
    std::pair{"predicted_neq_given", FilterBy::kPredictedNeqGiven},
    std::pair{"low_normalized_margin", FilterBy::kLowNormalizedMargin},
    std::pair{"low_self_confidence", FilterBy::kLowSelfConfidence}};

enum class LabelQuality { kSelfConfidence, kNormalizedMargin, kConfidenceWeightedEntropy };
inline constexpr std::array kQualityNames = {
    std::pair{"self_confidence", LabelQuality::kSelfConfidence},
    std::pair{"normalized_margin", LabelQuality::kNormalizedMargin},
    std::pair{"confidence_weighted_entropy", LabelQuality::kConfidenceWeightedEntropy}};

struct IssueOptions {
  FilterBy filter_by = FilterBy::kPruneByNoiseRate;
  double frac_noise = 1.0;  // of the estimated noise, from 0 to 1; the pruning ones alone
  int64_t min_examples_per_class = 1;  // classes with no more rows are left alone
};

// The mean probability of its own label in each class; 2 where no row has the label.  [K]
std::vector<double> confident_thresholds(const LabelledProbabilities& data);

// Counts of (given label, confidently guessed label).  [K, K]
struct ConfidentJoint {
  int64_t classes = 0;
  std::vector<int64_t> counts;
  std::vector<int64_t> off_diagonal;  // rows whose guess differs from their label, ascending

  int64_t& at(int64_t given, int64_t guess) { return counts[given * classes + guess]; }
  int64_t at(int64_t given, int64_t guess) const { return counts[given * classes + guess]; }
};
ConfidentJoint confident_joint(const LabelledProbabilities& data);
// Scaled to the counts of the labels (its row sums) and rounded so that they stay.
ConfidentJoint calibrated(const ConfidentJoint& joint, std::span<const int64_t> label_counts);

std::vector<int64_t> label_counts(const LabelledProbabilities& data);  // [K]

// Which rows have a doubtful label.  Needs two classes.  [N]
std::vector<bool> find_label_issues(const LabelledProbabilities& data, const IssueOptions& options);

// How likely each label is right, from 0 to 1.  [N]
std::vector<double> label_quality(const LabelledProbabilities& data, LabelQuality method);

// The most probable class of a row; of equal ones the first.
int64_t most_probable(std::span<const double> probabilities);

// The sum as numpy computes it: in pairs of blocks, whose rounding differs from a plain loop's.
double pairwise_sum(std::span<const double> values);

}  // namespace tunewright::corpus
