#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

struct Weight;
class UpdateRule;

// The optimizer that `options.optim` names, for all parameters of a model.  Gradients, arithmetic
// and state are float32 (adamw_8bit keeps large states in 8 bits).  A half-precision parameter is
// the rounded copy of a float32 master or, as `options.bf16_update` asks, rounded up or down at
// random with the right expectation; either way small updates are not lost.
class Optimizer {
 public:
  Optimizer(const std::vector<model::Parameter>& parameters, const TrainOptions& options);
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;
  ~Optimizer();

  // Takes what a backward pass left in .grad of `parameters`: the model's own or a replica's.
  void collect_gradients(const std::vector<model::Parameter>& parameters);
  // Of the parameters that have one; float32 for half-precision parameters.
  std::vector<at::Tensor> gradients() const;
  // One step with the gradients times `gradient_scale`; they are used up.
  void update(double learning_rate, double gradient_scale = 1.0);
  void clear_gradients();

  // The live tensors of the state under names; writing into them restores it.
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  int64_t updates() const { return updates_; }
  void set_updates(int64_t updates) { updates_ = updates; }

 private:
  std::vector<Weight> weights_;  // never resized: the rule points into it
  std::unique_ptr<UpdateRule> rule_;
  uint64_t seed_;
  int64_t updates_ = 0;
};

// Euclidean norm of all gradients together: a float32 scalar on their device; 0 of none.
at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients);

// What scales gradients of this norm down to `max_norm`, as torch.nn.utils.clip_grad_norm_ does; 1
// where they are smaller, or max_norm is 0.
double clip_scale(double norm, double max_norm);

}  // namespace tunewright::train
