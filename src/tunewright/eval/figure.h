#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "tunewright/eval/metrics.h"

namespace tunewright::eval {

// How RowScore::values[column], and where more is needed the values after it, become one figure.
enum class Aggregation {
  kMean,
  kMedian,              // the upper one, as lm-evaluation-harness takes it
  kPerplexity,          // exp(-mean)
  kWeightedPerplexity,  // exp(-sum of values / sum of weights), the weights in the next column
  kBitsPerByte,         // -sum of values / sum of weights / log(2)
  kF1,                  // of class 1: the right class in the column, the predicted in the next
  kMatthews,            // correlation of the same two
  // BBQ (Parrish et al. 2022): right, biased and known answers, and 1 where the context
  // disambiguates, in four columns.
  kAmbiguousAccuracy,
  kDisambiguatedAccuracy,
  kAmbiguousBias,      // (1 - accuracy) * the bias of the ambiguous rows
  kDisambiguatedBias,  // 2 * biased answers / answers that are not "unknown" - 1
};

// Which rows count.
enum class Over {
  kAll,
  kGroup,         // those of one group
  kMeanOfGroups,  // the figure of each group, every group counting the same
  kGap,           // the largest figure of a group less the smallest
};

struct Figure {
  std::string name;
  Aggregation aggregation = Aggregation::kMean;
  size_t column = 0;
  bool lower_is_better = false;
  Over over = Over::kAll;
  int64_t group = kInvalid;  // kGroup
  bool is_judged = true;  // false: the best figure is no end of the scale (0.5 of a share, no bias)
  std::string signature = {};  // what its name leaves open
};

// Rows whose value is not a number are left out.  None left: not a number.
double compute(const Figure& figure, std::span<const RowScore> scores,
               std::span<const int64_t> rows);

}  // namespace tunewright::eval
