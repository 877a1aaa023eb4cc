#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

// AdamW with decoupled decay (Loshchilov and Hutter 2019), as torch.optim.AdamW computes it, for
// all parameters of a model.  State, gradients and arithmetic are float32: a half-precision
// parameter has a float32 master, of which it is the rounded copy, and float32 sums of its
// gradients.
class AdamW {
 public:
  AdamW(std::vector<model::Parameter> parameters, const TrainOptions& options);

  // Takes what the last backward pass left in .grad of the half-precision parameters.
  void collect_gradients();
  // Of the parameters that have one; float32 for half-precision parameters.
  std::vector<at::Tensor> gradients() const;
  // One step; the gradients are used up.
  void update(double learning_rate);
  void clear_gradients();

  // The live tensors of the state under names; writing into them restores it.
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  int64_t updates() const { return updates_; }
  void set_updates(int64_t updates) { updates_ = updates; }

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter, master;  // the same tensor for a float32 parameter
    at::Tensor gradient_sum;       // half precision only; undefined: none yet
    at::Tensor mean, mean_square;  // of the gradients
    bool decay = true;
    bool half() const { return !master.is_same(parameter); }
    at::Tensor gradient() const { return half() ? gradient_sum : parameter.grad(); }
  };

  std::vector<Slot> slots_;
  double beta1_, beta2_, epsilon_, weight_decay_;
  int64_t updates_ = 0;
};

// Euclidean norm of all gradients together: a float32 scalar on their device; 0 of none.
at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients);

// Scales the gradients down to `max_norm` as torch.nn.utils.clip_grad_norm_ does, given their norm;
// 0: off.
void clip_to_norm_(const std::vector<at::Tensor>& gradients, double norm, double max_norm);

}  // namespace tunewright::train
