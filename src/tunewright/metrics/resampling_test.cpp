#include "tunewright/metrics/resampling.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/base/random.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"

namespace tunewright::metrics {
namespace {

Statistic mean_of(const std::vector<double>& values) {
  return [&values](std::span<const int64_t> rows) {
    double sum = 0;
    for (const auto row : rows) sum += values[static_cast<size_t>(row)];
    return sum / static_cast<double>(rows.size());
  };
}

std::vector<double> coin_throws(double share, size_t count, Random& random) {
  std::vector<double> values(count);
  for (auto& value : values) value = random.uniform() < share ? 1.0 : 0.0;
  return values;
}

// An interval of 95 % holds the true share in about 95 of 100 samples.  400 samples have a standard
// deviation of 1.1 points; the percentile bootstrap itself runs about a point low at 100 rows.
TEST(Bootstrap, CoversTheTruthAsOftenAsItSays) {
  Random random(7);
  constexpr int kSamples = 400;
  constexpr double kTruth = 0.8;
  int covered = 0;
  for (int i = 0; i < kSamples; ++i) {
    const auto values = coin_throws(kTruth, 100, random);
    const auto interval =
        bootstrap(mean_of(values), 100, {.resamples = 500, .seed = static_cast<uint64_t>(i)});
    covered += interval.low <= kTruth && kTruth <= interval.high;
  }
  EXPECT_GT(covered, 0.905 * kSamples);
  EXPECT_LT(covered, 0.985 * kSamples);
}

// Of a share, the interval approaches the normal one: p ± 1.96 sqrt(p (1 - p) / n).
TEST(Bootstrap, WidthIsThatOfTheNormalApproximation) {
  std::vector<double> values(1000, 0.0);
  std::fill_n(values.begin(), 300, 1.0);
  const auto interval = bootstrap(mean_of(values), 1000, {.resamples = 4000});
  const double half = 1.96 * std::sqrt(0.3 * 0.7 / 1000);
  EXPECT_DOUBLE_EQ(interval.value, 0.3);
  EXPECT_NEAR(interval.low, 0.3 - half, 0.004);  // quantiles of 4000 resamples move by about 0.001
  EXPECT_NEAR(interval.high, 0.3 + half, 0.004);
}

TEST(Bootstrap, TheSeedDecides) {
  Random random(1);
  const auto values = coin_throws(0.5, 60, random);
  const auto first = bootstrap(mean_of(values), 60, {.resamples = 200, .seed = 3});
  const auto again = bootstrap(mean_of(values), 60, {.resamples = 200, .seed = 3});
  const auto other = bootstrap(mean_of(values), 60, {.resamples = 200, .seed = 4});
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  EXPECT_TRUE(first.low != other.low || first.high != other.high);
}

TEST(Bootstrap, OneRowAndConstantFiguresHaveNoWidth) {
  const std::vector<double> values = {0.25};
  const auto interval = bootstrap(mean_of(values), 1, {.resamples = 50});
  EXPECT_EQ(interval.low, 0.25);
  EXPECT_EQ(interval.high, 0.25);
}

// A figure that some resamples do not have (no token drawn) is measured on the others.
TEST(Bootstrap, LeavesOutWhatIsNotANumber) {
  const std::vector<double> values = {1.0, NAN, 1.0, 1.0};
  const auto interval = bootstrap(mean_of(values), 4, {.resamples = 500});
  EXPECT_EQ(interval.low, 1.0);
  EXPECT_EQ(interval.high, 1.0);
  EXPECT_TRUE(std::isnan(interval.value));
}

std::vector<std::vector<double>> golden_of(const Json& example) {
  return {example["data"], example["figures"], example["left_out"]};
}

TEST(Bca, EqualsScipy) {
  const auto golden = read_json(
      testing::source_path("tests/golden/metrics_labels.json"))["statistics"]["intervals"];
  ASSERT_EQ(golden.size(), 3u);
  for (const auto& example : golden) {
    SCOPED_TRACE(example["name"].get<std::string>());
    const auto parts = golden_of(example);
    const auto got = bca_interval(example["value"], parts[1], parts[2], 0.95);
    EXPECT_NEAR(got.low, example["bca"][0].get<double>(), 1e-12);
    EXPECT_NEAR(got.high, example["bca"][1].get<double>(), 1e-12);
    auto sorted = parts[1];
    std::sort(sorted.begin(), sorted.end());
    EXPECT_NEAR(quantile(sorted, 0.025), example["percentile"][0].get<double>(), 1e-12);
    EXPECT_NEAR(quantile(sorted, 0.975), example["percentile"][1].get<double>(), 1e-12);
  }
}

TEST(Bca, WithoutACorrectionItIsThePercentileInterval) {
  const std::vector<double> values(30, 1.0);
  const auto interval =
      bootstrap(mean_of(values), 30, {.resamples = 200, .kind = IntervalKind::kBca});
  EXPECT_EQ(interval.low, 1.0);
  EXPECT_EQ(interval.high, 1.0);
}

// Of a skewed figure, more often than the percentile interval.
TEST(Bca, CoversTheTruthAsOftenAsItSays) {
  Random random(8);
  constexpr int kSamples = 300;
  int covered = 0;
  for (int i = 0; i < kSamples; ++i) {
    std::vector<double> values(50);
    for (auto& value : values) value = -std::log(1 - random.uniform());  // exponential, mean 1
    const auto interval =
        bootstrap(mean_of(values), 50,
                  {.resamples = 400, .seed = static_cast<uint64_t>(i), .kind = IntervalKind::kBca});
    covered += interval.low <= 1 && 1 <= interval.high;
  }
  EXPECT_GT(covered, 0.89 * kSamples);
  EXPECT_LT(covered, 0.985 * kSamples);
}

bool same(const Interval& a, const Interval& b) {
  return a.value == b.value && a.low == b.low && a.high == b.high;
}

TEST(Paired, NumberOfThreadsChangesNothing) {
  Random random(5);
  const auto pool = coin_throws(0.6, 2 * 333, random);
  const std::vector<Statistic> figures = {
      mean_of(pool), [&](std::span<const int64_t> rows) { return std::sqrt(mean_of(pool)(rows)); }};
  const auto alone =
      compare_paired(figures, 333, {.resamples = 500, .kind = IntervalKind::kBca, .threads = 1});
  const auto many =
      compare_paired(figures, 333, {.resamples = 500, .kind = IntervalKind::kBca, .threads = 7});
  for (size_t f = 0; f < figures.size(); ++f) {
    EXPECT_TRUE(same(alone[f].candidate, many[f].candidate));
    EXPECT_TRUE(same(alone[f].baseline, many[f].baseline));
    EXPECT_TRUE(same(alone[f].difference, many[f].difference));
    EXPECT_EQ(alone[f].p_value, many[f].p_value);
  }
}

// One model against itself.
TEST(Paired, NoDifferenceHasNoWidthAndAPValueOfOne) {
  Random random(5);
  auto pool = coin_throws(0.6, 100, random);
  pool.insert(pool.end(), pool.begin(), pool.begin() + 100);
  const std::vector<Statistic> figures = {mean_of(pool)};
  const auto got = compare_paired(figures, 100)[0];
  EXPECT_TRUE(same(got.difference, {0, 0, 0}));
  EXPECT_EQ(got.p_value, 1);
}

// Of right and wrong answers, the exchange test is McNemar's: the same p but for its own chance.
TEST(Paired, RandomisationAgreesWithMcNemar) {
  Random random(9);
  for (const auto& [better, worse] : {std::pair{18, 6}, std::pair{10, 9}, std::pair{30, 11}}) {
    std::vector<double> pool(400, 1.0);
    for (int i = 0; i < better; ++i) pool[static_cast<size_t>(200 + i)] = 0;
    for (int i = 0; i < worse; ++i) pool[static_cast<size_t>(100 + i)] = 0;
    const std::vector<Statistic> figures = {mean_of(pool)};
    const double p = compare_paired(figures, 200, {.resamples = 20000})[0].p_value;
    const double exact = mcnemar(better, worse).exact_p;
    EXPECT_NEAR(p, exact, 4 * std::sqrt(exact * (1 - exact) / 20000) + 1e-4);
  }
}

// Two models of one quality are called different in about 5 of 100 samples, not more.
TEST(Paired, NoiseIsNotProgress) {
  Random random(12);
  constexpr int kSamples = 300;
  int called = 0;
  for (int i = 0; i < kSamples; ++i) {
    const auto pool = coin_throws(0.8, 2 * 80, random);
    const std::vector<Statistic> figures = {mean_of(pool)};
    const auto got =
        compare_paired(figures, 80, {.resamples = 300, .seed = static_cast<uint64_t>(i)});
    called += got[0].p_value < 0.05;
  }
  EXPECT_LT(called, 0.09 * kSamples);  // 5 % and three standard deviations
}

// Every row is drawn as often as every other: chi-squared of 7 rows in 70,000 draws.
TEST(Draw, IsUniform) {
  std::vector<int64_t> rows(7), counts(7);
  for (int64_t i = 0; i < 10000; ++i) {
    draw_rows(rows, i, 42);
    for (const auto row : rows) ++counts.at(static_cast<size_t>(row));
  }
  double chi_squared = 0;
  for (const auto count : counts)
    chi_squared += std::pow(static_cast<double>(count) - 1e4, 2) / 1e4;
  EXPECT_LT(chi_squared, 22.5);  // 6 degrees of freedom, one in a thousand
}

TEST(Draw, EveryResampleHasItsOwnPlace) {
  std::vector<int64_t> one(31), again(31), next(31);
  draw_rows(one, 4, 1);
  draw_rows(next, 5, 1);
  draw_rows(again, 4, 1);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, next);
}

TEST(Bootstrap, WhatAFigureThrowsComesThrough) {
  const Statistic broken = [](std::span<const int64_t>) -> double { throw UserError("no figure"); };
  EXPECT_USER_ERROR(bootstrap(broken, 10, {.threads = 3}), "no figure");
}

TEST(Bootstrap, SumsOfRowsAreAStatistic) {
  RowStatistics statistics{.width = 2,
                           .values = {1, 2, 3, 4, 5, 6},
                           .score = [](std::span<const double> sums) { return sums[0] / sums[1]; }};
  EXPECT_DOUBLE_EQ(summed(statistics)(std::vector<int64_t>{0, 2, 2}), 11.0 / 14);
}

}  // namespace
}  // namespace tunewright::metrics
