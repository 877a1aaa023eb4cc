// What a run does when it is stopped, killed or meets numbers that are not finite.
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <limits>
#include <thread>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/train/train_fixture.h"

namespace tunewright::train {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using tunewright::testing::TemporaryFolder;

// Twelve rows, two a step, in order: row 4 comes in step 3 and, in the second epoch, in step 9.
Setting with_a_bad_row(OnNonfinite policy) {
  Setting setting;
  setting.training = {.max_steps = 10,
                      .per_device_train_batch_size = 2,
                      .tokens_per_pass = 16,
                      .learning_rate = 1e-2,
                      .save_steps = 2,
                      .on_nonfinite = policy};
  setting.data = {.max_length = 16, .packing = false, .shuffle = false};
  setting.adapter.lora_dropout = 0.2;
  setting.change_train_rows = [](data::Dataset& rows) {
    rows = changed(rows, [](size_t i, data::Example& example) {
      if (i == 4) example.weights.assign(example.ids.size(), 3e38F);
    });
  };
  return setting;
}

// A stop is requested where a layer has given its output for that time, counted from 1 over
// training and evaluation.  The last norm's is the end of the forward pass: the backward pass stops
// then.
void stop_in_pass(Setting& setting, int64_t pass, const std::string& at = "model.norm") {
  setting.change_model = [pass, at](model::CausalLm& model) {
    model.set_observer(
        [pass, at, count = int64_t{0}](const std::string& layer, const at::Tensor&) mutable {
          if (layer == at && ++count == pass) request_stop();
        });
  };
}

// The steps whose line says that they were dropped.
std::vector<int64_t> dropped_steps(const Trained& trained) {
  std::vector<int64_t> steps;
  for (const auto& line : trained.metrics) {
    if (line.contains("loss") && line["loss"].is_null()) steps.push_back(line["step"]);
  }
  return steps;
}

TEST(Stop, BetweenBlocksAbandonsTheStepOrEvaluationAndResumesExactly) {
  TemporaryFolder folder;
  const auto setting = full_setting();
  const auto whole = train_in(folder / "whole", setting);
  int64_t steps_before = 0;
  for (int64_t pass = 1; pass <= 25; pass += 2) {
    auto stopping = setting;
    stop_in_pass(stopping, pass, pass % 4 == 1 ? "model.norm" : "model.layers.0.mlp.down_proj");
    const auto path = folder / str("stopped-", pass);
    const auto stopped = train_in(path, stopping);
    EXPECT_EQ(stopped.result.outcome, Outcome::kInterrupted);
    EXPECT_GE(stopped.result.steps, steps_before);
    steps_before = stopped.result.steps;
    expect_same_bits(whole, train_in(path, setting, /*resume=*/true));
  }
  EXPECT_GE(steps_before, 3);
}

TEST(Stop, TwiceInOneEvaluationResumesExactly) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.training.gradient_accumulation_steps = 1;
  const auto whole = train_in(folder / "whole", setting);
  auto stopping = setting;
  for (int64_t pass : {5, 1, 1, 2}) {  // some of them fall into the evaluation after step 2
    stop_in_pass(stopping, pass);
    train_in(folder / "run", stopping, /*resume=*/true);
  }
  expect_same_bits(whole, train_in(folder / "run", setting, /*resume=*/true));
}

TEST(Save, AlsoAfterSomeSeconds) {
  TemporaryFolder folder;
  auto setting = full_setting();
  setting.eval_rows = 0;
  setting.training.max_steps = 4;
  setting.training.save_steps = 0;
  setting.training.save_total_limit = 0;
  setting.training.save_seconds = 1;
  setting.change_model = [](model::CausalLm& model) {
    model.set_observer([](const std::string& layer, const at::Tensor&) {
      if (layer == "model.norm") std::this_thread::sleep_for(std::chrono::milliseconds(300));
    });
  };
  train_in(folder / "run", setting);
  const auto steps = [&] {
    return observe::RunFolder::open(folder / "run", observe::RunFolder::Mode::kResume)
        .checkpoints();
  };
  EXPECT_GE(steps().size(), 2U);
  setting.training.save_seconds = 0;
  fs::remove_all(folder / "run");
  train_in(folder / "run", setting);
  EXPECT_EQ(steps().size(), 1U) << "only at the end";
}

