#include "tunewright/metrics/statistics.h"

#include <cmath>

#include "tunewright/base/json.h"
#include "tunewright/base/test.h"

namespace tunewright::metrics {
namespace {

constexpr double kTolerance = 1e-12;

const Json& golden() {
  static const auto json =
      read_json(testing::source_path("tests/golden/metrics_labels.json"))["statistics"];
  return json;
}

// p-values run over hundreds of orders of magnitude.
void expect_close(double got, double wanted) {
  EXPECT_NEAR(got, wanted, kTolerance * std::max(std::abs(wanted), 1e-300));
}

TEST(McNemar, EqualsStatsmodels) {
  for (const auto& example : golden()["mcnemar"]) {
    const auto got = mcnemar(example["only_candidate"], example["only_baseline"]);
    EXPECT_NEAR(got.exact_p, example["exact_p"].get<double>(), kTolerance);
    EXPECT_NEAR(got.corrected_statistic, example["statistic"].get<double>(), kTolerance * 1e3);
    EXPECT_NEAR(got.corrected_p, example["corrected_p"].get<double>(), kTolerance);
  }
}

TEST(Wilson, EqualsStatsmodels) {
  for (const auto& example : golden()["wilson"]) {
    const auto got = wilson_interval(example["successes"], example["rows"], example["confidence"]);
    EXPECT_NEAR(got.low, example["interval"][0].get<double>(), kTolerance);
    EXPECT_NEAR(got.high, example["interval"][1].get<double>(), kTolerance);
  }
}

TEST(Holm, EqualsStatsmodels) {
  for (const auto& example : golden()["holm"]) {
    const std::vector<double> p = example["p"];
    const auto got = holm(p);
    for (size_t i = 0; i < p.size(); ++i)
      EXPECT_NEAR(got[i], example["adjusted"][i].get<double>(), kTolerance);
  }
  EXPECT_TRUE(holm({}).empty());
}

TEST(Holm, ATestThatCouldNotBeMadeDoesNotCount) {
  const auto got = holm(std::vector<double>{0.04, NAN, 0.02});
  EXPECT_DOUBLE_EQ(got[0], 0.04);
  EXPECT_TRUE(std::isnan(got[1]));
  EXPECT_DOUBLE_EQ(got[2], 0.04);
}

TEST(Normal, QuantileEqualsScipy) {
  for (const auto& example : golden()["normal"]) {
    expect_close(normal_quantile(example[0]), example[1]);
    EXPECT_NEAR(normal_cdf(example[1]), example[0].get<double>(), 1e-15);
  }
  EXPECT_EQ(normal_quantile(0), -INFINITY);
  EXPECT_EQ(normal_quantile(1), INFINITY);
}

}  // namespace
}  // namespace tunewright::metrics
