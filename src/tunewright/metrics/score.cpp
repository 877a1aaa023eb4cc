#include "tunewright/metrics/score.h"

namespace tunewright::metrics {

std::vector<double> RowStatistics::sums() const {
  std::vector<double> sums(width);
  for (size_t i = 0; i < values.size(); ++i) sums[i % width] += values[i];
  return sums;
}

RowStatistics mean_of_rows(std::span<const std::optional<double>> figures) {
  RowStatistics statistics{.width = 2, .values = {}, .score = [](std::span<const double> sums) {
                             return sums[1] == 0 ? 0 : sums[0] / sums[1];
                           }};
  for (const auto& figure : figures)
    statistics.values.insert(statistics.values.end(), {figure.value_or(0), figure ? 1.0 : 0.0});
  return statistics;
}

}  // namespace tunewright::metrics
