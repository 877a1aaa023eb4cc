#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tunewright/metrics/score.h"
#include "tunewright/metrics/statistics.h"

// Intervals and tests of any figure, by drawing its rows again.
namespace tunewright::metrics {

enum class IntervalKind {
  kPercentile,  // Efron 1979
  kBca          // bias-corrected and accelerated (Efron 1987): nearer to its confidence where the
                // figure is skewed; costs up to kMostJackknives more figures
};
inline constexpr int64_t kMostJackknives = 2000;  // more rows than that leave in groups

struct BootstrapOptions {
  int64_t resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 42;
  IntervalKind kind = IntervalKind::kPercentile;
  int64_t threads = 0;  // 0: one a core.  What comes out is the same for every number.
};

// A figure of a sample, given as indices of rows (repeated as often as they are drawn).  Called
// from several threads at once.  Not a number: the figure does not exist for these rows.
using Statistic = std::function<double(std::span<const int64_t> rows)>;

// Of a metric whose figures add up over rows.
Statistic summed(RowStatistics statistics);

// Resamples whose figure is not a number are left out.  The same seed draws the same rows, whatever
// the figure.  At least 1 row and 2 resamples.
Interval bootstrap(const Statistic& statistic, int64_t row_count,
                   const BootstrapOptions& options = {});

// Two models on the same rows.
struct PairedResult {
  Interval candidate, baseline;
  Interval difference;              // candidate minus baseline, over the same resamples
  double p_value = 1;               // approximate randomisation (Noreen 1989), two-sided
  int64_t undefined_resamples = 0;  // without a figure of one of the two; left out
};
// `figures` are of a pool of 2 * row_count rows: the candidate's, then the baseline's; row i and
// row row_count + i are the same row.  The resamples are drawn once for all figures.  The p-value
// is the share of `resamples` random exchanges of the two models' rows that differ at least as much
// as the models do: (count + 1) / (resamples + 1), so it is never below 1 / (resamples + 1); not a
// number where a figure is.
std::vector<PairedResult> compare_paired(std::span<const Statistic> figures, int64_t row_count,
                                         const BootstrapOptions& options = {});

// --- parts, for tests and for figures drawn elsewhere ---

// Resample `index` of rows.size() rows.  Each has its own place in the seed's stream, so resamples
// can be drawn in any order.
void draw_rows(std::span<int64_t> rows, int64_t index, uint64_t seed);

// Between the two nearest order statistics, linearly, as numpy.quantile does.  Not empty.
double quantile(std::span<const double> sorted, double share);
// `figures`: of resamples, in any order; `left_out`: the figure without row (group) i.  Where the
// correction does not exist (all resamples on one side, a constant figure), the percentile
// interval.
Interval bca_interval(double value, std::vector<double> figures, std::span<const double> left_out,
                      double confidence);

}  // namespace tunewright::metrics
