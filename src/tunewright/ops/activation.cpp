#include "tunewright/ops/activation.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "tunewright/base/error.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/rows.h"

namespace tunewright::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Swiglu : torch::autograd::Function<Swiglu> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate, const at::Tensor& up) {
    ctx->save_for_backward({gate, up});
    return swiglu_rows(gate, up);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto result = swiglu_backward_rows(grads[0].contiguous(), saved[0], saved[1]);
    return {result.gate, result.up};
  }
};

}  // namespace

at::Tensor swiglu_rows(const at::Tensor& gate, const at::Tensor& up) {
  if (gate.is_cuda()) return cuda::swiglu(gate, up);
  const auto out = at::empty_like(gate);
  const int64_t I = gate.size(-1), rows = gate.numel() / I;
  with_storage_type(gate.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, rows, row_grain(I), [&](int64_t begin, int64_t end) {
      kernels::swiglu_row(data<T>(gate) + begin * I, data<T>(up) + begin * I,
                          mutable_data<T>(out) + begin * I, (end - begin) * I);
    });
  });
  return out;
}

SwigluGradients swiglu_backward_rows(const at::Tensor& dy, const at::Tensor& gate,
                                     const at::Tensor& up) {
  if (gate.is_cuda()) return cuda::swiglu_backward(dy, gate, up);
  const auto dgate = at::empty_like(gate), dup = at::empty_like(up);
  const int64_t I = gate.size(-1), rows = gate.numel() / I;
  with_storage_type(gate.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, rows, row_grain(I), [&](int64_t begin, int64_t end) {
      const int64_t at = begin * I;
      kernels::swiglu_backward_row(data<T>(dy) + at, data<T>(gate) + at, data<T>(up) + at,
                                   mutable_data<T>(dgate) + at, mutable_data<T>(dup) + at,
                                   (end - begin) * I);
    });
  });
  return {dgate, dup};
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  TUNEWRIGHT_ASSERT(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type());
  if (!has_row_kernel(gate)) return plain::swiglu(gate, up);
  return Swiglu::apply(gate.contiguous(), up.contiguous());
}

}  // namespace tunewright::ops
