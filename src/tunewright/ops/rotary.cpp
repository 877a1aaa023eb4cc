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

at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                  float sign) {
  if (x.is_cuda()) return cuda::rotary(x, cosine, sine, sign);
  const auto out = at::empty_like(x);
  const int64_t N = x.size(0), H = x.size(1), E = x.size(2);
  with_storage_type(x.scalar_type(), [&]<class T>(T) {
    at::parallel_for(0, N, row_grain(H * E), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const float* c = cosine.const_data_ptr<float>() + n * (E / 2);
        const float* s = sine.const_data_ptr<float>() + n * (E / 2);
        for (int64_t row = n * H; row < (n + 1) * H; ++row) {
          kernels::rotary_row(data<T>(x) + row * E, c, s, mutable_data<T>(out) + row * E, E / 2,
                              sign);
        }
      }
    });
  });
  return out;
}

struct Rotary : torch::autograd::Function<Rotary> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& cosine,
                            const at::Tensor& sine) {
    ctx->save_for_backward({cosine, sine});
    return rotate(x, cosine, sine, 1.0f);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    return {rotate(grads[0].contiguous(), saved[0], saved[1], -1.0f), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  TUNEWRIGHT_ASSERT(x.dim() == 3 && cosine.size(0) == x.size(0) && 2 * cosine.size(1) == x.size(2));
  if (!has_row_kernel(x)) return plain::rotary(x, cosine, sine);
  return Rotary::apply(x.contiguous(), cosine.contiguous(), sine.contiguous());
}

}  // namespace tunewright::ops
