#include "tunewright/train/plan/memory.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::train {
namespace {

using model::AdapterType;

// What trains, as counts of numbers.
struct Trained {
  double matrices = 0;    // of blocks, and an adapter's
  double others = 0;      // norms and biases
  double embeddings = 0;  // and an own head

  double all() const { return matrices + others + embeddings; }
};

Trained trained_numbers(const model::ModelSize& size, const Recipe& recipe) {
  const auto number = [](int64_t count) { return static_cast<double>(count); };
  switch (recipe.adapter.type) {
    case AdapterType::kLora:
      return {.matrices = number(size.blocks * size.block_lora)};
    case AdapterType::kNone:
      return {.matrices = number(size.blocks * size.block_matrix),
              .others = number(size.blocks * size.block_other + size.outside),
              .embeddings = number(size.embedding * (size.own_head ? 2 : 1))};
    case AdapterType::kFreeze:
      break;
  }
  const int64_t blocks = std::min(size.blocks, recipe.adapter.trainable_layers);
  return {.matrices = number(blocks * size.block_matrix),
          .others = number(blocks * size.block_other + size.outside),
          .embeddings = number(size.own_head ? size.embedding : 0)};
}

double state_bytes(const Trained& trained, const TrainOptions& options) {
  constexpr double kTwo = 8, kOne = 4, kTwoIn8Bits = 2;  // bytes a number
  const double rest = trained.others + trained.embeddings;
  switch (options.optim) {
    case OptimizerKind::kAdamW:
      return kTwo * trained.all();
    case OptimizerKind::kAdamW8bit:
      return kTwoIn8Bits * trained.matrices + kTwo * rest;
    case OptimizerKind::kAdafactor:
      return 0;
    case OptimizerKind::kLion:
      return kOne * trained.all();
    case OptimizerKind::kMuon:
      return kOne * trained.matrices + kTwo * rest;
    case OptimizerKind::kSgd:
      return options.momentum.value_or(0) > 0 ? kOne * trained.all() : 0;
  }
  return 0;
}

double master_bytes(const Trained& trained, const model::ModelSize& size, const Recipe& recipe) {
  const bool half = size.dtype_bytes < 4 && recipe.adapter.type != AdapterType::kLora;
  const bool kept = recipe.training.bf16_update == BFloat16Update::kMasters;
  return half && kept ? 4 * trained.all() : 0;
}

// That a block keeps of a token.
double block_activations(const model::ModelSize& size, bool lora) {
  const double inner = lora ? 2 : 3;  // gate and up; their product is computed again with LoRA
  const double kept = 4.0 * double(size.hidden) + 2.0 * double(size.query) +
                      2.0 * double(size.key) + inner * double(size.inner);
  return double(size.dtype_bytes) * kept + (lora ? 4.0 * double(size.block_inputs) : 0.0);
}

double activations(const model::ModelSize& size, const Recipe& recipe,
                   const data::PassLayout& pass) {
  const auto counts = block_counts(size.blocks, recipe);
  const double block = block_activations(size, recipe.adapter.type == AdapterType::kLora);
  const double inputs = double(size.dtype_bytes * size.hidden) * double(counts.checkpointed);
  const double again = counts.checkpointed > 0 && counts.plain == 0 ? block : 0;
  return double(pass.tokens) * (block * double(counts.plain) + inputs + again);
}

// Of the chunk in which the loss is computed: see ops::linear_cross_entropy_sum.
double logits(const model::ModelSize& size, const data::PassLayout& pass) {
  constexpr int64_t kChunk = 16 << 20;
  const int64_t rows = std::clamp<int64_t>(kChunk / std::max<int64_t>(1, size.vocabulary), 16, 512);
  return 4.0 * double(std::min(rows, pass.targets)) * double(size.vocabulary);
}

}  // namespace

double MemoryFloor::total(bool several_passes) const {
  const double pass = several_passes ? gradients + activations : std::max(gradients, activations);
  return weights + trained + pass + snapshot;
}

BlockCounts block_counts(int64_t blocks, const Recipe& recipe) {
  const bool freeze = recipe.adapter.type == AdapterType::kFreeze;
  const int64_t trained = freeze ? std::min(blocks, recipe.adapter.trainable_layers) : blocks;
  const int64_t frozen = blocks - trained;
  const int64_t asked = std::min(blocks, checkpointed_blocks(recipe.training));
  const int64_t checkpointed = std::max<int64_t>(0, asked - frozen);
  return {.frozen = frozen, .checkpointed = checkpointed, .plain = trained - checkpointed};
}

Recipe with_blocks(Recipe recipe, const BlockCounts& counts) {
  recipe.model.first_blocks = counts.total();
  const int64_t again = counts.checkpointed > 0 ? counts.frozen + counts.checkpointed : 0;
  recipe.training.gradient_checkpointing = again;
  if (recipe.adapter.type == AdapterType::kFreeze)
    recipe.adapter.trainable_layers = counts.checkpointed + counts.plain;
  return recipe;
}

Load load_of(const RunLayout& layout) {
  Load load{.several_passes = layout.several_passes(),
            .saves_while_training = layout.saves_while_training};
  for (const auto& step : layout.steps) {
    for (const auto& pass : step) {
      const auto size = [](const data::PassLayout& p) { return std::pair(p.tokens, p.targets); };
      if (size(pass) > size(load.largest)) load.largest = pass;
    }
  }
  return load;
}

MemoryFloor memory_floor(const model::ModelSize& size, const Recipe& recipe, const Load& load) {
  const auto trained = trained_numbers(size, recipe);
  const bool lora = recipe.adapter.type == AdapterType::kLora;
  const double kept = state_bytes(trained, recipe.training) + master_bytes(trained, size, recipe);
  const double number_bytes = lora ? 4.0 : double(size.dtype_bytes);
  return {.weights = size.weight_bytes(),
          .trained = kept + (lora ? 4 * trained.all() : 0),
          .gradients = 4 * trained.all(),
          .activations = activations(size, recipe, load.largest) + logits(size, load.largest),
          .snapshot = load.saves_while_training ? kept + number_bytes * trained.all() : 0};
}

void require_memory(const MemoryFloor& floor, const Load& load, int64_t resident, int64_t usable) {
  const double need = floor.total(load.several_passes) + double(resident);
  const double have = double(usable) + double(resident);
  if (need <= have) return;
  throw UserError(str(
      "memory: this run needs at least ", human_bytes(need), " (weights ",
      human_bytes(floor.weights), ", adapter and optimizer ", human_bytes(floor.trained),
      ", gradients ", human_bytes(floor.gradients), ", activations of the largest pass of ",
      load.largest.tokens, " tokens ", human_bytes(floor.activations),
      floor.snapshot > 0 ? str(", a checkpoint's copy ", human_bytes(floor.snapshot)) : "",
      "), and ", human_bytes(have), " are there. Lower training.tokens_per_pass, set ",
      "training.gradient_checkpointing: true or model.quantization: nf4; `tunewright plan CONFIG ",
      "--fit ", int64_t(std::floor(have / double(1 << 20))),
      "MiB` finds what fits. --force starts nevertheless"));
}

}  // namespace tunewright::train
