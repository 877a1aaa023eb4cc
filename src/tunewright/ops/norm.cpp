#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "tunewright/base/error.h"
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

struct Gradients {
  at::Tensor x, weight;
};

Gradients backward_rows(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                        double epsilon, bool weight_needed) {
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
        kernels::rms_norm_backward_row(data<T>(dy) + i * D, data<T>(x) + i * D, data<T>(weight),
                                       mutable_data<T>(dx) + i * D, sum, D,
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

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  TUNEWRIGHT_ASSERT(weight.dim() == 1 && weight.size(0) == x.size(-1));
  if (!has_row_kernel(x) || weight.scalar_type() != x.scalar_type())
    return plain::rms_norm(x, weight, epsilon);
  return RmsNorm::apply(x.contiguous(), weight.contiguous(), epsilon);
}

}  // namespace tunewright::ops
