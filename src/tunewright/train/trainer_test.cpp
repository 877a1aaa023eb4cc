#include "tunewright/train/trainer.h"

#include <ATen/ops/equal.h>

#include <algorithm>
#include <limits>

#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/train/step_gradients.h"
#include "tunewright/train/train_fixture.h"

namespace tunewright::train {
namespace {

using observe::RunFolder;
using ::testing::Contains;
using ::testing::HasSubstr;
using tunewright::testing::TemporaryFolder;

// Rows in the order of the file, one micro-batch of all of them, no evaluation.
Setting plain_setting() {
  Setting setting;
  setting.training = {
      .max_steps = 5, .per_device_train_batch_size = 12, .learning_rate = 1e-2, .save_steps = 0};
  setting.data = {.max_length = 128, .packing = false, .shuffle = false};
  return setting;
}

// The same sums in another order: a few float32 roundings a step, five steps.
void expect_close(const Trained& a, const Trained& b) {
  const auto losses = column(a.metrics, "loss"), others = column(b.metrics, "loss");
  ASSERT_EQ(losses.size(), others.size());
  for (size_t i = 0; i < losses.size(); ++i)
    EXPECT_NEAR(losses[i], others[i], 1e-5) << "step " << i + 1;
  EXPECT_EQ(column(a.metrics, "supervised_tokens"), column(b.metrics, "supervised_tokens"));
}

TEST(Trainer, FourMicroBatchesOfOneAreOneOfFour) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  setting.training.per_device_train_batch_size = 4;
  const auto whole = train_in(folder / "whole", setting);
  setting.training.per_device_train_batch_size = 1;
  setting.training.gradient_accumulation_steps = 4;
  expect_close(whole, train_in(folder / "accumulated", setting));
}

TEST(Trainer, SplittingIntoPassesChangesNothing) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  setting.training.tokens_per_pass = 0;
  const auto whole = train_in(folder / "whole", setting);
  setting.training.tokens_per_pass = 1;  // each row alone: what unpacked training would compute
  expect_close(whole, train_in(folder / "rows", setting));
  setting.training.tokens_per_pass = 20;
  expect_close(whole, train_in(folder / "passes", setting));
}

TEST(Trainer, PassesSideBySideAreOneAfterTheOther) {
  TemporaryFolder folder;
  for (const auto type : {model::AdapterType::kLora, model::AdapterType::kNone}) {
    auto setting = plain_setting();
    setting.adapter.type = type;
    setting.training.parallel_passes = 1;
    const auto path = folder / str("adapter-", int(type));
    const auto one = train_in(path / "1", setting);
    for (const int64_t count : {2, 3}) {
      setting.training.parallel_passes = count;
      setting.training.tokens_per_pass = 48;  // several rounds
      expect_close(one, train_in(path / str(count), setting));
    }
  }
}

TEST(Trainer, PassesSideBySideGiveTheSameBitsEachTimeAndAfterResuming) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.training.parallel_passes = 3;
  setting.training.tokens_per_pass = 48;
  const auto whole = train_in(folder / "whole", setting);
  expect_same_bits(whole, train_in(folder / "again", setting));
  const auto path = folder / "stopped";
  train_in(path, setting, /*resume=*/false, /*stop_after=*/4);
  expect_same_bits(whole, train_in(path, setting, /*resume=*/true));
}

// A replica keeps float32 sums like the model itself: bfloat16 gradients of several rounds.
TEST(Trainer, HalfPrecisionGradientsOfPassesSideBySideAddUp) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  setting.adapter.type = model::AdapterType::kNone;
  setting.dtype = at::kBFloat16;
  setting.training.max_steps = 1;
  const auto norm = [&](int64_t count) {
    setting.training.parallel_passes = count;
    return column(train_in(folder / str("of-", count), setting).metrics, "grad_norm").at(0);
  };
  const double one = norm(1);
  EXPECT_NEAR(norm(2), one, 0x1p-7 * one);  // bfloat16 products in another order
}

TEST(PartsSideBySide, AreLimitedByThreadsTokensRowsAndMemory) {
  const SideBySideLimits roomy{
      .threads = 8, .rows = 8, .tokens = 8192, .gradient_bytes = 1, .weight_bytes = 1000};
  const auto with = [&](auto change) {
    auto limits = roomy;
    change(limits);
    return parts_side_by_side(limits);
  };
  EXPECT_EQ(parts_side_by_side(roomy), 8);
  EXPECT_EQ(with([](auto& l) { l.threads = 2; }), 2);
  EXPECT_EQ(with([](auto& l) { l.rows = 3.5; }), 3);
  EXPECT_EQ(with([](auto& l) { l.tokens = 400; }), 2);
  EXPECT_EQ(with([](auto& l) { l.tokens = 10; }), 1);
  EXPECT_EQ(with([](auto& l) { l.gradient_bytes = 1000; }), 2);  // full fine-tuning
  EXPECT_EQ(with([](auto& l) { l.gradient_bytes = 2000; }), 1);  // of bfloat16 weights
}

