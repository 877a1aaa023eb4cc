#include "tunewright/metrics/calibration.h"

#include <cmath>

#include "tunewright/base/json.h"
#include "tunewright/base/random.h"
#include "tunewright/base/test.h"
#include "tunewright/metrics/calibration_fit.h"

namespace tunewright::metrics {
namespace {

// netcal holds confidences within 2e-16 of 0 and 1; sums are in another order.
constexpr double kTolerance = 1e-12;

const Json& golden() {
  static const auto json = read_json(testing::source_path("tests/golden/metrics_labels.json"));
  return json;
}

Forecasts forecasts_of(const Json& example) {
  return {.confidences = example["confidences"], .outcomes = example["outcomes"]};
}

double ece(const Forecasts& forecasts, const ReliabilityOptions& options) {
  return expected_calibration_error(reliability(forecasts, options));
}

TEST(Calibration, ErrorsEqualTheOriginals) {
  ASSERT_EQ(golden()["calibration"].size(), 6u);
  for (const auto& example : golden()["calibration"]) {
    SCOPED_TRACE(example["name"].get<std::string>());
    const auto forecasts = forecasts_of(example);
    const int64_t bins = example["bins"];
    const auto near = [&](double got, const char* name) {
      if (example[name].is_null()) return;  // the original refuses: empty quantile bins
      EXPECT_NEAR(got, example[name].get<double>(), kTolerance) << name;
    };
    near(ece(forecasts, {.bins = bins}), "ece");
    near(ece(forecasts, {.bins = bins, .binning = Binning::kEqualMass}), "ece_equal_mass");
    const ReliabilityOptions lower{.bins = bins, .edges = BinEdges::kLower};
    near(ece(forecasts, lower), "netcal_ece");
    near(maximum_calibration_error(reliability(forecasts, lower)), "netcal_mce");
    near(ece(forecasts, {.bins = bins, .binning = Binning::kEqualMass, .edges = BinEdges::kLower}),
         "netcal_ece_equal_mass");
  }
}

TEST(Calibration, SelectiveAccuracyEqualsUncertaintyCalibration) {
  int compared = 0;
  for (const auto& example : golden()["calibration"]) {
    if (example["selective_area"].is_null()) continue;  // its order of equal rows is chance
    const auto got = selective_accuracy(forecasts_of(example));
    EXPECT_NEAR(got.area, example["selective_area"].get<double>(), kTolerance);
    EXPECT_NEAR(got.most_confident_tenth, example["selective_tenth"].get<double>(), kTolerance);
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

TEST(Calibration, OrderOfEqualConfidencesHasNoSay) {
  const Forecasts one{.confidences = {0.5, 0.5, 0.9, 0.5}, .outcomes = {1, 0, 1, 0}};
  const Forecasts other{.confidences = {0.5, 0.9, 0.5, 0.5}, .outcomes = {0, 1, 0, 1}};
  EXPECT_DOUBLE_EQ(selective_accuracy(one).area, selective_accuracy(other).area);
  EXPECT_DOUBLE_EQ(selective_accuracy(one).curve.back().accuracy, 0.5);
}

// Every row is in one bin, whatever the edges; the bars' rows and accuracies give the accuracy
// back.
TEST(Calibration, BinsHoldEveryRowOnce) {
  Random random(3);
  for (int round = 0; round < 60; ++round) {
    Forecasts forecasts;
    const auto rows = 1 + random.below(40);
    for (uint64_t i = 0; i < rows; ++i) {
      forecasts.confidences.push_back(static_cast<double>(random.below(11)) / 10);
      forecasts.outcomes.push_back(random.below(2) == 1);
    }
    for (const auto binning : {Binning::kEqualWidth, Binning::kEqualMass}) {
      for (const auto edges : {BinEdges::kUpper, BinEdges::kLower}) {
        const auto bins =
            reliability(forecasts, {.bins = 1 + static_cast<int64_t>(random.below(12)),
                                    .binning = binning,
                                    .edges = edges});
        int64_t count = 0;
        for (const auto& bin : bins) {
          count += bin.rows;
          EXPECT_LE(bin.low, bin.high);
          if (bin.rows > 0) {
            EXPECT_GE(bin.confidence, bin.low - 1e-12);
            EXPECT_LE(bin.confidence, bin.high + 1e-12);
          }
        }
        EXPECT_EQ(count, static_cast<int64_t>(rows));
        EXPECT_LE(expected_calibration_error(bins), maximum_calibration_error(bins) + 1e-12);
      }
    }
  }
}

LabelProbabilities logits_of(const Json& example) {
  return {.labels = example["labels"],
          .values = example["logits"],
          .references = example["references"]};
}

TEST(Temperature, IsThatOfAHighPrecisionSearch) {
  for (const auto& example : golden()["temperature"]) {
    const auto logits = logits_of(example);
    const auto fit = fit_temperature(logits);
    EXPECT_NEAR(fit.temperature, example["temperature"].get<double>(), 1e-9 * fit.temperature);
    EXPECT_NEAR(fit.loss_before, example["loss_before"].get<double>(), kTolerance);
    EXPECT_NEAR(fit.loss_after, example["loss_after"].get<double>(), kTolerance);
    EXPECT_FALSE(fit.at_limit);
    EXPECT_LT(fit.iterations, 100);  // bisection, where Newton would leave the bracket
    EXPECT_NEAR(*log_loss(with_temperature(logits, fit.temperature)), fit.loss_after, 1e-9);
  }
}

TEST(Temperature, LimitsAreTold) {
  const LabelProbabilities right{.labels = 2, .values = {3, 1, 0, 500}, .references = {0, 1}};
  const auto cold = fit_temperature(right);
  EXPECT_TRUE(cold.at_limit);
  EXPECT_DOUBLE_EQ(cold.temperature, kColdest);
  const LabelProbabilities wrong{.labels = 2, .values = {3, 1, 0, 500}, .references = {1, 0}};
  const auto hot = fit_temperature(wrong);
  EXPECT_TRUE(hot.at_limit);
  EXPECT_DOUBLE_EQ(hot.temperature, kHottest);
  const LabelProbabilities silent{.labels = 2, .values = {2, 2}, .references = {1}};
  EXPECT_TRUE(std::isfinite(fit_temperature(silent).loss_after));
}

// Logits that are the truth times a factor have that factor as their temperature.
TEST(Temperature, FindsAPlantedOne) {
  Random random(11);
  LabelProbabilities logits{.labels = 3, .values = {}, .references = {}};
  for (int row = 0; row < 20000; ++row) {
    double odds[3], total = 0;
    for (auto& value : odds) total += value = std::exp(random.normal());
    double place = random.uniform() * total;
    int64_t reference = 0;
    while (reference < 2 && place >= odds[reference]) place -= odds[reference++];
    for (const double value : odds) logits.values.push_back(2.5 * std::log(value));
    logits.references.push_back(reference);
  }
  EXPECT_NEAR(fit_temperature(logits).temperature, 2.5, 0.1);  // 3 standard errors are about 0.07
}

TEST(Platt, EqualsAHighPrecisionSearchAndScikitLearn) {
  for (const auto& example : golden()["platt"]) {
    const std::vector<double> scores = example["scores"];
    const std::vector<uint8_t> positive = example["positive"];
    for (const auto& [name, targets] : {std::pair{"smoothed", PlattTargets::kSmoothed},
                                        std::pair{"plain", PlattTargets::kPlain}}) {
      const auto fit = fit_platt(scores, positive, targets);
      const double slope = example[name]["slope"], intercept = example[name]["intercept"];
      EXPECT_NEAR(fit.slope, slope, 1e-9 * std::abs(slope)) << name;
      EXPECT_NEAR(fit.intercept, intercept, 1e-9 * std::max(1.0, std::abs(intercept))) << name;
    }
    // L-BFGS stops at a gradient of 1e-6 a row's worth.
    const auto fit = fit_platt(scores, positive);
    EXPECT_NEAR(fit.slope, example["scikit_learn"][0].get<double>(), 1e-3 * std::abs(fit.slope));
  }
}

TEST(Platt, WhatHasNoFitIsRefused) {
  const std::vector<double> scores = {0.1, 0.2, 0.8, 0.9};
  const std::vector<uint8_t> apart = {0, 0, 1, 1}, one = {1, 1, 1, 1};
  EXPECT_USER_ERROR(fit_platt(scores, apart, PlattTargets::kPlain), "use smoothed targets");
  EXPECT_USER_ERROR(fit_platt(scores, one), "needs rows of both classes, got 4 positive and 0");
  const auto smoothed = fit_platt(scores, apart);
  EXPECT_LT(smoothed.slope, 0);
  EXPECT_GT(smoothed.probability(0.9), 0.5);
  // Constant scores say nothing: the mean target is left.
  const std::vector<double> constant = {5, 5, 5, 5};
  EXPECT_NEAR(fit_platt(constant, apart).probability(5), 0.5, 1e-6);
}

}  // namespace
}  // namespace tunewright::metrics
