#include "tunewright/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/random.h"
#include "tunewright/eval/metrics.h"

namespace tunewright::eval {
namespace {

// Between the two nearest order statistics, linearly, as numpy.quantile does.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Interval bootstrap(const Statistic& statistic, int64_t row_count, const BootstrapOptions& options) {
  TUNEWRIGHT_ASSERT(row_count > 0 && options.resamples > 1);
  TUNEWRIGHT_ASSERT(options.confidence > 0 && options.confidence < 1);
  Random random(options.seed, stream_id("bootstrap"));
  std::vector<int64_t> rows(static_cast<size_t>(row_count));
  std::vector<double> figures;
  figures.reserve(static_cast<size_t>(options.resamples));
  for (int64_t i = 0; i < options.resamples; ++i) {
    for (auto& row : rows)
      row = static_cast<int64_t>(random.below(static_cast<uint64_t>(row_count)));
    const double figure = statistic(rows);
    if (std::isfinite(figure)) figures.push_back(figure);
  }
  const double value = statistic(all_rows(rows.size()));
  if (figures.empty()) return {.value = value, .low = value, .high = value};
  std::sort(figures.begin(), figures.end());
  const double tail = (1 - options.confidence) / 2;
  return {.value = value, .low = quantile(figures, tail), .high = quantile(figures, 1 - tail)};
}

}  // namespace tunewright::eval
