#include "tunewright/metrics/classification.h"

#include <cmath>

#include "tunewright/base/json.h"
#include "tunewright/base/test.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/resampling.h"
#include "tunewright/metrics/table.h"

namespace tunewright::metrics {
namespace {

// Both sides compute the same few divisions in double; only the order of additions differs.
constexpr double kTolerance = 1e-12;

const Json& golden() {
  static const auto json = read_json(testing::source_path("tests/golden/metrics_labels.json"));
  return json;
}

std::vector<PredictionRow> label_rows(const Json& example) {
  std::vector<PredictionRow> rows;
  for (size_t i = 0; i < example["truth"].size(); ++i) {
    rows.push_back({.where = "row",
                    .prediction = example["answers"][i].get<std::string>(),
                    .references = {example["truth"][i].get<std::string>()}});
  }
  return rows;
}

std::string label_name(int64_t index) { return std::string(1, static_cast<char>('a' + index)); }

std::vector<PredictionRow> probability_rows_of(const Json& example) {
  std::vector<PredictionRow> rows;
  const auto labels = example["labels"].get<int64_t>();
  const auto values = example["values"].get<std::vector<double>>();
  for (size_t i = 0; i < example["references"].size(); ++i) {
    auto& row = rows.emplace_back();
    row.where = "row";
    row.references = {label_name(example["references"][i].get<int64_t>())};
    // Against the order of the alphabet: the columns are found by name.
    for (int64_t label = labels - 1; label >= 0; --label) {
      row.probabilities.emplace_back(
          label_name(label), values[i * static_cast<size_t>(labels) + static_cast<size_t>(label)]);
    }
  }
  return rows;
}

constexpr const char* kLabelMetrics[] = {"accuracy",        "mcc",        "micro_precision",
                                         "micro_recall",    "micro_f1",   "macro_precision",
                                         "macro_recall",    "macro_f1",   "weighted_precision",
                                         "weighted_recall", "weighted_f1"};

TEST(Classification, EqualsScikitLearn) {
  ASSERT_EQ(golden()["labels"].size(), 11u);
  for (const auto& example : golden()["labels"]) {
    SCOPED_TRACE(example["name"].get<std::string>());
    const MetricOptions options{.labels = {.labels = example["labels"]}, .calibration = {}};
    const auto rows = label_rows(example);
    for (const char* name : kLabelMetrics) {
      const auto got = score(find_metric(name), rows, options);
      EXPECT_NEAR(got.score, example[name].get<double>(), kTolerance) << name;
    }
    const auto details = score(find_metric("macro_f1"), rows, options).details;
    EXPECT_EQ(details["confusion"], example["confusion"]);
    for (size_t i = 0; i < example["labels"].size(); ++i) {
      const auto& got = details["classes"][example["labels"][i].get<std::string>()];
      for (const char* name : {"precision", "recall", "f1"})
        EXPECT_NEAR(got[name].get<double>(), example[name][i].get<double>(), kTolerance) << name;
      EXPECT_EQ(got["support"], example["support"][i]);
    }
  }
}

// The figures that add up over rows say the same as those of all rows at once.
TEST(Classification, SumsOfRowsGiveTheScore) {
  for (const auto& example : golden()["labels"]) {
    const MetricOptions options{.labels = {.labels = example["labels"]}, .calibration = {}};
    const auto rows = label_rows(example);
    for (const char* name : kLabelMetrics) {
      const auto& metric = find_metric(name);
      ASSERT_NE(metric.statistics, nullptr) << name;
      const auto statistics = metric.statistics(rows, options);
      EXPECT_NEAR(statistics.score(statistics.sums()), example[name].get<double>(), kTolerance);
    }
  }
}

constexpr const char* kProbabilityMetrics[] = {
    "roc_auc", "roc_auc_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted",
    "pr_auc",  "log_loss",         "brier"};

TEST(Probabilities, EqualScikitLearn) {
  ASSERT_EQ(golden()["probabilities"].size(), 11u);
  for (const auto& example : golden()["probabilities"]) {
    SCOPED_TRACE(example["name"].get<std::string>());
    const auto rows = probability_rows_of(example);
    for (const char* name : kProbabilityMetrics) {
      const auto& metric = find_metric(name);
      if (example[name].is_null()) {
        EXPECT_USER_ERROR(score(metric, rows, {}), "no row is of the label");
        continue;
      }
      const double wanted = example[name];
      EXPECT_NEAR(score(metric, rows, {}).score, wanted, kTolerance * std::max(1.0, wanted))
          << name;
      if (!metric.statistics) continue;
      const auto statistics = metric.statistics(rows, {});
      EXPECT_NEAR(statistics.score(statistics.sums()), wanted, kTolerance * std::max(1.0, wanted));
    }
  }
}

// A row counted twice is two rows.
TEST(Ranking, WeightsAreRepetitions) {
  const std::vector<double> scores = {0.9, 0.4, 0.4, 0.1, 0.7}, twice = {0.9, 0.9, 0.4, 0.4, 0.7};
  const std::vector<uint8_t> positive = {1, 0, 1, 0, 0}, positive_twice = {1, 1, 0, 1, 0};
  const std::vector<int64_t> weights = {2, 1, 1, 0, 1};
  const BinaryRanking ranking(scores, positive), repeated(twice, positive_twice);
  EXPECT_EQ(ranking.roc_auc(weights), repeated.roc_auc());
  EXPECT_EQ(ranking.pr_auc(weights), repeated.pr_auc());
  EXPECT_FALSE(ranking.roc_auc(std::vector<int64_t>{1, 0, 0, 0, 0}).has_value());
}

TEST(Ranking, PositiveLabelCanBeChosen) {
  const auto rows = probability_rows_of(golden()["probabilities"][0]);
  const MetricOptions other{.labels = {.labels = {}, .positive = "a"}, .calibration = {}};
  const auto& auc = find_metric("roc_auc");
  EXPECT_NEAR(score(auc, rows, other).score, score(auc, rows, {}).score,
              kTolerance);  // p and 1 - p
  EXPECT_NE(score(find_metric("pr_auc"), rows, other).score,
            score(find_metric("pr_auc"), rows, {}).score);
  EXPECT_USER_ERROR(
      score(auc, rows, {.labels = {.labels = {}, .positive = "spam"}, .calibration = {}}),
      "labels.positive: 'spam' is none of the labels");
}

PredictionRow row(const char* json) { return to_prediction_row(parse_json(json, "test"), "row 7"); }

TEST(LabelMetrics, HostileRowsAreNamed) {
  const std::vector stranger = {row(R"({"prediction":"ham","reference":"hm"})")};
  const MetricOptions options{.labels = {.labels = {"ham", "spam"}}, .calibration = {}};
  EXPECT_USER_ERROR(score(find_metric("accuracy"), stranger, options),
                    "row 7: the reference 'hm' is none of the labels (did you mean 'ham'?)");
  const std::vector short_of = {row(R"({"probabilities":{"a":0.5,"b":0.4},"reference":"a"})")};
  EXPECT_USER_ERROR(score(find_metric("ece"), short_of, {}), "row 7: probabilities: add up to 0.9");
  const std::vector uneven = {row(R"({"probabilities":{"a":0.5,"b":0.5},"reference":"a"})"),
                              row(R"({"probabilities":{"a":1},"reference":"a"})")};
  EXPECT_USER_ERROR(score(find_metric("ece"), uneven, {}), "the label 'b' is missing");
  const std::vector alone = {row(R"({"probabilities":{"a":1},"reference":"a"})")};
  EXPECT_USER_ERROR(score(find_metric("log_loss"), alone, {}), "of one label only");
  EXPECT_USER_ERROR(score(find_metric("platt"), uneven, {}), "is missing");
}

// An answer outside the labels is an error of its row, never of the labels.
TEST(LabelMetrics, InvalidAnswersAreCounted) {
  const std::vector rows = {row(R"({"prediction":"ham","reference":"ham"})"),
                            row(R"({"prediction":"no idea","reference":"spam"})")};
  const MetricOptions options{.labels = {.labels = {"ham", "spam"}}, .calibration = {}};
  const auto got = score(find_metric("accuracy"), rows, options);
  EXPECT_EQ(got.score, 0.5);
  EXPECT_EQ(got.details["invalid"], 1);
  EXPECT_EQ(score(find_metric("micro_precision"), rows, options).score, 1.0);
}

}  // namespace
}  // namespace tunewright::metrics
