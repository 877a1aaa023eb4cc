#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// Figures of the probabilities that a model gives the labels, as scikit-learn computes them.  What
// its data leave undefined (no row of a label) is nullopt, never a number.
namespace tunewright::metrics {

// A score for each of two classes' rows, put in order once so that a figure of any multiset of the
// rows takes time linear in their number: what resampling needs.
class BinaryRanking {
 public:
  // scores: finite.  positive[i]: row i is of the class that high scores speak for.
  BinaryRanking(std::span<const double> scores, std::span<const uint8_t> positive);

  // weights[i]: how often row i counts; empty: once each.
  // The area under the ROC curve: the share of pairs in the right order, ties half.
  std::optional<double> roc_auc(std::span<const int64_t> weights = {}) const;
  // The area under precision over recall as a sum of steps (average precision).
  std::optional<double> pr_auc(std::span<const int64_t> weights = {}) const;

 private:
  struct Tie {
    int64_t positives = 0, negatives = 0;
  };
  std::vector<Tie> ties(std::span<const int64_t> weights) const;

  std::vector<int64_t> order_;     // rows by falling score
  std::vector<uint8_t> positive_;  // of order_[i]
  std::vector<uint8_t> new_tie_;   // order_[i] has a lower score than the row before
};

// Row-major probabilities [rows, labels] and the label that is right in each row.
struct LabelProbabilities {
  int64_t labels = 0;
  std::vector<double> values;
  std::vector<int64_t> references;

  int64_t rows() const { return static_cast<int64_t>(references.size()); }
  double at(int64_t row, int64_t label) const {
    return values[static_cast<size_t>(row * labels + label)];
  }
  std::span<const double> row(int64_t row) const {
    return std::span(values).subspan(static_cast<size_t>(row * labels),
                                     static_cast<size_t>(labels));
  }
};

enum class Weighting { kMacro, kWeighted };  // classes (pairs) alike, or by their share of the rows
// Two labels: of the second one, which is the positive class.  More: each label against all others.
std::optional<double> roc_auc_one_vs_rest(const LabelProbabilities& given,
                                          Weighting weighting = Weighting::kMacro);
// Each pair of labels on their rows alone (Hand and Till 2001).
std::optional<double> roc_auc_one_vs_one(const LabelProbabilities& given,
                                         Weighting weighting = Weighting::kMacro);
// Two labels: of the second one.  More: the mean over each label against all others.
std::optional<double> pr_auc(const LabelProbabilities& given);

// Mean of -ln(probability of the right label), probabilities held within [2.2e-16, 1 - 2.2e-16].
std::optional<double> log_loss(const LabelProbabilities& given);
// Mean squared distance to the right answer: of the second label's probability where there are two,
// summed over all labels where there are more (Brier 1950, between 0 and 2).
std::optional<double> brier_score(const LabelProbabilities& given);

// Probabilities of labels whose logarithms are known up to one constant.  Empty: empty.
std::vector<double> softmax(std::span<const double> logits);
// The most probable label; of several alike, the first, as numpy.argmax.
int64_t most_probable(std::span<const double> probabilities);

}  // namespace tunewright::metrics
