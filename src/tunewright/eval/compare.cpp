#include "tunewright/eval/compare.h"

#include "tunewright/base/error.h"

namespace tunewright::eval {

std::vector<MetricResult> compare(std::span<const Metric> metrics, int64_t labels,
                                  std::span<const RowScore> candidate,
                                  std::span<const RowScore> baseline,
                                  const BootstrapOptions& options) {
  TUNEWRIGHT_ASSERT(baseline.empty() || baseline.size() == candidate.size());
  const auto count = static_cast<int64_t>(candidate.size());
  std::vector<MetricResult> results;
  for (const auto metric : metrics) {
    const auto figure = [metric, labels](std::span<const RowScore> scores) {
      return [=](std::span<const int64_t> rows) { return compute(metric, scores, rows, labels); };
    };
    auto& result = results.emplace_back();
    result.metric = metric;
    result.candidate = bootstrap(figure(candidate), count, options);
    if (baseline.empty()) continue;
    result.baseline = bootstrap(figure(baseline), count, options);
    result.difference = bootstrap(
        [&](std::span<const int64_t> rows) {
          return figure(candidate)(rows) - figure(baseline)(rows);
        },
        count, options);
  }
  return results;
}

}  // namespace tunewright::eval
