#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "tunewright/base/error.h"
#include "tunewright/ops/kernels.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/product.h"
#include "tunewright/ops/rows.h"

namespace tunewright::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One independent stream of masks for each row (splitmix64's step).
uint64_t row_seed(uint64_t seed, int64_t row) {
  uint64_t z = seed + 0x9e3779b97f4a7c15u * (static_cast<uint64_t>(row) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// x [N, D] float32 on the CPU; the same seed gives the same mask.
at::Tensor dropout(const at::Tensor& x, double p, uint64_t seed) {
  if (p == 0.0) return x;
  const auto host = x.cpu().contiguous();
  const auto out = at::empty_like(host);
  const int64_t N = host.size(0), D = host.size(1);
  at::parallel_for(0, N, row_grain(D), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      kernels::dropout_row(host.const_data_ptr<float>() + n * D, out.mutable_data_ptr<float>() + n * D, D,
                           row_seed(seed, n), static_cast<float>(p));
    }
  });
  return out.to(x.device());
}

struct LoraLinear : torch::autograd::Function<LoraLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, const at::Tensor& lora_a,
                            const at::Tensor& lora_b, double scale, double p, int64_t seed) {
    const auto x32 = x.to(at::kFloat);
    const auto down = product(dropout(x32, p, static_cast<uint64_t>(seed)), lora_a).to(at::kFloat);  // [N, r]
    const bool x_needed = lora_a.requires_grad() || weight.requires_grad();
    ctx->save_for_backward({x_needed ? x : at::Tensor(), weight, lora_a, lora_b, down});
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["p"] = p;
    ctx->saved_data["seed"] = seed;
    if (bias) ctx->saved_data["bias_dtype"] = static_cast<int64_t>(bias->scalar_type());

    auto y = product(multiplied_as_float(x) ? x32 : x, weight).to(at::kFloat);
    if (bias) y.add_(*bias);
    y.addmm_(down, lora_b.to(at::kFloat).t(), 1.0, scale);
    return y.to(x.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &lora_a = saved[2], &lora_b = saved[3], &down = saved[4];
    const double p = ctx->saved_data["p"].toDouble();
    const auto seed = static_cast<uint64_t>(ctx->saved_data["seed"].toInt());
    const auto dy = grads[0].contiguous();
    const auto dy32 = dy.to(at::kFloat);
    const auto ddown = at::mm(dy32, lora_b.to(at::kFloat)).mul_(ctx->saved_data["scale"].toDouble());  // [N, r]

    variable_list result(8);
    if (ctx->needs_input_grad(0)) {
      auto dx = product_transposed(multiplied_as_float(dy) ? dy32 : dy, weight).to(at::kFloat);
      if (p == 0.0) {
        dx.addmm_(ddown, lora_a.to(at::kFloat));
      } else {
        dx.add_(dropout(at::mm(ddown, lora_a.to(at::kFloat)), p, seed));
      }
      result[0] = dx.to(dy.scalar_type());
    }
    if (ctx->needs_input_grad(1)) result[1] = outer_product(dy, x).to(weight.scalar_type());
    size_t edge = 2;  // an absent bias has none
    if (const auto it = ctx->saved_data.find("bias_dtype"); it != ctx->saved_data.end()) {
      if (ctx->needs_input_grad(edge)) result[2] = dy32.sum(0).to(static_cast<at::ScalarType>(it->second.toInt()));
      ++edge;
    }
    if (ctx->needs_input_grad(edge)) {
      result[3] = at::mm(ddown.t(), dropout(x.to(at::kFloat), p, seed)).to(lora_a.scalar_type());
    }
    if (ctx->needs_input_grad(edge + 1)) {
      result[4] = at::mm(dy32.t(), down).mul_(ctx->saved_data["scale"].toDouble()).to(lora_b.scalar_type());
    }
    return result;
  }
};

}  // namespace

at::Tensor lora_linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                       const LoraArguments& lora) {
  TUNEWRIGHT_ASSERT(x.dim() == 2 && lora.lora_a.size(1) == x.size(1) && lora.lora_b.size(0) == weight.size(0));
  TUNEWRIGHT_ASSERT(lora.dropout >= 0.0 && lora.dropout < 1.0);
  return LoraLinear::apply(x.contiguous(), weight, bias, lora.lora_a, lora.lora_b, lora.scale,
                           lora.dropout, static_cast<int64_t>(lora.dropout_seed));
}

}  // namespace tunewright::ops