TEST(Skip, DropsTheStepAndCountsIt) {
  TemporaryFolder folder;
  const auto trained = train_in(folder / "run", with_a_bad_row(OnNonfinite::kSkip));
  EXPECT_EQ(trained.result.steps, 10);
  EXPECT_THAT(dropped_steps(trained), ElementsAre(3, 9));
  EXPECT_THAT(column(trained.metrics, "skipped_steps"), ElementsAre(1, 2));
  EXPECT_EQ(trained.result.setbacks.skipped_steps, 2);
  EXPECT_THAT(trained.said, Contains(HasSubstr(
                                "step 3: the loss is inf, with the rows rows.jsonl row 4: the loss "
                                "behind the output head (float32) is infinite; its update is "
                                "dropped")));
}

TEST(Skip, LeavesTheWeightsOfTheStepBefore) {
  TemporaryFolder folder;
  const auto setting = with_a_bad_row(OnNonfinite::kSkip);
  train_in(folder / "run", setting, /*resume=*/false, /*stop_after=*/3);
  const auto bytes = [&](const char* name) {
    return read_file(folder / str("run/checkpoints/", name, "/weights.safetensors"));
  };
  EXPECT_EQ(bytes("step-000003"), bytes("step-000002"));
}

TEST(Skip, ResumesExactly) {
  TemporaryFolder folder;
  const auto setting = with_a_bad_row(OnNonfinite::kSkip);
  const auto whole = train_in(folder / "whole", setting);
  for (const int64_t stop_after : {2, 3, 4, 8, 9}) {
    const auto path = folder / str("stopped-", stop_after);
    train_in(path, setting, /*resume=*/false, stop_after);
    const auto resumed = train_in(path, setting, /*resume=*/true);
    expect_same_bits(whole, resumed);
    EXPECT_EQ(resumed.result.setbacks.skipped_steps, 2);
  }
}

TEST(Skip, GoesOnARunThatStoppedThere) {
  TemporaryFolder folder;
  EXPECT_USER_ERROR(train_in(folder / "run", with_a_bad_row(OnNonfinite::kStop)),
                    "step 3: the loss is inf");
  const auto setting = with_a_bad_row(OnNonfinite::kSkip);
  expect_same_bits(train_in(folder / "whole", setting),
                   train_in(folder / "run", setting, /*resume=*/true));
}

TEST(Skip, GivesUpAfterTooManyInARow) {
  TemporaryFolder folder;
  auto setting = with_a_bad_row(OnNonfinite::kSkip);
  setting.training.max_steps = 20;
  setting.change_train_rows = [](data::Dataset& rows) {
    rows = changed(rows, [](size_t, data::Example& example) {
      example.weights.assign(example.ids.size(), 3e38F);
    });
  };
  EXPECT_USER_ERROR(train_in(folder / "run", setting), "step 10: the loss is inf");
  fs::remove_all(folder / "run");
  EXPECT_USER_ERROR(train_in(folder / "run", setting), "after 9 setbacks in a row");
}

TEST(Rollback, GoesBackToTheCheckpointWithoutTheRows) {
  TemporaryFolder folder;
  auto setting = with_a_bad_row(OnNonfinite::kRollback);
  setting.training.save_steps = 5;
  const auto trained = train_in(folder / "run", setting);
  EXPECT_THAT(dropped_steps(trained), ElementsAre(3)) << "in the second epoch the row is left out";
  EXPECT_THAT(column(trained.metrics, "rolled_back_to"), ElementsAre(0));
  EXPECT_EQ(trained.result.setbacks.rollbacks, 1);
  EXPECT_THAT(trained.result.setbacks.excluded_rows, ElementsAre(4));
  EXPECT_THAT(trained.said, Contains(HasSubstr("going on with the weights of step 0")));
  fs::remove_all(folder / "run");
  train_in(folder / "run", setting, /*resume=*/false, /*stop_after=*/3);
  const auto bytes = [&](const char* name) {
    return read_file(folder / str("run/checkpoints/", name));
  };
  EXPECT_EQ(bytes("step-000003/weights.safetensors"), bytes("step-000000/weights.safetensors"));
  EXPECT_EQ(bytes("step-000003/optimizer.safetensors"), bytes("step-000000/optimizer.safetensors"));
}

