#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/train/options.h"

// How the weights change in a step: one rule for each training.optim, behind one interface.
namespace tunewright::train {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// A trainable tensor with what the step needs besides the optimizer's own state.
struct Weight {
  std::string name;
  at::Tensor parameter;
  // float32: the parameter itself, or what it is the rounded copy of; undefined: the parameter is
  // bfloat16 and rounded stochastically.
  at::Tensor master;
  at::Tensor gradient_sum;  // float32, of a half-precision parameter; undefined: none yet
  bool decay = true;
  bool embedding = false;  // or an output head
  bool half() const { return parameter.scalar_type() != at::kFloat; }
  at::Tensor gradient() const { return half() ? gradient_sum : parameter.grad(); }
};
using Weights = std::vector<Weight*>;  // borrowed for as long as the rule lives

struct Step {
  int64_t number = 1;  // from 1
  double learning_rate = 0;
  double gradient_scale = 1;  // gradients are multiplied by it
  uint64_t seed = 0;          // of stochastic rounding
};

class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  // Changes the weights that have a gradient, and the rounded parameters with them.
  virtual void update(const Step& step) = 0;
  // The live tensors of the state under names.
  virtual NamedTensors state() const = 0;
};

std::unique_ptr<UpdateRule> make_adamw(Weights weights, const TrainOptions& options);
std::unique_ptr<UpdateRule> make_adamw_8bit(Weights weights, const TrainOptions& options);
std::unique_ptr<UpdateRule> make_adafactor(Weights weights, const TrainOptions& options);
std::unique_ptr<UpdateRule> make_lion(Weights weights, const TrainOptions& options);
std::unique_ptr<UpdateRule> make_muon(Weights weights, const TrainOptions& options);
std::unique_ptr<UpdateRule> make_sgd(Weights weights, const TrainOptions& options);

// The polar factor of a matrix, roughly: five Newton-Schulz steps of torch.optim.Muon, whose
// singular values end near 1.  matrix [R, C] -> [R, C] in `dtype`, which the products are done in.
at::Tensor orthogonalised(const at::Tensor& matrix, at::ScalarType dtype);

}  // namespace tunewright::train
