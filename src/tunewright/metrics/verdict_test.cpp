#include "tunewright/metrics/verdict.h"

#include <cmath>

#include "tunewright/base/random.h"
#include "tunewright/base/test.h"
#include "tunewright/metrics/groups.h"
#include "tunewright/metrics/slices.h"

namespace tunewright::metrics {
namespace {

ComparedFigure figure(const char* name, Interval difference, double p_value, bool lower = false) {
  return {.name = name, .lower_is_better = lower, .difference = difference, .p_value = p_value};
}

TEST(Verdict, NeedsBothTheTestAndTheInterval) {
  const auto verdict = [](Interval difference, double p_value, bool lower = false) {
    return judge(std::vector{figure("f1", difference, p_value, lower)}).overall;
  };
  EXPECT_EQ(verdict({0.1, 0.05, 0.2}, 0.001), Verdict::kBetter);
  EXPECT_EQ(verdict({0.1, 0.05, 0.2}, 0.001, true), Verdict::kWorse);
  EXPECT_EQ(verdict({-0.1, -0.2, -0.05}, 0.001), Verdict::kWorse);
  EXPECT_EQ(verdict({0.1, 0.05, 0.2}, 0.06), Verdict::kNoDifference);
  EXPECT_EQ(verdict({0.1, -0.01, 0.2}, 0.001), Verdict::kNoDifference);
  EXPECT_EQ(verdict({0.1, 0.05, 0.2}, NAN), Verdict::kNoDifference);
}

TEST(Verdict, ManyFiguresAreHeldToOneErrorRate) {
  const Interval up{0.1, 0.05, 0.2};
  const auto both = judge(std::vector{figure("a", up, 0.03), figure("b", up, 0.04)});
  EXPECT_EQ(both.overall, Verdict::kNoDifference);
  EXPECT_DOUBLE_EQ(both.figures[0].adjusted_p_value, 0.06);
  const auto one = judge(std::vector{figure("a", up, 0.02), figure("b", up, 0.5)});
  EXPECT_EQ(one.overall, Verdict::kBetter);
  EXPECT_EQ(one.reason, "better in a; no difference shown in b");
}

TEST(Verdict, WorseAnywhereIsWorse) {
  const auto mixed = judge(
      std::vector{figure("a", {0.1, 0.05, 0.2}, 0.001), figure("b", {0.3, 0.1, 0.5}, 0.002, true)});
  EXPECT_EQ(mixed.overall, Verdict::kWorse);
  EXPECT_EQ(mixed.reason, "better in a; worse in b");
  EXPECT_EQ(to_json(mixed)["figures"]["b"]["verdict"], "worse");
  EXPECT_EQ(judge({}).overall, Verdict::kNoDifference);
}

TEST(Slices, FindWhereAModelGotWorse) {
  std::vector<double> candidate, baseline;
  SliceField labels{.name = "label", .values = {}}, ids{.name = "id", .values = {}};
  for (int i = 0; i < 300; ++i) {
    const bool spam = i % 3 == 0;
    labels.values.push_back(spam ? "spam" : i == 1 ? "rare" : "ham");
    ids.values.push_back(std::to_string(i));
    baseline.push_back(1);
    candidate.push_back(spam && i % 2 == 0 ? 0 : 1);
  }
  const auto report = regression_slices(candidate, baseline, std::vector{labels, ids});
  ASSERT_EQ(report.slices.size(), 2u);
  const auto& worst = report.slices[0];
  EXPECT_EQ(worst.value, "spam");
  EXPECT_EQ(worst.rows, 100);
  EXPECT_EQ(worst.worse_rows, 50);
  EXPECT_DOUBLE_EQ(worst.difference.value, -0.5);
  EXPECT_EQ(worst.verdict, Verdict::kWorse);
  EXPECT_DOUBLE_EQ(worst.p_value, mcnemar(0, 50).exact_p);
  EXPECT_EQ(report.slices[1].verdict, Verdict::kNoDifference);
  EXPECT_EQ(report.small_slices, 1);  // "rare"
  EXPECT_EQ(report.left_out, std::vector<std::string>{"id"});
  EXPECT_EQ(report.worse_rows.size(), 50u);
  EXPECT_EQ(to_json(report, 3)["worse_rows"], Json::parse("[0,6,12]"));
}

TEST(Slices, OfLossesAreJudgedByExchange) {
  std::vector<double> candidate, baseline;
  Random random(2);
  for (int i = 0; i < 60; ++i) {
    baseline.push_back(-random.uniform());
    candidate.push_back(baseline.back() - 0.2 - 0.1 * random.uniform());
  }
  const SliceField all{.name = "all", .values = std::vector<std::string>(60, "x")};
  const auto report = regression_slices(candidate, baseline, std::span(&all, 1));
  EXPECT_EQ(report.slices[0].verdict, Verdict::kWorse);
  EXPECT_NEAR(report.slices[0].p_value, 1.0 / 2001, 1e-12);
}

TEST(Slices, LengthsArePartedEvenlyAndTogether) {
  const std::vector<int64_t> lengths = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_THAT(length_slices(lengths).values,
              ::testing::ElementsAre("1-2", "1-2", "3-4", "3-4", "5-6", "5-6", "7-8", "7-8"));
  const std::vector<int64_t> alike(9, 5);
  EXPECT_THAT(length_slices(alike).values, ::testing::Each("5"));
  EXPECT_THAT(length_slices(std::vector<int64_t>{3, 90}).values,
              ::testing::ElementsAre("3", "4-90"));
  EXPECT_TRUE(length_slices({}).values.empty());
}

Statistic mean_of(const std::vector<double>& values) {
  return [&values](std::span<const int64_t> rows) {
    double sum = 0;
    for (const auto row : rows) sum += values[static_cast<size_t>(row)];
    return sum / static_cast<double>(rows.size());
  };
}

TEST(Groups, GapAndRatioAreOfTheExtremes) {
  std::vector<double> right;
  std::vector<std::string> groups;
  const auto add = [&](const char* group, int rows, int correct) {
    for (int i = 0; i < rows; ++i) {
      groups.emplace_back(group);
      right.push_back(i < correct ? 1 : 0);
    }
  };
  add("a", 100, 90);
  add("b", 100, 60);
  add("c", 50, 40);
  add("tiny", 2, 0);
  add("", 10, 0);
  const auto gap = group_gap(groups, mean_of(right));
  ASSERT_EQ(gap.groups.size(), 3u);
  EXPECT_EQ(gap.groups[2].rows, 50);
  EXPECT_DOUBLE_EQ(gap.gap.value, 0.9 - 0.6);
  EXPECT_DOUBLE_EQ(gap.ratio.value, 0.6 / 0.9);
  EXPECT_GT(gap.gap.low, 0.1);
  EXPECT_LT(gap.p_value, 0.01);
  EXPECT_EQ(gap.small_groups, 1);
  EXPECT_EQ(to_json(gap)["groups"]["b"]["value"], 0.6);
}

// Chance alone makes a gap of three groups, and the p-value says so.
TEST(Groups, ChanceIsNotAGap) {
  Random random(21);
  int called = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<double> right;
    std::vector<std::string> groups;
    for (int row = 0; row < 90; ++row) {
      groups.emplace_back(1, static_cast<char>('a' + row % 3));
      right.push_back(random.uniform() < 0.7 ? 1 : 0);
    }
    const auto gap = group_gap(groups, mean_of(right),
                               {.bootstrap = {.resamples = 200, .seed = static_cast<uint64_t>(i)}});
    called += gap.p_value < 0.05;
    EXPECT_GE(gap.gap.low, 0);
  }
  EXPECT_LT(called, 13);  // 5 % and three standard deviations
}

TEST(Groups, OneGroupHasNoGap) {
  const std::vector<double> right(20, 1.0);
  const std::vector<std::string> groups(20, "only");
  const auto gap = group_gap(groups, mean_of(right));
  EXPECT_EQ(gap.gap.value, 0);
  EXPECT_EQ(gap.p_value, 1);
  EXPECT_TRUE(group_gap({}, mean_of(right)).groups.empty());
}

}  // namespace
}  // namespace tunewright::metrics
