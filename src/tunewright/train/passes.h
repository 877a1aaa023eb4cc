#pragma once
#include <vector>

#include "tunewright/data/batch.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/objectives/objective.h"

namespace tunewright::train {

// The tensors of a batch, on `device`.
model::PackedInput to_input(const data::Batch& batch, at::Device device);
Targets to_targets(const data::Batch& batch, at::Device device);

// Of a pass of a step (both from 0).  A function of its arguments alone, so that a resumed run
// draws the masks of the uninterrupted one.
uint64_t dropout_seed(int64_t seed, int64_t step, size_t pass);

// While it lives, a stop that is requested ends a pass of the model at its next block, forward or
// backward, by an Interrupted; gradients are then incomplete.
class Stoppable {
 public:
  explicit Stoppable(model::CausalLm& model);  // borrowed
  ~Stoppable() { model_.set_between_blocks({}); }
  Stoppable(const Stoppable&) = delete;
  Stoppable& operator=(const Stoppable&) = delete;

 private:
  model::CausalLm& model_;
};

// Tokens of a pass of an evaluation, which is always split: it has no gradient to keep whole.
int64_t evaluation_pass_tokens(int64_t tokens_per_pass);

// Summed supervised loss of a pass without gradient, its parts computed side by side.
double evaluation_loss_sum(model::CausalLm& model, const data::Batch& pass);

// Summed loss of one pass through the model; a float32 scalar.  The batch must have targets.
at::Tensor loss_sum(model::CausalLm& model, Objective objective, const data::Batch& batch);

}  // namespace tunewright::train
