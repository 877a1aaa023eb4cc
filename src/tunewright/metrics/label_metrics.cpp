#include "tunewright/metrics/label_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/statistics.h"

namespace tunewright::metrics {
namespace {

using Rows = std::span<const PredictionRow>;

// The labels asked for, or all that occur; sorted, as scikit-learn sorts them.
std::vector<std::string> sorted_labels(Rows rows, const LabelOptions& options) {
  std::set<std::string> labels(options.labels.begin(), options.labels.end());
  if (labels.size() != options.labels.size())
    throw UserError("labels.labels: one of them is given twice");
  if (labels.empty()) {
    for (const auto& row : rows) {
      labels.insert(row.references[0]);
      if (row.prediction) labels.insert(*row.prediction);
    }
  }
  return {labels.begin(), labels.end()};
}

int64_t index_of(const std::string& label, const std::vector<std::string>& labels) {
  const auto it = std::lower_bound(labels.begin(), labels.end(), label);
  return it != labels.end() && *it == label ? it - labels.begin() : kInvalid;
}

int64_t reference_index(const PredictionRow& row, const std::vector<std::string>& labels) {
  const auto it = std::find(labels.begin(), labels.end(), row.references[0]);
  if (it != labels.end()) return it - labels.begin();
  throw UserError(str(row.where, ": the reference '", excerpt(row.references[0], 40),
                      "' is none of the labels", suggestion(row.references[0], labels)));
}

Json confusion_json(const Confusion& table) {
  Json lines = Json::array();
  for (int64_t reference = 0; reference < table.labels; ++reference) {
    Json line = Json::array();
    for (int64_t predicted = 0; predicted <= table.labels; ++predicted)
      line.push_back(table.at(reference, predicted));
    lines.push_back(std::move(line));
  }
  return lines;
}

Json classes_json(const Confusion& table, const std::vector<std::string>& labels) {
  Json classes = Json::object();
  const auto scores = class_scores(table);
  for (size_t i = 0; i < labels.size(); ++i) {
    classes[labels[i]] = {{"precision", scores[i].precision},
                          {"recall", scores[i].recall},
                          {"f1", scores[i].f1},
                          {"support", scores[i].support}};
  }
  return classes;
}

// The last column of "confusion" counts the invalid predictions.
Json label_details(const Confusion& table, const std::vector<std::string>& labels) {
  return {{"labels", labels},
          {"classes", classes_json(table, labels)},
          {"confusion", confusion_json(table)},
          {"invalid", table.invalid()}};
}

std::string label_signature(const LabelledRows& rows, const char* average) {
  return str("labels:", rows.labels.size(), average, "|invalid:wrong|zero_division:0");
}

const char* average_signature(Average average) {
  switch (average) {
    case Average::kMicro:
      return "|average:micro";
    case Average::kMacro:
      return "|average:macro";
    case Average::kWeighted:
      return "|average:weighted";
  }
  return "";
}

Confusion confusion_of(const LabelledRows& rows) {
  return confusion(rows.references, rows.predictions, static_cast<int64_t>(rows.labels.size()));
}

// A row's figures: per label correct, answered and support, and last the row itself.
LabelCounts counts_of_sums(std::span<const double> sums) {
  const size_t labels = sums.size() / 3;
  const auto part = [&](size_t i) {
    const auto values = sums.subspan(i * labels, labels);
    return std::vector<double>(values.begin(), values.end());
  };
  return {.correct = part(0), .answered = part(1), .support = part(2), .rows = sums.back()};
}

RowStatistics count_statistics(Rows rows, const MetricOptions& options) {
  const auto labelled = labelled_rows(rows, options.labels);
  const size_t labels = labelled.labels.size();
  RowStatistics statistics{.width = 3 * labels + 1, .values = {}, .score = {}};
  statistics.values.resize(statistics.width * rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    double* const figures = statistics.values.data() + row * statistics.width;
    const auto reference = static_cast<size_t>(labelled.references[row]);
    const auto predicted = labelled.predictions[row];
    if (predicted != kInvalid) figures[labels + static_cast<size_t>(predicted)] = 1;
    if (predicted == labelled.references[row]) figures[reference] = 1;
    figures[2 * labels + reference] = figures[3 * labels] = 1;
  }
  return statistics;
}

// --- probabilities ---

std::vector<std::string> probability_labels(Rows rows, const LabelOptions& options) {
  std::set<std::string> names;
  for (const auto& [label, probability] : rows[0].probabilities) names.insert(label);
  std::vector<std::string> labels(names.begin(), names.end());
  if (options.positive.empty()) return labels;
  const auto positive = std::find(labels.begin(), labels.end(), options.positive);
  if (positive == labels.end()) {
    throw UserError(str("labels.positive: '", options.positive,
                        "' is none of the labels that have probabilities",
                        suggestion(options.positive, labels)));
  }
  if (labels.size() != 2) {
    throw UserError(str("labels.positive: is of two labels alone, and these rows have ",
                        labels.size(), "; leave it out"));
  }
  std::rotate(labels.begin(), positive + 1, labels.end());
  return labels;
}

// The row's probabilities in the order of the labels.
std::vector<double> ordered_probabilities(const PredictionRow& row,
                                          const std::vector<std::string>& labels) {
  constexpr double kRounding = 1e-3;
  std::vector<double> values(labels.size(), -1.0);
  double sum = 0;
  for (const auto& [label, probability] : row.probabilities) {
    const auto it = std::find(labels.begin(), labels.end(), label);
    if (it == labels.end()) {
      throw UserError(str(row.where, ": probabilities: the label '", excerpt(label, 40),
                          "' is not in the first row", suggestion(label, labels)));
    }
    values[static_cast<size_t>(it - labels.begin())] = probability;
    sum += probability;
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (values[i] < 0) {
      throw UserError(str(row.where, ": probabilities: the label '", excerpt(labels[i], 40),
                          "' is missing; the first row has it"));
    }
  }
  if (!(std::abs(sum - 1) <= kRounding)) {
    throw UserError(str(row.where, ": probabilities: add up to ", sum, ", not to 1 within ",
                        kRounding, "; give every label's"));
  }
  return values;
}

Score defined(const char* metric, std::optional<double> value, std::string signature,
              const ProbabilityRows& rows) {
  if (value) return {.score = *value, .signature = std::move(signature)};
  std::set<int64_t> seen(rows.given.references.begin(), rows.given.references.end());
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    if (seen.contains(static_cast<int64_t>(i))) continue;
    throw UserError(str(metric, ": is not defined, because no row is of the label '",
                        excerpt(rows.labels[i], 40), "'; it needs rows of each"));
  }
  throw UserError(str(metric, ": is not defined on rows of a single label"));
}

std::string ranking_signature(const ProbabilityRows& rows, const char* of_many) {
  return rows.labels.size() == 2 ? str("labels:2|positive:", rows.labels[1], "|ties:half")
                                 : str("labels:", rows.labels.size(), "|", of_many, "|ties:half");
}

// The mean of what `of_row` says of each row.
RowStatistics mean_statistics(const ProbabilityRows& rows,
                              std::optional<double> (*of_row)(const LabelProbabilities&)) {
  std::vector<std::optional<double>> figures;
  for (int64_t row = 0; row < rows.given.rows(); ++row) {
    const auto values = rows.given.row(row);
    figures.push_back(of_row({.labels = rows.given.labels,
                              .values = {values.begin(), values.end()},
                              .references = {rows.given.references[static_cast<size_t>(row)]}}));
  }
  return mean_of_rows(figures);
}

}  // namespace

