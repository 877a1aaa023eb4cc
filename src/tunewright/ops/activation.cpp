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

// One gated activation's loops over a row, whatever the type of its numbers.
struct Silu {
  static void forward(auto... arguments) { kernels::swiglu_row(arguments...); }
  static void backward(auto... arguments) { kernels::swiglu_backward_row(arguments...); }
};
struct Gelu {
  static void forward(auto... arguments) { kernels::geglu_row(arguments...); }
  static void backward(auto... arguments) { kernels::geglu_backward_row(arguments...); }
};

template <class Gate>
at::Tensor forward_rows(const at::Tensor& gate, const at::Tensor& up) {
  const auto out = at::empty_like(gate);
  const int64_t I = gate.size(-1), rows = gate.numel() / I;
  with_storage_type(gate.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, rows, row_grain(I), [&](int64_t begin, int64_t end) {
      Gate::forward(data<T>(gate) + begin * I, data<T>(up) + begin * I,
                    mutable_data<T>(out) + begin * I, (end - begin) * I);
    });
  });
  return out;
}

template <class Gate>
SwigluGradients backward_rows(const at::Tensor& dy, const at::Tensor& gate, const at::Tensor& up) {
  const auto dgate = at::empty_like(gate), dup = at::empty_like(up);
  const int64_t I = gate.size(-1), rows = gate.numel() / I;
  with_storage_type(gate.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, rows, row_grain(I), [&](int64_t begin, int64_t end) {
      const int64_t at = begin * I;
      Gate::backward(data<T>(dy) + at, data<T>(gate) + at, data<T>(up) + at,
                     mutable_data<T>(dgate) + at, mutable_data<T>(dup) + at, (end - begin) * I);
    });
  });
  return {dgate, dup};
}

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

// CPU only.
struct Geglu : torch::autograd::Function<Geglu> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate, const at::Tensor& up) {
    ctx->save_for_backward({gate, up});
    return forward_rows<Gelu>(gate, up);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto result = backward_rows<Gelu>(grads[0].contiguous(), saved[0], saved[1]);
    return {result.gate, result.up};
  }
};

}  // namespace

at::Tensor swiglu_rows(const at::Tensor& gate, const at::Tensor& up) {
  return gate.is_cuda() ? cuda::swiglu(gate, up) : forward_rows<Silu>(gate, up);
}

SwigluGradients swiglu_backward_rows(const at::Tensor& dy, const at::Tensor& gate,
                                     const at::Tensor& up) {
  return gate.is_cuda() ? cuda::swiglu_backward(dy, gate, up) : backward_rows<Silu>(dy, gate, up);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  TUNEWRIGHT_ASSERT(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type());
  if (!has_row_kernel(gate)) return plain::swiglu(gate, up);
  return Swiglu::apply(gate.contiguous(), up.contiguous());
}

at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up) {
  TUNEWRIGHT_ASSERT(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type());
  if (!gate.is_cpu() || !has_row_kernel(gate)) return plain::geglu(gate, up);
  return Geglu::apply(gate.contiguous(), up.contiguous());
}

}  // namespace tunewright::ops
