#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>

#include "tunewright/base/error.h"
#include "tunewright/ops/activation.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/dropout_bits.h"
#include "tunewright/ops/kernels.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/product.h"
#include "tunewright/ops/rows.h"
#include "tunewright/ops/saved_weight.h"

namespace tunewright::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The numbers of a call, as they are kept for the backward pass.
struct Settings {
  double scale, dropout;
  int64_t seed;
  at::Tensor rows;  // of the masks
  Value value = Value::kNeeded;
};

// x [N, D], computed in float32; the same seed and row give the same mask, on every device.
at::Tensor dropout(const at::Tensor& x, const Settings& settings) {
  if (settings.dropout == 0.0) return x;
  const auto seed = static_cast<uint64_t>(settings.seed);
  const auto from = x.to(at::kFloat).contiguous();
  if (x.is_cuda())
    return cuda::dropout(from, settings.dropout, seed, settings.rows).to(x.scalar_type());
  const auto out = at::empty_like(from);
  const int64_t N = from.size(0), D = from.size(1);
  const auto* rows = settings.rows.defined() ? settings.rows.const_data_ptr<int64_t>() : nullptr;
  at::parallel_for(0, N, row_grain(D), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      kernels::dropout_row(from.const_data_ptr<float>() + n * D,
                           out.mutable_data_ptr<float>() + n * D, D,
                           dropout_row_seed(seed, rows != nullptr ? rows[n] : n),
                           static_cast<float>(settings.dropout));
    }
  });
  return out.to(x.scalar_type());
}

// The type that the adapter's thin products are done in: bfloat16 where the hardware multiplies it,
// as mixed-precision training does (sums are float32 there too), else float32.
at::ScalarType product_type(const at::Tensor& x) {
  return x.scalar_type() == at::kBFloat16 && !multiplied_as_float(x) ? at::kBFloat16 : at::kFloat;
}

at::Tensor scaled(const at::Tensor& lora_b, double scale, at::ScalarType dtype) {
  return at::mul(lora_b.to(at::kFloat), scale).to(dtype);
}

struct Product {
  at::Tensor y, down;  // [N, O] in x's type, [N, r] in the products' type
};

Product adapted_product(const at::Tensor& x, const Weight& weight,
                        const std::optional<at::Tensor>& bias, const at::Tensor& lora_a,
                        const at::Tensor& lora_b, const Settings& settings) {
  const auto dtype = product_type(x);
  const auto input = x.to(dtype);
  const auto down = at::mm(dropout(input, settings), lora_a.to(dtype).t());
  if (settings.value == Value::kUnused) return {unused_value(x, weight), down};
  auto y = product(input, weight);
  if (bias) y.add_(*bias);
  y.addmm_(down.to(y.scalar_type()), scaled(lora_b, settings.scale, y.scalar_type()).t());
  return {y.to(x.scalar_type()), down};
}

// What a call keeps, after `inputs` other tensors of saved_variables.
struct Saved {
  Weight weight;
  at::Tensor lora_a, lora_b, down;
  Settings settings;
  std::optional<at::ScalarType> bias_dtype;
};

void save(AutogradContext* ctx, variable_list inputs, const std::optional<at::Tensor>& bias,
          const Saved& saved) {
  inputs.insert(inputs.end(), {saved.weight.variable(), saved.lora_a, saved.lora_b, saved.down});
  ctx->save_for_backward(std::move(inputs));
  save_quantized(ctx, saved.weight);
  ctx->saved_data["scale"] = saved.settings.scale;
  ctx->saved_data["dropout"] = saved.settings.dropout;
  ctx->saved_data["seed"] = saved.settings.seed;
  if (saved.settings.rows.defined()) ctx->saved_data["rows"] = saved.settings.rows;
  if (bias) ctx->saved_data["bias_dtype"] = static_cast<int64_t>(bias->scalar_type());
}

Saved restore(AutogradContext* ctx, const variable_list& tensors, size_t inputs) {
  Saved saved{saved_weight(ctx, tensors[inputs]),
              tensors[inputs + 1],
              tensors[inputs + 2],
              tensors[inputs + 3],
              {ctx->saved_data["scale"].toDouble(), ctx->saved_data["dropout"].toDouble(),
               ctx->saved_data["seed"].toInt(), at::Tensor()},
              std::nullopt};
  if (const auto it = ctx->saved_data.find("rows"); it != ctx->saved_data.end())
    saved.settings.rows = it->second.toTensor();
  if (const auto it = ctx->saved_data.find("bias_dtype"); it != ctx->saved_data.end()) {
    saved.bias_dtype = static_cast<at::ScalarType>(it->second.toInt());
  }
  return saved;
}

// dy in the products' type.
struct Upstream {
  at::Tensor dy;     // [N, O]
  at::Tensor ddown;  // [N, r]: of the thin product in the middle
};

Upstream upstream_of(const Saved& saved, const at::Tensor& gradient) {
  const auto dy = gradient.contiguous().to(saved.down.scalar_type());
  return {dy, at::mm(dy, scaled(saved.lora_b, saved.settings.scale, dy.scalar_type()))};
}

// Gradient of the input, in `dtype`.
at::Tensor input_gradient(const Saved& saved, const Upstream& up, at::ScalarType dtype) {
  auto dx = product_transposed(up.dy, saved.weight);
  const auto ddown = up.ddown.to(dx.scalar_type()), lora_a = saved.lora_a.to(dx.scalar_type());
  if (saved.settings.dropout == 0.0) {
    dx.addmm_(ddown, lora_a);
  } else {
    dx.add_(dropout(at::mm(ddown, lora_a), saved.settings));
  }
  return dx.to(dtype);
}

