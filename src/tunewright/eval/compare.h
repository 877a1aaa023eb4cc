#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tunewright/eval/bootstrap.h"
#include "tunewright/eval/metrics.h"
#include "tunewright/eval/task.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/prediction_row.h"

namespace tunewright::eval {

// A figure of the judged model, and of the baseline on the same rows.  Not a number: it is not
// defined on these answers; an interval that is none: the figure has none (of all answers together,
// as distinct words are).
struct MetricResult {
  Metric metric;
  Interval candidate;
  std::optional<Interval> baseline;
  std::optional<Interval> difference;  // judged minus baseline, over the same resamples of rows
  std::optional<double> p_value;       // of that difference, by approximate randomisation
  std::string signature = {};          // every choice that decides it; empty: its name says it all
  std::string undefined = {};          // why the figure, or the baseline's, does not exist
};

// `baseline` null: none.  Otherwise row i of both is the same row.
std::vector<MetricResult> compare(const Task& task, const TaskRun& candidate,
                                  const TaskRun* baseline, const BootstrapOptions& options);

// The answers as the table of metrics takes them; an answer that is none of the labels stays as it
// was written.
std::vector<metrics::PredictionRow> prediction_rows(const Task& task, const TaskRun& run);
// What the task sets of the metrics, and its labels.
metrics::MetricOptions metric_options(const Task& task);

}  // namespace tunewright::eval
