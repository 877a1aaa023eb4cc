#include "tunewright/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tunewright/base/random.h"
#include "tunewright/base/test.h"

namespace tunewright::eval {
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

}  // namespace
}  // namespace tunewright::eval