// Gradients of weight, bias, A and B, where edges from `edge` on want them.
std::array<at::Tensor, 4> weight_gradients(AutogradContext* ctx, size_t edge, const Saved& saved,
                                           const at::Tensor& x, const Upstream& up) {
  std::array<at::Tensor, 4> result;
  const auto dtype = up.dy.scalar_type();
  if (ctx->needs_input_grad(edge++))
    result[0] = outer_product(up.dy, x.to(dtype)).to(saved.weight.dense().scalar_type());
  // An absent bias has no edge.
  if (saved.bias_dtype && ctx->needs_input_grad(edge++))
    result[1] = up.dy.to(at::kFloat).sum(0).to(*saved.bias_dtype);
  if (ctx->needs_input_grad(edge)) {
    result[2] =
        at::mm(up.ddown.t(), dropout(x.to(dtype), saved.settings)).to(saved.lora_a.scalar_type());
  }
  if (ctx->needs_input_grad(edge + 1)) {
    // Few rows by many columns: twice as fast as its transpose.
    result[3] = at::mm(saved.down.t(), up.dy)
                    .t()
                    .to(saved.lora_b.scalar_type(), false, true, at::MemoryFormat::Contiguous)
                    .mul_(saved.settings.scale);
  }
  return result;
}

struct LoraLinear : torch::autograd::Function<LoraLinear> {
  // `variable` is the weight's edge; the weight itself may be quantised.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& variable,
                            const std::optional<at::Tensor>& bias, const at::Tensor& lora_a,
                            const at::Tensor& lora_b, const Settings& settings,
                            const Weight& weight) {
    const auto result = adapted_product(x, weight, bias, lora_a, lora_b, settings);
    const bool x_needed = lora_a.requires_grad() || variable.requires_grad();
    save(ctx, {x_needed ? x : at::Tensor()}, bias,
         {weight, lora_a, lora_b, result.down, settings, std::nullopt});
    return result.y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto tensors = ctx->get_saved_variables();
    const auto saved = restore(ctx, tensors, 1);
    const auto up = upstream_of(saved, grads[0]);
    const auto dx =
        ctx->needs_input_grad(0) ? input_gradient(saved, up, grads[0].scalar_type()) : at::Tensor();
    const auto [dweight, dbias, da, db] = weight_gradients(ctx, 1, saved, tensors[0], up);
    return {dx, dweight, dbias, da, db, at::Tensor(), at::Tensor()};
  }
};

// The product's input is computed again in the backward pass: gate and up are all that is kept.
struct SwigluLoraLinear : torch::autograd::Function<SwigluLoraLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate, const at::Tensor& up,
                            const at::Tensor& /*variable*/, const std::optional<at::Tensor>& bias,
                            const at::Tensor& lora_a, const at::Tensor& lora_b,
                            const Settings& settings, const Weight& weight) {
    const auto result =
        adapted_product(swiglu_rows(gate, up), weight, bias, lora_a, lora_b, settings);
    save(ctx, {gate, up}, bias, {weight, lora_a, lora_b, result.down, settings, std::nullopt});
    return result.y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto tensors = ctx->get_saved_variables();
    const auto &gate = tensors[0], &up = tensors[1];
    const auto saved = restore(ctx, tensors, 2);
    const auto upstream = upstream_of(saved, grads[0]);
    const auto [dweight, dbias, da, db] =
        weight_gradients(ctx, 2, saved, swiglu_rows(gate, up), upstream);
    const auto dx = input_gradient(saved, upstream, grads[0].scalar_type());
    const auto inputs = swiglu_backward_rows(dx, gate, up);
    return {inputs.gate, inputs.up, dweight, dbias, da, db, at::Tensor(), at::Tensor()};
  }
};

Settings settings_of(const LoraArguments& lora) {
  TUNEWRIGHT_ASSERT(lora.dropout >= 0.0 && lora.dropout < 1.0);
  return {lora.scale, lora.dropout, static_cast<int64_t>(lora.dropout_seed), lora.dropout_rows,
          lora.value};
}

}  // namespace

at::Tensor lora_linear(const at::Tensor& x, const Weight& weight,
                       const std::optional<at::Tensor>& bias, const LoraArguments& lora) {
  TUNEWRIGHT_ASSERT(x.dim() == 2 && lora.lora_a.size(1) == x.size(1) &&
                    lora.lora_b.size(0) == weight.size(0));
  return LoraLinear::apply(x.contiguous(), weight.variable(), bias, lora.lora_a, lora.lora_b,
                           settings_of(lora), weight);
}

at::Tensor swiglu_lora_linear(const at::Tensor& gate, const at::Tensor& up, const Weight& weight,
                              const std::optional<at::Tensor>& bias, const LoraArguments& lora) {
  TUNEWRIGHT_ASSERT(gate.sizes() == up.sizes() && gate.dim() == 2 &&
                    lora.lora_a.size(1) == gate.size(1));
  if (!has_row_kernel(gate)) return lora_linear(swiglu(gate, up), weight, bias, lora);
  return SwigluLoraLinear::apply(gate.contiguous(), up.contiguous(), weight.variable(), bias,
                                 lora.lora_a, lora.lora_b, settings_of(lora), weight);
}

}  // namespace tunewright::ops
