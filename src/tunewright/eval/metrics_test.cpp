#include "tunewright/eval/metrics.h"

#include <cmath>

#include "tunewright/base/json.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/compare.h"

namespace tunewright::eval {
namespace {

// Both sides compute the same few divisions in double; only the order of additions differs.
constexpr double kTolerance = 1e-12;

int64_t index_of(const Json& labels, const Json& label) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == label) return static_cast<int64_t>(i);
  }
  return kInvalid;
}

std::vector<RowScore> scores_of(const Json& golden) {
  std::vector<RowScore> scores;
  for (size_t i = 0; i < golden["truth"].size(); ++i) {
    scores.push_back({.reference = index_of(golden["labels"], golden["truth"][i]),
                      .predicted = index_of(golden["labels"], golden["answers"][i])});
  }
  return scores;
}

TEST(Metrics, ClassificationEqualsScikitLearn) {
  const auto golden = read_json(testing::source_path("tests/golden/metrics.json"));
  ASSERT_EQ(golden["cases"].size(), 10);
  for (const auto& example : golden["cases"]) {
    SCOPED_TRACE(example["name"].get<std::string>());
    const auto scores = scores_of(example);
    const auto rows = all_rows(scores.size());
    const auto labels = static_cast<int64_t>(example["labels"].size());
    for (const auto metric :
         {Metric::kAccuracy, Metric::kMacroF1, Metric::kMicroF1, Metric::kWeightedF1}) {
      EXPECT_NEAR(compute(metric, scores, rows, labels), example[name_of(metric)].get<double>(),
                  kTolerance)
          << name_of(metric);
    }
    const auto table = confusion(scores, rows, labels);
    const auto classes = class_scores(table);
    for (int64_t r = 0; r < labels; ++r) {
      const auto at = static_cast<size_t>(r);
      for (int64_t p = 0; p <= labels; ++p)
        EXPECT_EQ(table.at(r, p), example["confusion"][at][static_cast<size_t>(p)]);
      EXPECT_NEAR(classes[at].precision, example["precision"][at].get<double>(), kTolerance);
      EXPECT_NEAR(classes[at].recall, example["recall"][at].get<double>(), kTolerance);
      EXPECT_NEAR(classes[at].f1, example["f1"][at].get<double>(), kTolerance);
      EXPECT_EQ(classes[at].support, example["support"][at].get<int64_t>());
    }
  }
}

TEST(Metrics, LossIsWeighedByTokensNotByRows) {
  const std::vector<RowScore> scores = {{.loss_sum = 6.0, .loss_tokens = 3},
                                        {.loss_sum = 1.0, .loss_tokens = 4}};
  const auto rows = all_rows(2);
  EXPECT_DOUBLE_EQ(compute(Metric::kLoss, scores, rows, 0), 1.0);
  EXPECT_DOUBLE_EQ(compute(Metric::kPerplexity, scores, rows, 0), std::exp(1.0));
}

TEST(Metrics, RepeatedRowsCountRepeatedly) {
  const std::vector<RowScore> scores = {{.reference = 0, .predicted = 0},
                                        {.reference = 0, .predicted = 1}};
  const std::vector<int64_t> drawn = {0, 0, 0, 1};
  EXPECT_DOUBLE_EQ(compute(Metric::kAccuracy, scores, drawn, 2), 0.75);
}

TEST(Metrics, NoRowsAreNotANumber) {
  for (const auto& [name, metric] : kMetricNames)
    EXPECT_TRUE(std::isnan(compute(metric, {}, {}, 2))) << name;
}

// A model against itself differs by nothing; against a worse one, the paired interval is narrower
// than the two single ones together, because both err on the same hard rows.
TEST(Compare, PairsTheRows) {
  std::vector<RowScore> good, bad;
  for (int64_t i = 0; i < 200; ++i) {
    good.push_back({.reference = 0, .predicted = i % 5 == 0 ? 1 : 0});
    bad.push_back({.reference = 0, .predicted = i % 5 == 0 || i % 20 == 1 ? 1 : 0});
  }
  const std::vector<Metric> metrics = {Metric::kAccuracy};
  const auto same = compare(metrics, 2, good, good, {})[0];
  EXPECT_EQ(same.difference->value, 0);
  EXPECT_EQ(same.difference->low, 0);
  EXPECT_EQ(same.difference->high, 0);
  EXPECT_EQ(same.p_value, 1);

  const auto other = compare(metrics, 2, good, bad, {})[0];
  EXPECT_NEAR(other.difference->value, 0.05, kTolerance);
  EXPECT_GT(other.difference->low, 0);
  EXPECT_LT(*other.p_value, 0.01);
  EXPECT_LT(other.difference->high - other.difference->low,
            other.candidate.high - other.candidate.low);
  EXPECT_FALSE(compare(metrics, 2, good, {}, {})[0].baseline.has_value());
}

}  // namespace
}  // namespace tunewright::eval
