#include "tunewright/eval/metrics.h"

#include <cmath>

#include "tunewright/base/test.h"

namespace tunewright::eval {
namespace {

TEST(Metrics, LossIsWeighedByTokensNotByRows) {
  const std::vector<RowScore> scores = {{.loss_sum = 6.0, .loss_tokens = 3},
                                        {.loss_sum = 1.0, .loss_tokens = 4}};
  const auto rows = all_rows(2);
  EXPECT_DOUBLE_EQ(compute(Metric::kLoss, scores, rows), 1.0);
  EXPECT_DOUBLE_EQ(compute(Metric::kPerplexity, scores, rows), std::exp(1.0));
}

TEST(Metrics, RepeatedRowsCountRepeatedly) {
  const std::vector<RowScore> scores = {{.loss_sum = 1, .loss_tokens = 1},
                                        {.loss_sum = 5, .loss_tokens = 1}};
  const std::vector<int64_t> drawn = {0, 0, 0, 1};
  EXPECT_DOUBLE_EQ(compute(Metric::kLoss, scores, drawn), 2);
}

TEST(Metrics, NoRowsAreNotANumber) {
  for (const auto& [name, kind] : kLossNames)
    EXPECT_TRUE(std::isnan(compute(kind, {}, {}))) << name;
}

}  // namespace
}  // namespace tunewright::eval
