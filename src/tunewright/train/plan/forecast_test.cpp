#include "tunewright/train/plan/forecast.h"

#include "tunewright/base/test.h"

namespace tunewright::train {
namespace {

// What a model of these blocks would take by a law that is linear in each kind.
Measurement measured(const BlockCounts& counts) {
  const auto blocks = [&](double frozen, double checkpointed, double plain) {
    return frozen * double(counts.frozen) + checkpointed * double(counts.checkpointed) +
           plain * double(counts.plain);
  };
  return {.blocks = counts,
          .forward_bytes = 100 + blocks(1, 5, 40),
          .early_backward_bytes = 120 + blocks(1, 5, 40),
          .late_backward_bytes = 300 + blocks(1, 9, 9),
          .pass_seconds = {0.5 + blocks(0.1, 0.4, 0.3), 0.25 + blocks(0.05, 0.2, 0.15)},
          .evaluation_seconds = {0.1 + blocks(0.1, 0.1, 0.1)}};
}

TEST(Forecast, FewBlocksTellOfMany) {
  const BlockCounts target = {.frozen = 10, .checkpointed = 7, .plain = 13};
  std::vector<Measurement> some = {measured(smallest_blocks(target))};
  for (const auto& counts : larger_blocks(target, 4)) some.push_back(measured(counts));
  EXPECT_EQ(some.size(), 4U);
  auto whole = extrapolate(some, target), expected = measured(target);
  EXPECT_EQ(whole.blocks, target);
  EXPECT_NEAR(whole.forward_bytes, expected.forward_bytes, 1e-9);
  // Its start and its end grow differently: the larger one of a small model is not that of a large.
  EXPECT_GT(some.front().late_backward_bytes, some.front().early_backward_bytes);
  EXPECT_NEAR(whole.late_backward_bytes, expected.late_backward_bytes, 1e-9);
  EXPECT_NEAR(whole.early_backward_bytes, expected.early_backward_bytes, 1e-9);
  EXPECT_NEAR(whole.pass_seconds[1], expected.pass_seconds[1], 1e-9);
  EXPECT_NEAR(whole.evaluation_seconds[0], expected.evaluation_seconds[0], 1e-9);
}

TEST(Forecast, ModelsOfAFewBlocksAreMeasuredWhole) {
  const BlockCounts target = {.plain = 3};
  EXPECT_EQ(larger_blocks(target, 8), std::vector<BlockCounts>{target});
  EXPECT_TRUE(larger_blocks({.frozen = 1, .plain = 1}, 8).empty());
}

TEST(Forecast, APassThatOnlyOneHadTimeForIsLeftOut) {
  const BlockCounts target = {.plain = 9};
  std::vector<Measurement> some = {measured({.plain = 1}), measured({.plain = 5})};
  some[1].pass_seconds.resize(1);
  EXPECT_EQ(extrapolate(some, target).pass_seconds.size(), 1U);
}

data::PassLayout pass(int64_t tokens, int64_t targets, int64_t length) {
  return {.tokens = tokens, .targets = targets, .squares = double(tokens) * double(length)};
}

TEST(PassTime, FindsALawOfTokensTargetsAndLengths) {
  constexpr double kAttention = 1e-3;
  const auto law = [](const data::PassLayout& p) {
    return 0.01 + 2e-3 * (double(p.tokens) + kAttention * p.squares) + 5e-4 * double(p.targets);
  };
  const std::vector<data::PassLayout> passes = {pass(2048, 30, 512), pass(1000, 1000, 100),
                                                pass(300, 3, 300), pass(1500, 700, 128)};
  std::vector<double> seconds;
  for (const auto& p : passes) seconds.push_back(law(p));
  const PassTime time(passes, seconds, kAttention);
  for (const auto& p : {pass(64, 64, 64), pass(2000, 10, 1000)})
    EXPECT_NEAR(time.seconds(p), law(p), 1e-6 * law(p));
}

TEST(PassTime, OnePassTellsOfOthersInProportion) {
  const std::vector<data::PassLayout> passes = {pass(1000, 1000, 100)};
  const PassTime time(passes, std::vector<double>{2.0}, 0);
  EXPECT_NEAR(time.seconds(passes[0]), 2.0, 1e-9);
}

TEST(PassTime, NoTermIsNegative) {  // as noise would have it: the larger pass took less
  const std::vector<data::PassLayout> passes = {pass(100, 0, 10), pass(90, 0, 10)};
  const PassTime time(passes, std::vector<double>{1.0, 1.1}, 0);
  EXPECT_GE(time.seconds(pass(200, 0, 10)), time.seconds(pass(100, 0, 10)));
  EXPECT_GE(time.seconds(pass(1, 0, 1)), 0);
}

TEST(PassTime, WithoutTargetsOrTimesIsNoError) {
  EXPECT_EQ(PassTime({}, {}, 0).seconds(pass(10, 1, 10)), 0);
}

RunLayout layout_of(int64_t steps, std::vector<data::PassLayout> step) {
  RunLayout layout{.total_steps = steps};
  for (int64_t i = 0; i < steps; ++i) layout.steps.push_back(step);
  return layout;
}

TEST(Forecast, SumsUpARun) {
  const auto p = pass(100, 50, 10);
  auto layout = layout_of(10, {p, p});
  layout.evaluation = {p, p, p};
  layout.evaluations = 2;
  layout.saves = 4;
  const Measurement whole = {.snapshot_bytes = 70,
                             .start_seconds = 3,
                             .first_pass_seconds = 5,
                             .update_seconds = 0.5,
                             .copy_seconds = 0.25,
                             .write_seconds = 2,
                             .pass_seconds = {1.0},
                             .evaluation_seconds = {0.4}};
  const std::vector<data::PassLayout> one = {p};
  const MemoryFloor floor;
  const model::ModelSize size{.query = 4, .block_matrix = 100};
  const auto made = forecast(
      whole, {.layout = layout, .passes = one, .evaluation = one, .floor = floor, .size = size});
  EXPECT_NEAR(made.time.step, 2 * 1.0 + 0.5 + 5.0 / 10, 1e-9);
  EXPECT_NEAR(made.time.steps, 10 * made.time.step, 1e-9);
  EXPECT_NEAR(made.time.evaluation, 3 * 0.4, 1e-9);
  EXPECT_NEAR(made.time.saves, 4 * 0.25 + 2, 1e-9);
  EXPECT_NEAR(made.time.total(), 3 + 30 + 2.4 + 3, 1e-9);
}

TEST(Forecast, ACheckpointBesideTrainingComesOnTopOfIt) {
  const auto p = pass(100, 50, 10);
  auto layout = layout_of(2, {p});
  const std::vector<data::PassLayout> one = {p};
  const MemoryFloor floor{.weights = 300, .trained = 100};
  const model::ModelSize size;
  const Measurement whole = {.start_bytes = 90,
                             .loading_bytes = 400,
                             .forward_bytes = 900,
                             .early_backward_bytes = 1000,
                             .late_backward_bytes = 700,
                             .update_bytes = 650,
                             .evaluation_bytes = 800,
                             .snapshot_bytes = 150,
                             .pass_seconds = {1.0}};
  const ForecastInput input{
      .layout = layout, .passes = one, .evaluation = {}, .floor = floor, .size = size};
  auto memory = forecast(whole, input).memory;
  EXPECT_EQ(memory.training, 1000);
  EXPECT_EQ(memory.saving, 300 + 100 + 90 + 150);  // only at the end
  EXPECT_EQ(memory.peak(), 1000);
  EXPECT_EQ(memory.activations, 1000 - 300 - 100 - 90);
  layout.saves_while_training = true;
  memory = forecast(whole, input).memory;
  EXPECT_EQ(memory.saving, 1150);
  EXPECT_EQ(memory.peak(), 1150);
}

}  // namespace
}  // namespace tunewright::train
