#include "tunewright/metrics/score.h"

namespace tunewright::metrics {

std::vector<double> RowStatistics::sums() const {
  std::vector<double> sums(width);
  for (size_t i = 0; i < values.size(); ++i) sums[i % width] += values[i];
  return sums;
}

}  // namespace tunewright::metrics