TEST(Rollback, ResumesExactly) {
  TemporaryFolder folder;
  auto setting = with_a_bad_row(OnNonfinite::kRollback);
  setting.training.save_total_limit = 1;
  for (const int64_t save_steps : {2, 4, 0}) {
    setting.training.save_steps = save_steps;
    const auto whole = train_in(folder / str("whole-", save_steps), setting);
    for (const int64_t stop_after : {1, 2, 3, 5, 9}) {
      const auto path = folder / str("stopped-", save_steps, "-", stop_after);
      train_in(path, setting, /*resume=*/false, stop_after);
      const auto resumed = train_in(path, setting, /*resume=*/true);
      expect_same_bits(whole, resumed);
      EXPECT_THAT(resumed.result.setbacks.excluded_rows, ElementsAre(4));
    }
  }
}

TEST(Rollback, GivesUpOnARunThatComesApart) {
  TemporaryFolder folder;
  auto setting = with_a_bad_row(OnNonfinite::kRollback);
  setting.change_train_rows = {};
  setting.training.learning_rate = 1e30;
  EXPECT_USER_ERROR(train_in(folder / "run", setting), "after 2 setbacks in a row");
}

TEST(NonFinite, ADamagedBaseWeightStopsUnderEveryPolicy) {
  for (const auto policy : {OnNonfinite::kStop, OnNonfinite::kSkip, OnNonfinite::kRollback}) {
    TemporaryFolder folder;
    auto setting = with_a_bad_row(policy);
    setting.change_train_rows = {};
    setting.change_model = [](model::CausalLm& model) {
      const at::NoGradGuard no_grad;
      model.linears()[3]->weight.dense()[0][0].fill_(std::numeric_limits<float>::quiet_NaN());
    };
    EXPECT_USER_ERROR(
        train_in(folder / "run", setting),
        "the output of model.layers.0.self_attn.o_proj (float32) is not a number; the "
        "weight model.layers.0.self_attn.o_proj.weight (float32) is not a number");
  }
}

// Thirty steps on one row bring its loss down; then another row comes.
TEST(Spike, NamesStepAndRow) {
  TemporaryFolder folder;
  Setting setting;
  setting.training = {
      .max_steps = 33, .per_device_train_batch_size = 1, .learning_rate = 3e-2, .save_steps = 0};
  setting.training.lr_scheduler_type = Schedule::kConstant;
  setting.data = {.max_length = 16, .packing = false, .shuffle = false};
  setting.adapter = {.type = model::AdapterType::kNone};
  setting.train_rows = 33;
  setting.change_train_rows = [](data::Dataset& rows) {
    const auto first = rows.examples[0];
    rows = changed(rows, [&](size_t i, data::Example& example) {
      if (i >= 30) return;
      example.ids = first.ids;
      example.labels = first.labels;
    });
  };
  const auto trained = train_in(folder / "run", setting);
  EXPECT_THAT(trained.said, Contains(HasSubstr("is a spike: the median before it is ")));
  EXPECT_THAT(trained.said, Contains(HasSubstr("highest in rows.jsonl row 30 (loss ")));
  EXPECT_THAT(trained.said, Contains(HasSubstr("largest gradient: model.")));
  EXPECT_THAT(trained.said, Not(Contains(HasSubstr("step 30: "))));
}

}  // namespace
}  // namespace tunewright::train
