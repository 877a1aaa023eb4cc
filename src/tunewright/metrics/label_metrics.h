#pragma once
#include <span>
#include <string>
#include <vector>

#include "tunewright/metrics/classification.h"
#include "tunewright/metrics/classification_scores.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

namespace tunewright::metrics {

struct MetricOptions;

// Of every metric of labels (--set labels.positive=spam).
struct LabelOptions {
  std::vector<std::string> labels;
  std::string positive;
};

template <class V>
void fields(V& v, LabelOptions& o) {
  v("labels", o.labels,
    "The labels there are, other predictions being invalid; empty: all that occur.");
  v("positive", o.positive,
    "Of two labels, the one that roc_auc, pr_auc and platt speak for; empty: the second, sorted.");
}

// Labels as indices into their sorted names.
struct LabelledRows {
  std::vector<std::string> labels;
  std::vector<int64_t> references, predictions;  // predictions: kInvalid where they are no label
};
// A reference that is none of the labels asked for is a UserError that names the row.
LabelledRows labelled_rows(std::span<const PredictionRow> rows, const LabelOptions& options);

// The names of `values`' columns, the positive label last of two.  Rows whose probabilities are not
// of the same labels, or do not add up to 1 within 1e-3, are UserErrors; within it they are taken
// as they stand.
struct ProbabilityRows {
  std::vector<std::string> labels;
  LabelProbabilities given;
};
ProbabilityRows probability_rows(std::span<const PredictionRow> rows, const LabelOptions& options);

// --- the functions of the table's lines; a figure that the rows leave undefined is a UserError
// that says why ---

Score score_accuracy(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_mcc(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics accuracy_statistics(std::span<const PredictionRow> rows,
                                  const MetricOptions& options);
RowStatistics mcc_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

// Precision, recall or F1, averaged.
struct AverageFigure {
  Average average;
  double ClassScore::* figure;
};
Score average_figure(std::span<const PredictionRow> rows, const MetricOptions& options,
                     AverageFigure wanted);
RowStatistics average_statistics(std::span<const PredictionRow> rows, const MetricOptions& options,
                                 AverageFigure wanted);
template <Average average, double ClassScore::* figure>
Score score_average(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return average_figure(rows, options, {average, figure});
}
template <Average average, double ClassScore::* figure>
RowStatistics average_statistics(std::span<const PredictionRow> rows,
                                 const MetricOptions& options) {
  return average_statistics(rows, options, {average, figure});
}

Score score_roc_auc(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_roc_auc_weighted(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_roc_auc_ovo(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_roc_auc_ovo_weighted(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_pr_auc(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_log_loss(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_brier(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics log_loss_statistics(std::span<const PredictionRow> rows,
                                  const MetricOptions& options);
RowStatistics brier_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

}  // namespace tunewright::metrics