TEST(Trainer, PackedRowsTrainAsUnpackedOnes) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  const auto unpacked = train_in(folder / "unpacked", setting);
  setting.data.packing = true;  // all twelve rows fit one sequence
  setting.training.per_device_train_batch_size = 1;
  expect_close(unpacked, train_in(folder / "packed", setting));
}

TEST(Trainer, AResumedRunIsTheUninterruptedOneBitForBit) {
  TemporaryFolder folder;
  const auto setting = full_setting();
  const auto whole = train_in(folder / "whole", setting);
  EXPECT_EQ(whole.result.steps, 9);
  for (const int64_t stop_after : {1, 2, 5, 8}) {
    const auto path = folder / str("stopped-", stop_after);
    const auto stopped = train_in(path, setting, /*resume=*/false, stop_after);
    EXPECT_EQ(stopped.result.outcome, Outcome::kInterrupted);
    EXPECT_EQ(stopped.result.steps, stop_after);
    expect_same_bits(whole, train_in(path, setting, /*resume=*/true));
  }
}

TEST(Trainer, AKilledRunGoesOnFromItsLastCheckpoint) {
  TemporaryFolder folder;
  const auto setting = full_setting();
  const auto whole = train_in(folder / "whole", setting);
  train_in(folder / "killed", setting, /*resume=*/false, /*stop_after=*/5);
  fs::remove_all(folder /
                 "killed/checkpoints/step-000005");  // as if the process had died in step 6
  expect_same_bits(whole, train_in(folder / "killed", setting, /*resume=*/true));
}

TEST(Trainer, ADamagedNewestCheckpointFallsBackAndSaysSo) {
  TemporaryFolder folder;
  const auto setting = full_setting();
  const auto whole = train_in(folder / "whole", setting);
  train_in(folder / "run", setting, /*resume=*/false, /*stop_after=*/5);
  fs::resize_file(folder / "run/checkpoints/step-000005/optimizer.safetensors", 64);
  const auto resumed = train_in(folder / "run", setting, /*resume=*/true);
  EXPECT_THAT(resumed.said, Contains(HasSubstr("step-000005/optimizer.safetensors: is damaged")));
  expect_same_bits(whole, resumed);
}

TEST(Trainer, ResumeStartsWhereThereIsNoCheckpoint) {
  TemporaryFolder folder;
  const auto setting = full_setting();
  const auto resumed = train_in(folder / "resumed", setting, /*resume=*/true);
  EXPECT_THAT(resumed.said, Contains(HasSubstr("starting at step 1")));
  expect_same_bits(train_in(folder / "new", setting), resumed);
}

TEST(Trainer, AFinishedRunHasNothingLeftToDo) {
  TemporaryFolder folder;
  const auto setting = full_setting();
  const auto whole = train_in(folder / "run", setting);
  const auto again = train_in(folder / "run", setting, /*resume=*/true);
  EXPECT_EQ(again.result.outcome, Outcome::kFinished);
  expect_same_bits(whole, again);
}

TEST(Trainer, ResumingAnotherRunNamesTheDifference) {
  TemporaryFolder folder;
  auto setting = full_setting();
  train_in(folder / "run", setting, /*resume=*/false, /*stop_after=*/2);
  setting.training.learning_rate = 5e-3;
  EXPECT_USER_ERROR(train_in(folder / "run", setting, /*resume=*/true),
                    "training.learning_rate: 0.01, now 0.005");
}

TEST(Trainer, StopsEarlyAfterItsPatience) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.training.learning_rate = 0;  // no evaluation after the first is better
  setting.training.early_stopping_patience = 2;
  const auto trained = train_in(folder / "run", setting);
  EXPECT_EQ(trained.result.outcome, Outcome::kStoppedEarly);
  EXPECT_EQ(trained.result.steps, 6);
}

Setting overshooting_setting() {
  auto setting = full_setting();
  setting.training.learning_rate = 10.0;  // rises from little to far too much: the last is not best
  setting.training.max_steps = 16;
  setting.training.warmup_ratio = 1.0;
  setting.training.save_total_limit = 1;
  return setting;
}

