#include "tunewright/train/schedule.h"

#include "tunewright/base/fields.h"
#include "tunewright/base/test.h"

namespace tunewright::train {
namespace {

using tunewright::testing::source_path;

TrainOptions options_of(const Json& golden) {
  Json given = Json::object();
  for (const auto* key : {"lr_scheduler_type", "warmup_ratio", "min_lr_ratio", "decay_ratio"})
    given[key] = golden[key];
  return from_json<TrainOptions>(given, "training");
}

// The same formulas in double precision: only the order of operations differs.
TEST(Schedule, FactorsAreThoseOfTransformers) {
  const auto golden = read_json(source_path("tests/golden/schedules.json"));
  ASSERT_GE(golden["cases"].size(), 60U);
  for (const auto& expected : golden["cases"]) {
    const auto options = options_of(expected);
    const auto& factors = expected["factors"];
    for (size_t step = 0; step < factors.size(); ++step) {
      EXPECT_NEAR(schedule_factor(options, static_cast<int64_t>(step), expected["total_steps"]),
                  factors[step].get<double>(), 1e-12)
          << expected["lr_scheduler_type"] << " warmup " << expected["warmup_ratio"] << " of "
          << expected["total_steps"] << ", step " << step;
    }
  }
}

TEST(Schedule, WarmupStepsWinOverTheRatio) {
  EXPECT_EQ(warmup_steps({.warmup_ratio = 0.5, .warmup_steps = 3}, 100), 3);
  EXPECT_EQ(warmup_steps({.warmup_ratio = 0.03}, 100), 3);
  EXPECT_EQ(warmup_steps({.warmup_ratio = 0.03}, 34), 2);
  EXPECT_EQ(warmup_steps({.lr_scheduler_type = Schedule::kConstant, .warmup_ratio = 0.5}, 100), 0);
}

TEST(TrainOptions, ValuesOutsideTheirLimitsAreNamed) {
  EXPECT_USER_ERROR(validate({.per_device_train_batch_size = 0}),
                    "training.per_device_train_batch_size: must be at least 1, got 0");
  EXPECT_USER_ERROR(validate({.learning_rate = -1e-4}),
                    "training.learning_rate: must be 0 or more, got -0.0001");
  EXPECT_USER_ERROR(validate({.num_train_epochs = 0}), "training.num_train_epochs");
  EXPECT_USER_ERROR(validate({.warmup_ratio = 1.5}),
                    "training.warmup_ratio: must be between 0 and 1, got 1.5");
  EXPECT_USER_ERROR(validate({.adam_beta2 = 1.0}), "training.adam_beta2");
  EXPECT_USER_ERROR(validate({.momentum = 1.0}),
                    "training.momentum: must be at least 0 and below 1, got 1");
  EXPECT_USER_ERROR(validate({.gradient_checkpointing = -1}),
                    "training.gradient_checkpointing: must be true, false or a number of blocks");
  EXPECT_USER_ERROR(validate({.gradient_checkpointing = "all"}), "got \"all\"");
  validate({});
  validate({.num_train_epochs = 0, .max_steps = 5});
}

TEST(TrainOptions, CheckpointingIsSwitchedOrCounted) {
  EXPECT_EQ(checkpointed_blocks({}), 0);
  EXPECT_EQ(checkpointed_blocks({.gradient_checkpointing = 3}), 3);
  EXPECT_GT(checkpointed_blocks({.gradient_checkpointing = true}), 1000);
}

TEST(TrainOptions, OptimizersHaveTheNamesOfTransformersToo) {
  const auto optim = [](const char* name) {
    return from_json<TrainOptions>({{"optim", name}}, "training").optim;
  };
  EXPECT_EQ(optim("adamw_torch_fused"), OptimizerKind::kAdamW);
  EXPECT_EQ(optim("adamw_bnb_8bit"), OptimizerKind::kAdamW8bit);
  EXPECT_USER_ERROR(optim("adamw8bit"), "did you mean 'adamw_8bit'?");
  EXPECT_EQ(to_json_object(TrainOptions{.optim = OptimizerKind::kLion})["optim"], "lion");
}

TEST(TrainOptions, AMisspeltKeyOrChoiceNamesTheNearest) {
  EXPECT_USER_ERROR(from_json<TrainOptions>({{"learning_rat", 1e-4}}, "training"),
                    "did you mean 'learning_rate'?");
  EXPECT_USER_ERROR(from_json<TrainOptions>({{"lr_scheduler_type", "cosin"}}, "training"),
                    "did you mean 'cosine'?");
}

}  // namespace
}  // namespace tunewright::train
