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

// Rows of one partial sum of the weight's gradient; fixed, so that the result does not depend on
// the number of threads.
constexpr int64_t kRowsPerPartial = 64;

at::Tensor forward_rows(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  if (x.is_cuda()) return cuda::rms_norm(x, weight, epsilon);
  const auto out = at::empty_like(x);
  const int64_t D = x.size(-1), rows = x.numel() / D;
  with_storage_type(x.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, rows, row_grain(D), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        kernels::rms_norm_row(data<T>(x) + i * D, data<T>(weight), mutable_data<T>(out) + i * D, D,
                              static_cast<float>(epsilon));
      }
    });
  });
  return out;
}

// [P, D] -> [D].  The framework's sum divides the columns among the threads, and adds those at a
// border in another order.
at::Tensor add_in_order(const at::Tensor& partials) {
  auto total = at::zeros({partials.size(1)}, partials.options());
  for (int64_t i = 0; i < partials.size(0); ++i) total.add_(partials[i]);
  return total;
}

using Gradients = cuda::RmsNormGradients;

// `more`, where defined, is added to the gradient of x: CPU only.
Gradients backward_rows(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                        double epsilon, bool weight_needed, const at::Tensor& more = {}) {
  if (x.is_cuda()) return cuda::rms_norm_backward(dy, x, weight, epsilon, weight_needed);
  const auto dx = at::empty_like(x);
  const int64_t D = x.size(-1), rows = x.numel() / D,
                partials = (rows + kRowsPerPartial - 1) / kRowsPerPartial;
  const auto sums =
      weight_needed ? at::zeros({partials, D}, x.options().dtype(at::kFloat)) : at::Tensor();
  with_storage_type(x.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, partials, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * kRowsPerPartial; i < std::min(rows, end * kRowsPerPartial); ++i) {
        float* sum =
            weight_needed ? sums.mutable_data_ptr<float>() + i / kRowsPerPartial * D : nullptr;
        const T* added = more.defined() ? data<T>(more) + i * D : nullptr;
        kernels::rms_norm_backward_row(data<T>(dy) + i * D, data<T>(x) + i * D, data<T>(weight),
                                       added, mutable_data<T>(dx) + i * D, sum, D,
                                       static_cast<float>(epsilon));
      }
    });
  });
  return {dx, weight_needed ? add_in_order(sums).to(weight.scalar_type()) : at::Tensor()};
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            double epsilon) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["epsilon"] = epsilon;
    return forward_rows(x, weight, epsilon);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto result =
        backward_rows(grads[0].contiguous(), saved[0], saved[1],
                      ctx->saved_data["epsilon"].toDouble(), ctx->needs_input_grad(1));
    return {result.x, result.weight, at::Tensor()};
  }
};

ResidualNorm residual_forward_rows(const at::Tensor& x, const at::Tensor& residual,
                                   const at::Tensor& weight, double epsilon) {
  const ResidualNorm result{at::empty_like(x), at::empty_like(x)};
  const int64_t D = x.size(-1), rows = x.numel() / D;
  with_storage_type(x.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, rows, row_grain(D), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * D; i < end * D; i += D) {
        kernels::residual_rms_norm_row(
            data<T>(x) + i, data<T>(residual) + i, data<T>(weight), mutable_data<T>(result.sum) + i,
            mutable_data<T>(result.normed) + i, D, static_cast<float>(epsilon));
      }
    });
  });
  return result;
}

// CPU only.
struct ResidualRmsNorm : torch::autograd::Function<ResidualRmsNorm> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x,
                               const at::Tensor& residual, const at::Tensor& weight,
                               double epsilon) {
    ctx->set_materialize_grads(false);
    const auto result = residual_forward_rows(x, residual, weight, epsilon);
    ctx->save_for_backward({result.sum, weight});
    ctx->saved_data["epsilon"] = epsilon;
    return {result.sum, result.normed};
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    if (!grads[1].defined()) return {grads[0], grads[0], at::Tensor(), at::Tensor()};
    const auto more = grads[0].defined() ? grads[0].contiguous() : at::Tensor();
    const auto result =
        backward_rows(grads[1].contiguous(), saved[0], saved[1],
                      ctx->saved_data["epsilon"].toDouble(), ctx->needs_input_grad(2), more);
    return {result.x, result.x, result.weight, at::Tensor()};
  }
};

}  // namespace

ResidualNorm residual_rms_norm(const at::Tensor& x, const at::Tensor& residual,
                               const at::Tensor& weight, double epsilon) {
  TUNEWRIGHT_ASSERT(x.sizes() == residual.sizes() && x.scalar_type() == residual.scalar_type());
  TUNEWRIGHT_ASSERT(weight.dim() == 1 && weight.size(0) == x.size(-1));
  if (!x.is_cpu() || !has_row_kernel(x) || weight.scalar_type() != x.scalar_type()) {
    const auto sum = x + residual;
    return {sum, rms_norm(sum, weight, epsilon)};
  }
  const auto result =
      ResidualRmsNorm::apply(x.contiguous(), residual.contiguous(), weight.contiguous(), epsilon);
  return {result[0], result[1]};
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  TUNEWRIGHT_ASSERT(weight.dim() == 1 && weight.size(0) == x.size(-1));
  if (!has_row_kernel(x) || weight.scalar_type() != x.scalar_type())
    return plain::rms_norm(x, weight, epsilon);
  return RmsNorm::apply(x.contiguous(), weight.contiguous(), epsilon);
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon) {
  TUNEWRIGHT_ASSERT(weight.dim() == 1 && weight.size(0) == x.size(-1));
  TUNEWRIGHT_ASSERT(bias.sizes() == weight.sizes());
  return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
}

ResidualNorm residual_layer_norm(const at::Tensor& x, const at::Tensor& residual,
                                 const at::Tensor& weight, const at::Tensor& bias, double epsilon) {
  TUNEWRIGHT_ASSERT(x.sizes() == residual.sizes() && x.scalar_type() == residual.scalar_type());
  const auto sum = x + residual;
  return {sum, layer_norm(sum, weight, bias, epsilon)};
}

}  // namespace tunewright::ops
