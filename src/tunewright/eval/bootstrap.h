#pragma once
#include <cstdint>
#include <functional>
#include <span>

namespace tunewright::eval {

// A figure and the interval that holds its true value with the given confidence.
struct Interval {
  double value = 0, low = 0, high = 0;
};

struct BootstrapOptions {
  int64_t resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 42;
};

// A figure of a sample, given as indices of rows (repeated as often as they are drawn).
using Statistic = std::function<double(std::span<const int64_t> rows)>;

// The percentile bootstrap (Efron 1979) over `row_count` rows.  The same seed draws the same rows,
// so intervals of two models are over the same samples; a statistic that subtracts one model's
// figure from the other's on the same rows gives the paired interval.  Resamples whose figure is
// not a number are left out.  At least 1 row and 2 resamples.
Interval bootstrap(const Statistic& statistic, int64_t row_count,
                   const BootstrapOptions& options = {});

}  // namespace tunewright::eval