TEST(Trainer, KeepsTheBestWeights) {
  TemporaryFolder folder;
  const auto setting = overshooting_setting();
  const auto trained = train_in(folder / "run", setting);
  const auto losses = column(trained.metrics, "eval_loss");
  ASSERT_TRUE(trained.result.best);
  EXPECT_EQ(trained.result.best->loss, *std::min_element(losses.begin(), losses.end()));
  EXPECT_LT(trained.result.best->step, 16);
  EXPECT_EQ(evaluate(*trained.model, tiny_dataset(setting.eval_rows, 2),
                     setting.training.tokens_per_pass, silent_reporter())
                .loss,
            trained.result.best->loss);
  const auto kept = RunFolder::open(folder / "run", RunFolder::Mode::kResume).checkpoints();
  EXPECT_EQ(kept.size(), 2U);  // the last and the best
}

TEST(Trainer, KeepsTheLastWeightsWhereAsked) {
  TemporaryFolder folder;
  auto setting = overshooting_setting();
  setting.training.load_best_model_at_end = false;
  const auto trained = train_in(folder / "run", setting);
  EXPECT_EQ(trained.result.best->step, 16);
  EXPECT_EQ(trained.result.best->loss, column(trained.metrics, "eval_loss").back());
}

TEST(Trainer, ALossThatIsNoNumberNamesTheRowAndLeavesTheWeights) {
  TemporaryFolder folder;
  auto model = tiny_model();
  model::prepare_for_training(*model, {.r = 4, .lora_alpha = 8}, 1);
  const auto train = changed(tiny_dataset(4, 1), [](size_t row, data::Example& example) {
    if (row == 2)
      example.weights.assign(example.ids.size(), std::numeric_limits<float>::infinity());
  });
  std::vector<at::Tensor> before;
  for (const auto& parameter : model->trainable_parameters())
    before.push_back(parameter.tensor.detach().clone());
  auto run = RunFolder::open(folder / "run", RunFolder::Mode::kNew);
  Trainer trainer(
      {.model = *model, .train = train, .eval = nullptr, .run = run, .reporter = silent_reporter()},
      {.max_length = 16, .packing = false, .shuffle = false},
      {.per_device_train_batch_size = 4, .tokens_per_pass = 1});
  EXPECT_USER_ERROR(trainer.run(false),
                    "step 1: the loss is inf, with the rows rows.jsonl row 2: the loss behind the "
                    "output head (float32) is "
                    "infinite; the weights were left");
  const auto after = model->trainable_parameters();
  for (size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(after[i].tensor.equal(before[i]));
  EXPECT_TRUE(run.checkpoints().empty());
}

TEST(Trainer, OverfitsOneBatch) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  setting.train_rows = 3;
  setting.training.max_steps = 120;
  setting.training.learning_rate = 3e-2;
  setting.adapter = {.type = model::AdapterType::kNone};
  const auto losses = column(train_in(folder / "run", setting).metrics, "loss");
  EXPECT_LT(losses.back(), 0.05 * losses.front());
}

TEST(Trainer, FullFineTuningTrainsEveryWeight) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  setting.adapter = {.type = model::AdapterType::kNone};
  const auto trained = train_in(folder / "run", setting);
  auto untrained = tiny_model();
  const auto before = untrained->base_parameters();
  ASSERT_EQ(trained.weights.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_FALSE(trained.weights[i].second.equal(before[i].tensor)) << before[i].name;
}

TEST(Trainer, FreezeTrainsOnlyTheLastBlocks) {
  TemporaryFolder folder;
  auto setting = plain_setting();
  setting.adapter = {.type = model::AdapterType::kFreeze, .trainable_layers = 1};
  const auto trained = train_in(folder / "run", setting);
  const auto before = tiny_model()->base_parameters();
  const auto after = trained.model->base_parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    const bool top =
        before[i].name.starts_with("model.layers.1.") || before[i].name == "model.norm.weight";
    EXPECT_EQ(!after[i].tensor.equal(before[i].tensor), top) << before[i].name;
  }
}

TEST(Trainer, TrainsInBFloat16AndResumesExactly) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.dtype = at::kBFloat16;
  setting.adapter = {.type = model::AdapterType::kNone};
  const auto whole = train_in(folder / "whole", setting);
  train_in(folder / "stopped", setting, /*resume=*/false, /*stop_after=*/4);
  expect_same_bits(whole, train_in(folder / "stopped", setting, /*resume=*/true));
}

