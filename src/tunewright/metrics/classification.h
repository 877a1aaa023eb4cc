#pragma once
#include <cstdint>
#include <span>
#include <vector>

// Figures of answers that are one of a set of labels.  Everywhere in this module labels are indices
// 0…labels-1, figures are scikit-learn's with zero_division=0, and an answer that is none of the
// labels counts as wrong: it misses its reference, and is no label's false positive.
namespace tunewright::metrics {

inline constexpr int64_t kInvalid = -1;  // an answer that is none of the labels

// counts[r * (labels + 1) + p]: rows of label r answered as label p; the last column counts invalid
// answers.
struct Confusion {
  explicit Confusion(int64_t labels);
  void add(int64_t reference, int64_t predicted);
  int64_t at(int64_t reference, int64_t predicted) const;  // predicted = labels: invalid
  int64_t rows() const;
  int64_t correct() const;
  int64_t invalid() const;

  int64_t labels;
  std::vector<int64_t> counts;
};
// Row i of both is the same row.
Confusion confusion(std::span<const int64_t> references, std::span<const int64_t> predictions,
                    int64_t labels);

struct ClassScore {
  double precision = 0, recall = 0, f1 = 0;  // 0 where undefined
  int64_t support = 0;                       // rows of this label
};
std::vector<ClassScore> class_scores(const Confusion& confusion);

// What all averages are made of, and what adds up over rows.
struct LabelCounts {
  std::vector<double> correct, answered, support;  // of each label
  double rows = 0;                                 // those with invalid answers included
};
LabelCounts label_counts(const Confusion& confusion);

enum class Average {
  kMicro,    // over the sums of all labels
  kMacro,    // mean over the labels, each alike
  kWeighted  // mean over the labels, weighed by their rows
};
ClassScore average_score(const LabelCounts& counts, Average average);

// Not a number where there are no rows.
double accuracy(const LabelCounts& counts);
// Matthews' correlation, of many labels by Gorodkin (2004); 0 where one side is constant.  Invalid
// answers are one more label that no row has.
double matthews_correlation(const LabelCounts& counts);

}  // namespace tunewright::metrics
