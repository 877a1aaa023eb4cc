#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "tunewright/base/error.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/product.h"
#include "tunewright/ops/saved_weight.h"

namespace tunewright::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Linear : torch::autograd::Function<Linear> {
  // `variable` is the weight's edge; the weight itself may be quantised.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& variable,
                            const std::optional<at::Tensor>& bias, const Weight& weight,
                            Value value) {
    // Without a gradient of the weight nothing but the weight itself is kept.
    ctx->save_for_backward({variable.requires_grad() ? x : at::Tensor(), variable});
    save_quantized(ctx, weight);
    if (bias) ctx->saved_data["bias_dtype"] = static_cast<int64_t>(bias->scalar_type());
    if (value == Value::kUnused) return unused_value(x, weight);
    auto y = product(x, weight);
    if (bias) y.add_(*bias);
    return y.to(x.scalar_type());
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto& x = saved[0];
    const auto weight = saved_weight(ctx, saved[1]);
    const auto dy = grads[0].contiguous();
    at::Tensor dx, dweight, dbias;
    if (ctx->needs_input_grad(0)) dx = product_transposed(dy, weight).to(dy.scalar_type());
    if (ctx->needs_input_grad(1)) dweight = outer_product(dy, x).to(saved[1].scalar_type());
    if (const auto it = ctx->saved_data.find("bias_dtype");
        it != ctx->saved_data.end() && ctx->needs_input_grad(2)) {
      dbias = dy.to(at::kFloat).sum(0).to(static_cast<at::ScalarType>(it->second.toInt()));
    }
    return {dx, dweight, dbias, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor linear(const at::Tensor& x, const Weight& weight, const std::optional<at::Tensor>& bias,
                  Value value) {
  TUNEWRIGHT_ASSERT(x.dim() == 2 && x.size(1) == weight.size(1));
  return Linear::apply(x.contiguous(), weight.variable(), bias, weight, value);
}

}  // namespace tunewright::ops