// A whole run in each optimizer, in bfloat16 without masters, stopped and resumed.
TEST(Trainer, EveryOptimizerResumesExactly) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.dtype = at::kBFloat16;
  setting.adapter = {.type = model::AdapterType::kNone};
  setting.training.bf16_update = BFloat16Update::kStochasticRounding;
  for (const auto optim :
       {OptimizerKind::kAdamW, OptimizerKind::kAdamW8bit, OptimizerKind::kAdafactor,
        OptimizerKind::kLion, OptimizerKind::kMuon, OptimizerKind::kSgd}) {
    setting.training.optim = optim;
    const auto name = to_json_object(setting.training)["optim"].get<std::string>();
    const auto whole = train_in(folder / (name + "-whole"), setting);
    train_in(folder / name, setting, /*resume=*/false, /*stop_after=*/4);
    SCOPED_TRACE(name);
    expect_same_bits(whole, train_in(folder / name, setting, /*resume=*/true));
  }
}

TEST(Trainer, LoraOnBFloat16IsFloat32Throughout) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.dtype = at::kBFloat16;
  const auto trained = train_in(folder / "run", setting);
  for (const auto& [name, tensor] : trained.weights) EXPECT_EQ(tensor.scalar_type(), at::kFloat);
  for (const auto& parameter : trained.model->base_parameters())
    EXPECT_EQ(parameter.tensor.scalar_type(), at::kBFloat16) << parameter.name;
  const auto state =
      io::Safetensors::open(folder / "run/checkpoints/step-000009/optimizer.safetensors");
  EXPECT_FALSE(state.names().empty());
  for (const auto& name : state.names()) EXPECT_EQ(state.get(name).dtype, io::DType::kF32) << name;
}

// Recomputation repeats the same operations, dropout included: a run may even switch it on to go on
// after running out of memory.
TEST(Trainer, CheckpointingChangesNoNumber) {
  TemporaryFolder folder;
  auto setting = full_setting();
  const auto whole = train_in(folder / "whole", setting);
  train_in(folder / "switched", setting, /*resume=*/false, /*stop_after=*/4);
  setting.training.gradient_checkpointing = true;
  expect_same_bits(whole, train_in(folder / "switched", setting, /*resume=*/true));
  setting.training.gradient_checkpointing = 1;
  expect_same_bits(whole, train_in(folder / "one block", setting));
}

int64_t total_steps(double epochs, int64_t batch, int64_t accumulation) {
  TemporaryFolder folder;
  auto model = tiny_model();
  model::prepare_for_training(*model, {.r = 4}, 1);
  const auto train = tiny_dataset(10, 1);
  auto run = RunFolder::open(folder / "run", RunFolder::Mode::kNew);
  return Trainer({.model = *model,
                  .train = train,
                  .eval = nullptr,
                  .run = run,
                  .reporter = silent_reporter()},
                 {.packing = false},
                 {.num_train_epochs = epochs,
                  .per_device_train_batch_size = batch,
                  .gradient_accumulation_steps = accumulation})
      .total_steps();
}

// transformers: max(1, ceil(micro-batches / accumulation)) an epoch, then ceil(epochs * that).
TEST(Trainer, CountsStepsAsTransformersDoes) {
  EXPECT_EQ(total_steps(1, 4, 1), 3);
  EXPECT_EQ(total_steps(1, 4, 2), 2);
  EXPECT_EQ(total_steps(3, 4, 2), 6);
  EXPECT_EQ(total_steps(1.5, 4, 1), 5);
  EXPECT_EQ(total_steps(0.1, 4, 1), 1);
  EXPECT_EQ(total_steps(1, 100, 8), 1);
}

TEST(Trainer, LogsTheKeysOfTheContract) {
  TemporaryFolder folder;
  const auto metrics = train_in(folder / "run", full_setting()).metrics;
  std::vector<std::string> keys;
  for (const auto& [key, value] : metrics[0].items()) keys.push_back(key);
  EXPECT_THAT(keys, ::testing::ElementsAre("step", "epoch", "loss", "grad_norm", "learning_rate",
                                           "tokens", "supervised_tokens", "tokens_per_second",
                                           "step_seconds", "peak_memory_bytes"));
  keys.clear();
  for (const auto& [key, value] : metrics[2].items()) keys.push_back(key);
  EXPECT_THAT(keys, ::testing::ElementsAre("step", "eval_loss", "eval_perplexity", "eval_tokens"));
}

TEST(Evaluate, DoesNotDependOnThePasses) {
  const auto model = tiny_model();
  const auto dataset = tiny_dataset(9, 3);
  const auto whole = evaluate(*model, dataset, 1000, silent_reporter()),
             rows = evaluate(*model, dataset, 1, silent_reporter());
  EXPECT_NEAR(whole.loss, rows.loss, 1e-6);  // float32 sums in another order
  EXPECT_EQ(whole.tokens, rows.tokens);
}

}  // namespace
}  // namespace tunewright::train
