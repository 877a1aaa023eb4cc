#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/data/batch.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/objectives/objective.h"

namespace tunewright::train {

// A pass of a step whose loss or gradient is not finite.
struct SuspectPass {
  const data::Batch& batch;  // borrowed
  uint64_t dropout_seed;     // that it ran with
};

// Where a number that is not finite came from.
struct Finding {
  std::string where;          // "the output of model.layers.1.mlp.down_proj (bfloat16) is infinite"
  std::vector<int64_t> rows;  // ledger lines of the examples that have such numbers, in order
  enum class BadWeight { kNone, kTrained, kFrozen };
  BadWeight bad_weight = BadWeight::kNone;  // else no row is to blame
};

// Runs the passes again with a check on every layer's output and on its gradient, in the order of
// the computation.  `weight` is the step's divisor of the loss.  Slow: it waits for the device at
// every layer.  The gradients (.grad) of the model are cleared before and after.
Finding diagnose(model::CausalLm& model, Objective objective, std::span<const SuspectPass> passes,
                 double weight);

// Losses of the examples of a pass, highest first, made by running it again without gradient.
struct RowLoss {
  int64_t row;  // ledger line
  double loss;  // mean over the weights of its targets
};
std::vector<RowLoss> row_losses(model::CausalLm& model, Objective objective,
                                const SuspectPass& pass);

// "float32", "bfloat16", ….
std::string dtype_word(at::ScalarType dtype);

}  // namespace tunewright::train
