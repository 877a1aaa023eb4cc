#include "tunewright/train/plan/layout.h"

#include <numeric>

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/train/train_fixture.h"

namespace tunewright::train {
namespace {

int64_t tokens_of(const std::vector<data::PassLayout>& step) {
  return std::accumulate(step.begin(), step.end(), int64_t{0},
                         [](int64_t sum, const auto& pass) { return sum + pass.tokens; });
}

int64_t targets_of(const std::vector<data::PassLayout>& step) {
  return std::accumulate(step.begin(), step.end(), int64_t{0},
                         [](int64_t sum, const auto& pass) { return sum + pass.targets; });
}

// Every step, evaluation and checkpoint of a real run is in its layout.
TEST(RunLayout, IsWhatTrainingDoes) {
  testing::TemporaryFolder folder;
  auto setting = full_setting();
  setting.training.num_train_epochs = 2.5;
  setting.training.max_steps = 0;
  setting.training.eval_steps = 4;
  setting.training.save_steps = 3;
  setting.training.save_total_limit = 0;
  const auto train = tiny_dataset(setting.train_rows, 1), eval = tiny_dataset(setting.eval_rows, 2);
  const auto layout = lay_out_run({.train = train, .eval = &eval}, setting.data, setting.training);
  const auto run = train_in(folder / "run", setting);
  std::vector<double> tokens, targets;
  for (const auto& step : layout.steps) {
    tokens.push_back(double(tokens_of(step)));
    targets.push_back(double(targets_of(step)));
  }
  EXPECT_EQ(layout.total_steps, run.result.steps);
  EXPECT_EQ(tokens, column(run.metrics, "tokens"));
  EXPECT_EQ(targets, column(run.metrics, "supervised_tokens"));
  EXPECT_EQ(layout.evaluations, std::ssize(column(run.metrics, "eval_loss")));
  EXPECT_EQ(targets_of(layout.evaluation), column(run.metrics, "eval_tokens").front());
  EXPECT_TRUE(layout.saves_while_training);
}

TEST(RunLayout, SavesAreThoseOfTheirOptions) {
  const auto rows = tiny_dataset(16, 1), eval = tiny_dataset(4, 2);
  TrainOptions options{.max_steps = 10, .per_device_train_batch_size = 2};
  options.save_steps = 4;
  EXPECT_EQ(lay_out_run({.train = rows}, {}, options).saves, 3);  // 4, 8, 10
  options.save_steps = 0;
  auto layout = lay_out_run({.train = rows}, {}, options);
  EXPECT_EQ(layout.saves, 1);
  EXPECT_FALSE(layout.saves_while_training);
  EXPECT_EQ(layout.evaluations, 0);
  options.eval_steps = 5;
  layout = lay_out_run({.train = rows, .eval = &eval}, {}, options);
  EXPECT_EQ(layout.evaluations, 2);
  EXPECT_EQ(layout.saves, 2);  // each evaluation may be the best
  EXPECT_TRUE(layout.saves_while_training);
  options.load_best_model_at_end = false;
  EXPECT_EQ(lay_out_run({.train = rows, .eval = &eval}, {}, options).saves, 1);
  options.on_nonfinite = OnNonfinite::kRollback;
  EXPECT_EQ(lay_out_run({.train = rows, .eval = &eval}, {}, options).saves, 2);
}

TEST(RunLayout, RepresentativePassesBeginWithTheLargest) {
  std::vector<data::PassLayout> passes;
  for (int64_t i = 1; i <= 100; ++i)
    passes.push_back({.examples = {i}, .tokens = i, .targets = i == 30 ? 90 : 1});
  const auto chosen = representative(passes);
  ASSERT_EQ(chosen.size(), 6U);
  EXPECT_EQ(chosen[0].tokens, 100);
  EXPECT_NEAR(double(chosen[1].tokens), 50, 1);
  EXPECT_NEAR(double(chosen[2].tokens), 10, 1);
  EXPECT_EQ(chosen[3].targets, 90);
  EXPECT_EQ(representative({passes[3], passes[3], passes[3]}).size(), 1U);
  EXPECT_TRUE(representative({}).empty());
}

}  // namespace
}  // namespace tunewright::train
