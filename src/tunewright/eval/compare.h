#pragma once
#include <optional>
#include <span>
#include <vector>

#include "tunewright/eval/bootstrap.h"
#include "tunewright/eval/metrics.h"

namespace tunewright::eval {

// A figure of the judged model, and of the baseline on the same rows.
struct MetricResult {
  Metric metric = Metric::kAccuracy;
  Interval candidate;
  std::optional<Interval> baseline;
  std::optional<Interval> difference;  // judged minus baseline, over the same resamples of rows
  std::optional<double> p_value;       // of that difference, by approximate randomisation
};

// `baseline` empty: none.  Otherwise row i of both is the same row.
std::vector<MetricResult> compare(std::span<const Metric> metrics, int64_t labels,
                                  std::span<const RowScore> candidate,
                                  std::span<const RowScore> baseline,
                                  const BootstrapOptions& options);

}  // namespace tunewright::eval
