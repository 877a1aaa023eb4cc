#include "tunewright/train/plan/memory.h"

#include "tunewright/base/test.h"

namespace tunewright::train {
namespace {

// Round numbers: 2 blocks of 1000 matrix numbers, an embedding of 400.
model::ModelSize small_size() {
  return {.blocks = 2,
          .hidden = 10,
          .inner = 20,
          .query = 10,
          .key = 5,
          .vocabulary = 40,
          .embedding = 400,
          .block_matrix = 1000,
          .block_other = 30,
          .outside = 10,
          .block_lora = 50,
          .block_inputs = 7,
          .dtype_bytes = 4,
          .matrix_bytes = 4};
}

Recipe recipe_of(model::AdapterType type) {
  Recipe recipe;
  recipe.adapter.type = type;
  return recipe;
}

const Load kLoad = {.largest = {.tokens = 100, .targets = 3}};

TEST(BlockCounts, FollowFreezingAndCheckpointing) {
  auto recipe = recipe_of(model::AdapterType::kLora);
  EXPECT_EQ(block_counts(8, recipe), (BlockCounts{.plain = 8}));
  recipe.training.gradient_checkpointing = true;
  EXPECT_EQ(block_counts(8, recipe), (BlockCounts{.checkpointed = 8}));
  recipe.training.gradient_checkpointing = 3;
  EXPECT_EQ(block_counts(8, recipe), (BlockCounts{.checkpointed = 3, .plain = 5}));
  recipe.adapter = {.type = model::AdapterType::kFreeze, .trainable_layers = 6};
  EXPECT_EQ(block_counts(8, recipe), (BlockCounts{.frozen = 2, .checkpointed = 1, .plain = 5}));
  recipe.training.gradient_checkpointing = 1;  // a frozen block keeps nothing anyway
  EXPECT_EQ(block_counts(8, recipe), (BlockCounts{.frozen = 2, .plain = 6}));
}

TEST(BlockCounts, ARecipeForSomeBlocksHasThem) {
  for (const auto type : {model::AdapterType::kLora, model::AdapterType::kFreeze}) {
    const int64_t frozen = type == model::AdapterType::kFreeze ? 1 : 0;
    for (const auto& counts : {BlockCounts{.frozen = frozen, .checkpointed = 2, .plain = 3},
                               BlockCounts{.frozen = frozen, .plain = 1},
                               BlockCounts{.frozen = frozen, .checkpointed = 1}}) {
      const auto recipe = with_blocks(recipe_of(type), counts);
      EXPECT_EQ(recipe.model.first_blocks, counts.total());
      EXPECT_EQ(block_counts(counts.total(), recipe), counts);
    }
  }
}

TEST(MemoryFloor, LoraKeepsLittleBesideTheWeights) {
  const auto floor = memory_floor(small_size(), recipe_of(model::AdapterType::kLora), kLoad);
  EXPECT_EQ(floor.weights, 4 * (400 + 10 + 2 * 1030));
  EXPECT_EQ(floor.trained, 100 * (4 + 8));  // the adapter and AdamW's two moments
  EXPECT_EQ(floor.gradients, 100 * 4);
  const double block = 4.0 * (4 * 10 + 2 * 10 + 2 * 5 + 2 * 20) + 4 * 7;
  EXPECT_EQ(floor.activations, 100 * 2 * block + 4 * 3 * 40);
  EXPECT_EQ(floor.snapshot, 0);
}

TEST(MemoryFloor, FullFineTuningInHalfPrecisionKeepsMasters) {
  auto size = small_size();
  size.dtype_bytes = 2;
  size.matrix_bytes = 2;
  auto recipe = recipe_of(model::AdapterType::kNone);
  const double numbers = 400 + 10 + 2 * 1030;
  auto load = kLoad;
  load.saves_while_training = true;
  auto floor = memory_floor(size, recipe, load);
  EXPECT_EQ(floor.weights, 2 * numbers);
  EXPECT_EQ(floor.trained, (4 + 8) * numbers);
  EXPECT_EQ(floor.snapshot, (2 + 4 + 8) * numbers);
  recipe.training.bf16_update = BFloat16Update::kStochasticRounding;
  EXPECT_EQ(memory_floor(size, recipe, load).trained, 8 * numbers);
  recipe.training.optim = OptimizerKind::kAdamW8bit;
  EXPECT_EQ(memory_floor(size, recipe, load).trained, 2 * 2000 + 8 * (60 + 10 + 400));
  recipe.training.optim = OptimizerKind::kSgd;
  EXPECT_EQ(memory_floor(size, recipe, load).trained, 0);
}

TEST(MemoryFloor, CheckpointingKeepsInputsAndOneBlock) {
  auto recipe = recipe_of(model::AdapterType::kNone);
  recipe.training.gradient_checkpointing = true;
  const double block = 4.0 * (4 * 10 + 2 * 10 + 2 * 5 + 3 * 20);
  EXPECT_EQ(memory_floor(small_size(), recipe, kLoad).activations,
            100 * (block + 2 * 4 * 10) + 4 * 3 * 40);
}

TEST(MemoryFloor, GradientsLieBesideALaterPass) {
  const MemoryFloor floor{.weights = 1, .trained = 2, .gradients = 30, .activations = 40};
  EXPECT_EQ(floor.total(/*several_passes=*/false), 43);
  EXPECT_EQ(floor.total(/*several_passes=*/true), 73);
}

TEST(RequireMemory, RefusesWithFiguresAndANextStep) {
  constexpr int64_t kMiB = 1 << 20;
  const MemoryFloor floor{.weights = 900.0 * kMiB, .activations = 200.0 * kMiB};
  EXPECT_NO_THROW(require_memory(floor, kLoad, 50 * kMiB, 1100 * kMiB));
  for (const auto* part : {"needs at least 1.12 GiB", "weights 900.00 MiB", "100 tokens 200.00 MiB",
                           "1.07 GiB are there", "--fit 1099MiB", "--force"}) {
    EXPECT_USER_ERROR(require_memory(floor, kLoad, 50 * kMiB, 1049 * kMiB), part);
  }
}

}  // namespace
}  // namespace tunewright::train
