#include "tunewright/eval/compare.h"

#include "tunewright/base/error.h"

namespace tunewright::eval {
namespace {

std::vector<Statistic> figures_of(std::span<const Metric> metrics, int64_t labels,
                                  std::span<const RowScore> scores) {
  std::vector<Statistic> figures;
  for (const auto metric : metrics) {
    figures.push_back([metric, labels, scores](std::span<const int64_t> rows) {
      return compute(metric, scores, rows, labels);
    });
  }
  return figures;
}

std::vector<MetricResult> alone(std::span<const Metric> metrics, int64_t labels,
                                std::span<const RowScore> scores, const BootstrapOptions& options) {
  std::vector<MetricResult> results;
  const auto figures = figures_of(metrics, labels, scores);
  for (size_t i = 0; i < metrics.size(); ++i) {
    results.push_back(
        {.metric = metrics[i],
         .candidate = bootstrap(figures[i], static_cast<int64_t>(scores.size()), options)});
  }
  return results;
}

}  // namespace

std::vector<MetricResult> compare(std::span<const Metric> metrics, int64_t labels,
                                  std::span<const RowScore> candidate,
                                  std::span<const RowScore> baseline,
                                  const BootstrapOptions& options) {
  TUNEWRIGHT_ASSERT(baseline.empty() || baseline.size() == candidate.size());
  if (baseline.empty()) return alone(metrics, labels, candidate, options);
  std::vector<RowScore> pool(candidate.begin(), candidate.end());
  pool.insert(pool.end(), baseline.begin(), baseline.end());
  const auto compared = tunewright::metrics::compare_paired(
      figures_of(metrics, labels, pool), static_cast<int64_t>(candidate.size()), options);
  std::vector<MetricResult> results;
  for (size_t i = 0; i < metrics.size(); ++i) {
    const auto& found = compared[i];
    results.push_back({.metric = metrics[i],
                       .candidate = found.candidate,
                       .baseline = found.baseline,
                       .difference = found.difference,
                       .p_value = found.p_value});
  }
  return results;
}

}  // namespace tunewright::eval
