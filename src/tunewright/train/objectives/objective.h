#pragma once
#include "ATen/core/Tensor.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

// What the rows of `hidden` are to predict.  M targets.
struct Targets {
  at::Tensor positions;  // [M] int64: tokens after which they stand
  at::Tensor labels;     // [M] int64
  at::Tensor weights;    // [M] float32
};

// hidden [M, D] at the targets' positions, head [V, D] -> the SUM of the losses, a float32 scalar.
// The trainer alone divides, by the weights of the whole optimizer step.
using Objective = at::Tensor (*)(const at::Tensor& hidden, const at::Tensor& head,
                                 const Targets& targets);

Objective objective_of(ObjectiveKind kind);

// Weighted negative log-likelihood of the labels.
at::Tensor supervised_loss_sum(const at::Tensor& hidden, const at::Tensor& head,
                               const Targets& targets);

}  // namespace tunewright::train