LabelledRows labelled_rows(Rows rows, const LabelOptions& options) {
  LabelledRows result{.labels = sorted_labels(rows, options), .references = {}, .predictions = {}};
  for (const auto& row : rows) {
    result.references.push_back(reference_index(row, result.labels));
    result.predictions.push_back(row.prediction ? index_of(*row.prediction, result.labels)
                                                : kInvalid);
  }
  return result;
}

ProbabilityRows probability_rows(Rows rows, const LabelOptions& options) {
  ProbabilityRows result{.labels = probability_labels(rows, options), .given = {}};
  result.given.labels = static_cast<int64_t>(result.labels.size());
  if (result.labels.size() < 2) {
    throw UserError(str(rows[0].where, ": probabilities: of one label only ('",
                        excerpt(result.labels[0], 40), "'); give every label's"));
  }
  for (const auto& row : rows) {
    const auto values = ordered_probabilities(row, result.labels);
    result.given.values.insert(result.given.values.end(), values.begin(), values.end());
    result.given.references.push_back(reference_index(row, result.labels));
  }
  return result;
}

Score score_accuracy(Rows rows, const MetricOptions& options) {
  const auto labelled = labelled_rows(rows, options.labels);
  const auto table = confusion_of(labelled);
  const auto wilson = wilson_interval(table.correct(), table.rows());
  return {
      .score = accuracy(label_counts(table)),
      .signature = str("labels:", labelled.labels.size(), "|invalid:wrong"),
      .details = {
          {"wilson_low", wilson.low}, {"wilson_high", wilson.high}, {"invalid", table.invalid()}}};
}

