#pragma once
#include "ATen/core/Tensor.h"

// swiglu() and its gradient without a graph, for operations that contain it.
// Contiguous tensors that have a row kernel.
namespace tunewright::ops {

at::Tensor swiglu_rows(const at::Tensor& gate, const at::Tensor& up);

struct SwigluGradients {
  at::Tensor gate, up;
};
SwigluGradients swiglu_backward_rows(const at::Tensor& dy, const at::Tensor& gate,
                                     const at::Tensor& up);

}  // namespace tunewright::ops
