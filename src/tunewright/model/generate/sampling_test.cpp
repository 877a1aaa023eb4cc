#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "tunewright/base/json.h"
#include "tunewright/base/test.h"
#include "tunewright/model/generate/generate.h"

namespace tunewright::model {
namespace {

SamplingOptions options_from(const Json& json) {
  return {.temperature = json.value("temperature", 0.0),
          .top_k = json.value("top_k", int64_t{0}),
          .top_p = json.value("top_p", 1.0),
          .min_p = json.value("min_p", 0.0),
          .repetition_penalty = json.value("repetition_penalty", 1.0)};
}

// Golden of tools/golden/sampling.py.  The same operations in the same order: 1e-6 allows for
// another build's exp().
TEST(Sampling, DistributionEqualsTransformers) {
  const auto golden = read_json(testing::source_path("tests/golden/sampling.json"));
  for (const auto& example : golden.at("cases")) {
    const auto logits = at::tensor(example.at("logits").get<std::vector<float>>());
    const auto context = example.at("context").get<std::vector<int32_t>>();
    const auto expected = example.at("probabilities").get<std::vector<float>>();
    const auto got =
        process_logits(logits, context, options_from(example.at("options"))).softmax(-1);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(got[static_cast<int64_t>(i)].item<float>(), expected[i], 1e-6)
          << example.at("options") << " token " << i;
    }
  }
}

TEST(Sampling, GreedyTakesTheFirstOfEqualScores) {
  Random random(1);
  EXPECT_EQ(sample(at::tensor({1.0F, 3.0F, 3.0F, 2.0F}), {}, {}, random), 1);
  EXPECT_EQ(random.position(), 0U) << "greedy draws no random number";
}

TEST(Sampling, RepetitionPenaltyHoldsForGreedyToo) {
  Random random(1);
  const std::vector<int32_t> context = {1, 1, 99};
  EXPECT_EQ(sample(at::tensor({1.0F, 3.0F, 2.0F}), context, {.repetition_penalty = 2.0}, random),
            2);
  EXPECT_EQ(sample(at::tensor({-1.5F, -1.0F}), context, {.repetition_penalty = 2.0}, random), 0);
}

// Of n draws a token with probability p comes n·p times, give or take 5 standard deviations.
TEST(Sampling, DrawsFollowTheDistribution) {
  const auto logits = at::tensor({0.0F, 1.0F, 2.0F, -1.0F});
  const SamplingOptions options{.temperature = 1.0, .top_k = 3};
  const auto p = process_logits(logits, {}, options).softmax(-1);
  Random random(3);
  std::vector<int> counts(4);
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i)
    ++counts[static_cast<size_t>(sample(logits, {}, options, random))];
  for (size_t i = 0; i < counts.size(); ++i) {
    const double share = p[static_cast<int64_t>(i)].item<double>();
    EXPECT_NEAR(counts[i], kDraws * share, 5 * std::sqrt(kDraws * share * (1 - share)));
  }
}

TEST(Sampling, NotANumberIsAnError) {
  Random random(1);
  const auto logits = at::tensor({0.0F, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_USER_ERROR(sample(logits, {}, {}, random), "not numbers (NaN)");
  EXPECT_USER_ERROR(sample(logits, {}, {.temperature = 1.0}, random), "not numbers (NaN)");
}

TEST(Sampling, OptionsOutOfRangeAreNamed) {
  EXPECT_USER_ERROR(SamplingOptions{.max_new_tokens = 0}.validate(),
                    "max_new_tokens: expected at least 1, got 0");
  EXPECT_USER_ERROR(SamplingOptions{.temperature = -1}.validate(),
                    "temperature: expected 0 (greedy) or more, got -1");
  EXPECT_USER_ERROR(SamplingOptions{.top_k = -1}.validate(), "top_k");
  EXPECT_USER_ERROR(SamplingOptions{.top_p = 1.5}.validate(),
                    "top_p: expected a share between 0 and 1 (off), got 1.5");
  EXPECT_USER_ERROR(SamplingOptions{.min_p = -0.1}.validate(), "min_p");
  EXPECT_USER_ERROR(SamplingOptions{.repetition_penalty = 0}.validate(), "repetition_penalty");
}

}  // namespace
}  // namespace tunewright::model