Score score_mcc(Rows rows, const MetricOptions& options) {
  const auto labelled = labelled_rows(rows, options.labels);
  return {.score = matthews_correlation(label_counts(confusion_of(labelled))),
          .signature = label_signature(labelled, "")};
}

RowStatistics accuracy_statistics(Rows rows, const MetricOptions& options) {
  auto statistics = count_statistics(rows, options);
  statistics.score = [](std::span<const double> sums) {
    return sums.back() == 0 ? 0 : accuracy(counts_of_sums(sums));
  };
  return statistics;
}

RowStatistics mcc_statistics(Rows rows, const MetricOptions& options) {
  auto statistics = count_statistics(rows, options);
  statistics.score = [](std::span<const double> sums) {
    return matthews_correlation(counts_of_sums(sums));
  };
  return statistics;
}

Score average_figure(Rows rows, const MetricOptions& options, AverageFigure wanted) {
  const auto labelled = labelled_rows(rows, options.labels);
  const auto table = confusion_of(labelled);
  return {.score = average_score(label_counts(table), wanted.average).*wanted.figure,
          .signature = label_signature(labelled, average_signature(wanted.average)),
          .details = label_details(table, labelled.labels)};
}

RowStatistics average_statistics(Rows rows, const MetricOptions& options, AverageFigure wanted) {
  auto statistics = count_statistics(rows, options);
  statistics.score = [wanted](std::span<const double> sums) {
    return average_score(counts_of_sums(sums), wanted.average).*wanted.figure;
  };
  return statistics;
}

Score score_roc_auc(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  return defined("roc_auc", roc_auc_one_vs_rest(of.given),
                 ranking_signature(of, "multi_class:ovr|average:macro"), of);
}

Score score_roc_auc_weighted(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  return defined("roc_auc_weighted", roc_auc_one_vs_rest(of.given, Weighting::kWeighted),
                 ranking_signature(of, "multi_class:ovr|average:weighted"), of);
}

Score score_roc_auc_ovo(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  return defined("roc_auc_ovo", roc_auc_one_vs_one(of.given),
                 ranking_signature(of, "multi_class:ovo|average:macro"), of);
}

Score score_roc_auc_ovo_weighted(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  return defined("roc_auc_ovo_weighted", roc_auc_one_vs_one(of.given, Weighting::kWeighted),
                 ranking_signature(of, "multi_class:ovo|average:weighted"), of);
}

Score score_pr_auc(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  return defined("pr_auc", pr_auc(of.given), ranking_signature(of, "one_vs_rest|average:macro"),
                 of);
}

Score score_log_loss(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  return defined("log_loss", log_loss(of.given), str("labels:", of.labels.size(), "|clip:2.2e-16"),
                 of);
}

Score score_brier(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  const char* scale = of.labels.size() == 2 ? "|scale:half" : "|scale:sum";
  return defined("brier", brier_score(of.given), str("labels:", of.labels.size(), scale), of);
}

RowStatistics log_loss_statistics(Rows rows, const MetricOptions& options) {
  return mean_statistics(probability_rows(rows, options.labels), log_loss);
}

RowStatistics brier_statistics(Rows rows, const MetricOptions& options) {
  return mean_statistics(probability_rows(rows, options.labels), brier_score);
}

}  // namespace tunewright::metrics
