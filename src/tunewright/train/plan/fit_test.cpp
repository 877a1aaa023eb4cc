#include "tunewright/train/plan/fit.h"

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::train {
namespace {

// A run's need by a law of which each part is plain to see: 100 for the base, 20 for the optimizer,
// up to 40 for the activations of 2048 tokens, a tenth of these where all blocks are computed
// again.
double need(const Recipe& recipe) {
  const double base = recipe.model.quantization == model::Quantization::kNf4    ? 25
                      : recipe.model.quantization == model::Quantization::kInt8 ? 50
                                                                                : 100;
  const double optimizer = recipe.training.optim == OptimizerKind::kAdamW8bit ? 5 : 20;
  const double tokens = double(std::min<int64_t>(recipe.training.tokens_per_pass, 2048));
  const double again = double(block_counts(8, recipe).checkpointed) / 8;
  const double length = recipe.data.max_length < 512 ? 0.5 : 1;
  return base + optimizer + 40 * length * tokens / 2048 * (1 - 0.9 * again);
}

std::vector<std::string> proposed(double limit,
                                  const std::function<void(FitQuestion&)>& change = {}) {
  FitQuestion question{
      .blocks = 8, .largest_pass = 2048, .longest_example = 512, .need = need, .limit = limit};
  question.recipe.data.overflow = data::Overflow::kTruncate;
  if (change) change(question);
  std::vector<std::string> found;
  for (const auto& proposal : propose(question)) {
    EXPECT_LE(need(proposal.recipe), limit);
    found.push_back(replace_all(yaml_of(proposal.changes), "\n", "; "));
  }
  return found;
}

TEST(Fit, TheMildestChangeOfEachWayComesFirst) {
  const auto found = proposed(150);  // of 160
  ASSERT_GE(found.size(), 4U);
  EXPECT_EQ(found[0], "training: {tokens_per_pass: 1024}");
  EXPECT_EQ(found[1], "training: {gradient_checkpointing: 4}");
  EXPECT_EQ(found[2], "training: {optim: adamw_8bit}");
  EXPECT_EQ(found[3], "model: {quantization: int8}");
}

TEST(Fit, AWayIsTurnedAsFarAsNeeded) {
  const auto found = proposed(131);
  EXPECT_EQ(found.front(), "training: {tokens_per_pass: 512}");
  EXPECT_EQ(found[1], "training: {gradient_checkpointing: true}");
}

TEST(Fit, WaysGoTogetherWhereNoneIsEnough) {
  EXPECT_EQ(proposed(121.5).front(),
            "training: {gradient_checkpointing: true, tokens_per_pass: 512}");
  const auto found = proposed(106.5);
  EXPECT_EQ(found.front(),
            "training: {optim: adamw_8bit, gradient_checkpointing: true, tokens_per_pass: 512}");
  EXPECT_EQ(proposed(31.2).front(),
            "model: {quantization: nf4}; "
            "training: {optim: adamw_8bit, gradient_checkpointing: true, tokens_per_pass: 512}");
}

TEST(Fit, ShorterRowsComeLastAndOnlyWhereTheyAreAllowed) {
  const auto found = proposed(30.5);
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front(), ::testing::HasSubstr("max_length"));
  EXPECT_TRUE(proposed(30.5, [](FitQuestion& question) {
                question.recipe.data.overflow = data::Overflow::kError;
              }).empty());
}

TEST(Fit, WeightsThatTrainAreNotQuantised) {
  const auto found = proposed(
      90, [](FitQuestion& question) { question.recipe.adapter.type = model::AdapterType::kNone; });
  EXPECT_TRUE(found.empty()) << found.front();
}

TEST(Fit, NothingFitsIntoNothing) { EXPECT_TRUE(proposed(10).empty()); }

TEST(Fit, NoPassIsSmallerThanTheLongestExample) {
  const auto found = proposed(125, [](FitQuestion& question) { question.longest_example = 700; });
  for (const auto& yaml : found)
    EXPECT_THAT(yaml, ::testing::Not(::testing::HasSubstr("tokens_per_pass: 512")));
  const auto whole = proposed(134, [](FitQuestion& question) { question.longest_example = 700; });
  EXPECT_EQ(whole.front(), "training: {tokens_per_pass: 700}");
}

}  // namespace
}  // namespace tunewright::train
