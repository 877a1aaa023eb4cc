#include "tunewright/train/optimizers/plain.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "tunewright/ops/device.h"
#include "tunewright/ops/update_kernels.h"

namespace tunewright::train::plain {
namespace {

using ops::kernels::kQuantizedBlock;

at::Tensor map_values(bool with_sign, at::Device device) {
  auto* values = const_cast<float*>(ops::kernels::dynamic_map(with_sign));  // only read
  return ops::to_device(at::from_blob(values, {256}, at::kFloat), device);
}

// [numbers] -> [blocks, 256], filled up with zeros.
at::Tensor blocks_of(const at::Tensor& x) {
  const int64_t missing = (kQuantizedBlock - x.numel() % kQuantizedBlock) % kQuantizedBlock;
  return at::constant_pad_nd(x.flatten(), {0, missing}).view({-1, kQuantizedBlock});
}

}  // namespace

void adamw_(at::Tensor& values, const at::Tensor& gradient, at::Tensor& mean, at::Tensor& square,
            const Adamw& options) {
  const auto t = static_cast<double>(options.step);
  const double correction1 = 1 - std::pow(options.beta1, t),
               correction2 = 1 - std::pow(options.beta2, t);
  values.mul_(1 - options.learning_rate * options.weight_decay);
  mean.lerp_(gradient, 1 - options.beta1);
  square.mul_(options.beta2).addcmul_(gradient, gradient, 1 - options.beta2);
  const auto root = (square.sqrt() / std::sqrt(correction2)).add_(options.epsilon);
  values.addcdiv_(mean, root, -options.learning_rate / correction1);
}

void lion_(at::Tensor& values, const at::Tensor& gradient, at::Tensor& mean, const Lion& options) {
  const auto direction = mean * options.beta1 + gradient * (1 - options.beta1);
  values.mul_(1 - options.learning_rate * options.weight_decay);
  values.sub_(direction.sign(), options.learning_rate);
  mean.mul_(options.beta2).add_(gradient, 1 - options.beta2);
}

void sgd_(at::Tensor& values, const at::Tensor& gradient, at::Tensor& velocity,
          const Sgd& options) {
  auto push = gradient + values * options.weight_decay;
  if (velocity.defined()) push = velocity.mul_(options.momentum).add_(push);
  values.sub_(push, options.learning_rate);
}

at::Tensor dequantize(const Quantized& state, bool with_sign) {
  const auto map = map_values(with_sign, state.codes.device());
  const auto shares = blocks_of(map.index_select(0, state.codes.flatten().to(at::kInt)));
  return (shares * state.largest.unsqueeze(1)).flatten().slice(0, 0, state.codes.numel());
}

void quantize_(Quantized& state, const at::Tensor& values, bool with_sign) {
  const auto map = map_values(with_sign, values.device());
  const auto midpoints = (map.slice(0, 1) + map.slice(0, 0, -1)) / 2;
  const auto blocks = blocks_of(values);
  state.largest.copy_(blocks.abs().amax(1));
  const auto divisor = at::where(state.largest > 0, state.largest, at::ones_like(state.largest));
  const auto codes = at::bucketize(blocks / divisor.unsqueeze(1), midpoints);
  state.codes.copy_(codes.flatten().slice(0, 0, values.numel()).view_as(state.codes));
}

}  // namespace tunewright::train::plain
