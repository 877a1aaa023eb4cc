#pragma once
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/metrics/options.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

namespace tunewright::metrics {

using Rows = std::span<const PredictionRow>;

// What every row has to have for a metric.
enum class Needs {
  kPrediction,     // a text
  kReferences,     // a text, and one or more texts that were wanted
  kLabel,          // a label, and the one label that was wanted
  kTags,           // two lists of tags, as long as each other
  kProbabilities,  // probabilities of labels, and the one label that was wanted
  kLogprobs,       // log-probabilities of a text's tokens
};

inline constexpr double kWithoutEnd = std::numeric_limits<double>::infinity();

struct Metric {
  const char* name;
  Needs needs;
  const char* help;  // half a sentence
  // Rows that leave the metric undefined are a UserError.
  Score (*score)(Rows rows, const MetricOptions& options);
  // Null: its figures do not add up over rows.
  RowStatistics (*statistics)(Rows rows, const MetricOptions& options) = nullptr;
  bool lower_is_better = false;
  bool is_judged = true;  // false: a larger figure is neither better nor worse
  double full = 1;        // the largest figure there can be
};

// Every metric of the module, in the order of --help.
std::span<const Metric> metric_table();
// An unknown name is a UserError with the nearest.
const Metric& find_metric(std::string_view name);

// Checks that every row has what the metric needs, and scores them.  A row that lacks it is a
// UserError that names metric, row and what is missing; so are no rows, and a figure that is not
// finite.
Score score(const Metric& metric, Rows rows, const MetricOptions& options);
void check_rows(const Metric& metric, Rows rows);

}  // namespace tunewright::metrics
