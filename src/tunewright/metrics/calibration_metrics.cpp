#include "tunewright/metrics/calibration_metrics.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/metrics/calibration_fit.h"
#include "tunewright/metrics/label_metrics.h"
#include "tunewright/metrics/options.h"

namespace tunewright::metrics {
namespace {

using Rows = std::span<const PredictionRow>;

// Below it a logarithm of a probability says nothing more, and zero has none.
constexpr double kLeastProbability = 1e-12;

ReliabilityOptions binning_of(const MetricOptions& options, Binning binning) {
  if (options.calibration.bins < 1)
    throw UserError(str("calibration.bins: must be at least 1, got ", options.calibration.bins));
  return {.bins = options.calibration.bins, .binning = binning};
}

std::string signature(const ReliabilityOptions& options) {
  return str("bins:", options.bins,
             "|binning:", options.binning == Binning::kEqualWidth ? "equal_width" : "equal_mass",
             "|of:top_label|closed:upper");
}

Json bins_json(const std::vector<ReliabilityBin>& bins) {
  Json all = Json::array();
  for (const auto& bin : bins) {
    all.push_back({{"low", bin.low},
                   {"high", bin.high},
                   {"rows", bin.rows},
                   {"confidence", bin.confidence},
                   {"accuracy", bin.accuracy}});
  }
  return all;
}

Forecasts forecasts_of(Rows rows, const MetricOptions& options) {
  return top_label_forecasts(probability_rows(rows, options.labels).given);
}

Score ece(Rows rows, const MetricOptions& options, Binning binning) {
  const auto how = binning_of(options, binning);
  const auto bins = reliability(forecasts_of(rows, options), how);
  return {.score = expected_calibration_error(bins),
          .signature = signature(how),
          .details = {{"bins", bins_json(bins)}}};
}

LabelProbabilities logarithms(LabelProbabilities given) {
  for (auto& value : given.values) value = std::log(std::max(value, kLeastProbability));
  return given;
}

double log_odds(double probability) {
  const double p = std::clamp(probability, kLeastProbability, 1 - kLeastProbability);
  return std::log(p / (1 - p));
}

}  // namespace

Score score_ece(Rows rows, const MetricOptions& options) {
  return ece(rows, options, Binning::kEqualWidth);
}

Score score_ece_equal_mass(Rows rows, const MetricOptions& options) {
  return ece(rows, options, Binning::kEqualMass);
}

Score score_mce(Rows rows, const MetricOptions& options) {
  const auto how = binning_of(options, Binning::kEqualWidth);
  const auto bins = reliability(forecasts_of(rows, options), how);
  return {.score = maximum_calibration_error(bins), .signature = signature(how)};
}

Score score_selective_accuracy(Rows rows, const MetricOptions& options) {
  const auto selective = selective_accuracy(forecasts_of(rows, options));
  Json curve = Json::array();
  constexpr size_t kPoints = 10;
  for (size_t i = 1; i <= kPoints; ++i) {
    const auto row = std::max<size_t>(1, selective.curve.size() * i / kPoints) - 1;
    const auto& point = selective.curve[row];
    curve.push_back({{"coverage", point.coverage},
                     {"accuracy", point.accuracy},
                     {"confidence", point.confidence}});
  }
  return {.score = selective.area,
          .signature = "of:top_label|ties:mean",
          .details = {{"most_confident_tenth", selective.most_confident_tenth},
                      {"risk_area", 1 - selective.area},
                      {"curve", std::move(curve)}}};
}

Score score_temperature(Rows rows, const MetricOptions& options) {
  const auto given = probability_rows(rows, options.labels).given;
  const auto how = binning_of(options, Binning::kEqualWidth);
  const auto logits = logarithms(given);
  const auto fit = fit_temperature(logits);
  const auto ece_of = [&](const LabelProbabilities& probabilities) {
    return expected_calibration_error(reliability(top_label_forecasts(probabilities), how));
  };
  return {.score = fit.temperature,
          .signature = "logits:log_probability|loss:nll",
          .details = {{"at_limit", fit.at_limit},
                      {"loss_before", fit.loss_before},
                      {"loss_after", fit.loss_after},
                      {"ece_before", ece_of(given)},
                      {"ece_after", ece_of(with_temperature(logits, fit.temperature))}}};
}

Score score_platt(Rows rows, const MetricOptions& options) {
  const auto of = probability_rows(rows, options.labels);
  if (of.labels.size() != 2) {
    throw UserError(str("platt: is of two labels, and these rows have ", of.labels.size(),
                        "; temperature takes any number"));
  }
  std::vector<double> scores;
  std::vector<uint8_t> positive;
  for (int64_t row = 0; row < of.given.rows(); ++row) {
    scores.push_back(log_odds(of.given.at(row, 1)));
    positive.push_back(of.given.references[static_cast<size_t>(row)] == 1);
  }
  const auto fit = fit_platt(scores, positive);
  return {.score = fit.loss_after,
          .signature = str("positive:", of.labels[1], "|score:log_odds|targets:smoothed"),
          .details = {{"slope", fit.slope}, {"intercept", fit.intercept}}};
}

Json calibration_summary(const LabelProbabilities& given, int64_t bins) {
  const auto forecasts = top_label_forecasts(given);
  const auto wide = reliability(forecasts, {.bins = bins});
  const auto even = reliability(forecasts, {.bins = bins, .binning = Binning::kEqualMass});
  return {{"ece", expected_calibration_error(wide)},
          {"ece_equal_mass", expected_calibration_error(even)},
          {"mce", maximum_calibration_error(wide)},
          {"brier", *brier_score(given)},
          {"log_loss", *log_loss(given)},
          {"temperature", fit_temperature(logarithms(given)).temperature},
          {"bins", bins_json(wide)}};
}

}  // namespace tunewright::metrics
