#pragma once
#include <functional>
#include <optional>

#include "tunewright/train/optimizers/rule.h"

// How a rule reaches the numbers: piece by piece over all weights at once, or tensor by tensor.
namespace tunewright::train {

// Consecutive numbers of one weight, in cache.  `index` is the weight's, `begin` a multiple of
// kPiece.
inline constexpr int64_t kPiece = 4096;
struct Piece {
  size_t index;
  int64_t begin, size;
  float* values;          // to be changed
  const float* gradient;  // not yet scaled
};

// Whether for_pieces() takes these weights: all on the CPU.
bool on_host(const Weights& weights);

// Calls body for all pieces of the weights that have a gradient, in parallel, each piece once, and
// rounds what it left to the half-precision parameter in the same pass.
void for_pieces(const Weights& weights, const Step& step,
                const std::function<void(const Piece&)>& body);

// Calls body(values, gradient) with float32 tensors, the gradient scaled, for each weight that has
// a gradient; what it leaves in `values` is the weight.
void for_tensors(
    const Weights& weights, const Step& step,
    const std::function<void(size_t index, at::Tensor& values, const at::Tensor& gradient)>& body);

// The weights that have a gradient, all at once: float32 tensors as ATen's fused optimizers take
// them.
struct Tensors {
  std::vector<size_t> indices;                // of the weights
  std::vector<at::Tensor> values, gradients;  // gradients not yet scaled
};
// Calls body(tensors) for the weights that decay, then for those that do not, where there are any;
// what it leaves in the values is the weights.
void for_all_tensors(const Weights& weights, const Step& step,
                     const std::function<void(const Tensors& tensors)>& body);
// What tensors.indices selects of `all`.
std::vector<at::Tensor> selected(const std::vector<at::Tensor>& all, const Tensors& tensors);
// What ATen's fused optimizers divide gradients by, so that they are scaled by `scale`: a number on
// the device of `like`; none where the scale is 1.
std::optional<at::Tensor> gradient_divisor(double scale, const at::Tensor& like);

// float32 zeros [shape of the weight] on its device, for each weight.
std::vector<at::Tensor> zeros_for(const Weights& weights);

// "prefix.NAME" for each weight's tensor; undefined ones are left out.
void append_named(NamedTensors& named, const std::string& prefix, const Weights& weights,
                  const std::vector<at::Tensor>& tensors);

// One rule for some weights, another for the rest.
std::unique_ptr<UpdateRule> both(std::unique_ptr<UpdateRule> first,
                                 std::unique_ptr<UpdateRule> second);

}  // namespace tunewright::train
