#pragma once
#include <span>

#include "tunewright/metrics/calibration.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

namespace tunewright::metrics {

struct MetricOptions;

// (--set calibration.bins=10)
struct CalibrationOptions {
  int64_t bins = 15;
};

template <class V>
void fields(V& v, CalibrationOptions& o) {
  v("bins", o.bins, "Bins of ece, ece_equal_mass and mce.");
}

// Lines of the table.  All but platt look at the most probable label and whether it is right.

// details: the bars of the reliability diagram.
Score score_ece(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_ece_equal_mass(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_mce(std::span<const PredictionRow> rows, const MetricOptions& options);
// Mean accuracy over all coverages.  details: the curve at every tenth of the coverage.
Score score_selective_accuracy(std::span<const PredictionRow> rows, const MetricOptions& options);
// The temperature that fits these rows best.  details: loss and ECE before and after.
Score score_temperature(std::span<const PredictionRow> rows, const MetricOptions& options);
// Of two labels: the loss after Platt scaling of ln(p / (1 - p)).  details: slope and intercept.
Score score_platt(std::span<const PredictionRow> rows, const MetricOptions& options);

// All of them at once, for a report:
// {"ece","ece_equal_mass","mce","brier","log_loss","temperature",
// "bins":[{"low","high","rows","confidence","accuracy"}]}.  At least one row and one bin.
Json calibration_summary(const LabelProbabilities& given, int64_t bins = 15);

}  // namespace tunewright::metrics
