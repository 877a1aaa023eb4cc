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

// Tokens of a pass of an evaluation, which is always split: it has no gradient to keep whole.
int64_t evaluation_pass_tokens(int64_t tokens_per_pass);

// Summed loss of one pass through the model; a float32 scalar.  The batch must have targets.
at::Tensor loss_sum(model::CausalLm& model, Objective objective, const data::Batch& batch);

}  // namespace tunewright::train
