#pragma once
#include <cstdint>

#include "ATen/core/Tensor.h"

// The definitions of the element-wise updates by tensor operations, on any device: what runs where
// the fused passes do not, and their oracle.  All tensors are float32 of one shape.
namespace tunewright::train::plain {

struct Adamw {
  double learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weight_decay = 0;
  int64_t step = 1;  // from 1
};
// torch.optim.AdamW (Loshchilov and Hutter 2019).
void adamw_(at::Tensor& values, const at::Tensor& gradient, at::Tensor& mean, at::Tensor& square,
            const Adamw& options);

struct Lion {
  double learning_rate = 0, beta1 = 0, beta2 = 0, weight_decay = 0;
};
// Chen et al. (2023), algorithm 2.
void lion_(at::Tensor& values, const at::Tensor& gradient, at::Tensor& mean, const Lion& options);

struct Sgd {
  double learning_rate = 0, momentum = 0, weight_decay = 0;
};
// torch.optim.SGD; `velocity` is undefined without momentum.
void sgd_(at::Tensor& values, const at::Tensor& gradient, at::Tensor& velocity, const Sgd& options);

// An 8-bit tensor in blocks of 256 numbers: codes [numbers] uint8 of a dynamic map, largest
// [blocks] float32, the last block perhaps shorter.
struct Quantized {
  at::Tensor codes, largest;
};
at::Tensor dequantize(const Quantized& state, bool with_sign);  // [numbers] float32
void quantize_(Quantized& state, const at::Tensor& values, bool with_sign);

}  // namespace tunewright::train::plain
