#include "tunewright/eval/metrics.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/eval/figure.h"

namespace tunewright::eval {
namespace {

double mean_loss(std::span<const RowScore> scores, std::span<const int64_t> rows) {
  double sum = 0;
  int64_t tokens = 0;
  for (const auto row : rows) {
    sum += scores[static_cast<size_t>(row)].loss_sum;
    tokens += scores[static_cast<size_t>(row)].loss_tokens;
  }
  return sum / static_cast<double>(tokens);
}

}  // namespace

const char* name_of(Metric metric) {
  if (metric.figure()) return metric.figure()->name.c_str();
  if (metric.line()) return metric.line()->name;
  for (const auto& [name, meaning] : kLossNames) {
    if (meaning == metric.kind()) return name;
  }
  TUNEWRIGHT_ASSERT(!"every metric has a name");
  return "";
}

bool lower_is_better(Metric metric) {
  if (metric.figure()) return metric.figure()->lower_is_better;
  return metric.line() ? metric.line()->lower_is_better : needs_loss(metric);
}

bool is_judged(Metric metric) {
  if (metric.figure()) return metric.figure()->is_judged;
  return !metric.line() || metric.line()->is_judged;
}

double full_figure(Metric metric) {
  if (metric.line()) return metric.line()->full;
  if (!metric.figure()) return metrics::kWithoutEnd;
  switch (metric.figure()->aggregation) {
    case Aggregation::kPerplexity:
    case Aggregation::kWeightedPerplexity:
    case Aggregation::kBitsPerByte:
      return metrics::kWithoutEnd;
    default:  // of those that are means of anything else the lower is the better
      return metric.figure()->lower_is_better ? metrics::kWithoutEnd : 1;
  }
}

bool needs_loss(Metric metric) {
  return metric.kind() == Metric::kLoss || metric.kind() == Metric::kPerplexity;
}

bool needs_probabilities(Metric metric) {
  return metric.line() && metric.line()->needs == metrics::Needs::kProbabilities;
}

double compute(Metric metric, std::span<const RowScore> scores, std::span<const int64_t> rows) {
  if (rows.empty()) return std::numeric_limits<double>::quiet_NaN();
  switch (metric.kind()) {
    case Metric::kLoss:
      return mean_loss(scores, rows);
    case Metric::kPerplexity:
      return std::exp(mean_loss(scores, rows));
    case Metric::kFigure:
      return compute(*metric.figure(), scores, rows);
    case Metric::kTable:
      break;
  }
  TUNEWRIGHT_ASSERT(!"lines of the table are computed from the answers");
  return 0;
}

std::vector<int64_t> all_rows(size_t count) {
  std::vector<int64_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

}  // namespace tunewright::eval
