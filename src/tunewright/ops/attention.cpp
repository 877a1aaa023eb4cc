#include <ATen/ATen.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/product.h"

namespace tunewright::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A span of x [N, H, E] as the kernels want it: a view [1, H, L, E].
at::Tensor span_of(const at::Tensor& x, int64_t begin, int64_t end) {
  return x.slice(0, begin, end).transpose(0, 1).unsqueeze(0);
}

// 0 where query i (at position past + i) sees key j, else -infinity: [T, past + T].
at::Tensor window_mask(int64_t T, int64_t past, int64_t window, const at::TensorOptions& options) {
  const auto index = options.dtype(at::kLong);
  const auto distance =
      (at::arange(T, index) + past).unsqueeze(1) - at::arange(past + T, index).unsqueeze(0);
  auto hidden = distance.lt(0);
  if (window > 0) hidden = hidden.logical_or(distance.ge(window));
  return at::zeros({T, past + T}, options)
      .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
}

// The mask of a span that is longer than the window; none where plain causality is enough.
std::optional<at::Tensor> span_mask(int64_t length, int64_t window,
                                    const at::TensorOptions& options) {
  if (window <= 0 || length <= window) return std::nullopt;
  return window_mask(length, 0, window, options);
}

// CPU only.  The row normaliser of the softmax, [N, H], is kept for the backward pass.
struct SpanAttention : torch::autograd::Function<SpanAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, std::vector<int64_t> offsets, double scale,
                            int64_t window) {
    const auto dtype = multiplied_as_float(q) ? at::kFloat : q.scalar_type();
    const auto q_ = q.to(dtype), k_ = k.to(dtype), v_ = v.to(dtype);
    const auto out = at::empty(q.sizes(), q.options());
    const auto normaliser = at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat));
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      const int64_t begin = offsets[i], end = offsets[i + 1];
      const auto mask = span_mask(end - begin, window, q_.options());
      const auto [part, part_normaliser] = at::_scaled_dot_product_flash_attention_for_cpu(
          span_of(q_, begin, end), span_of(k_, begin, end), span_of(v_, begin, end), 0.0, !mask,
          mask, scale);
      span_of(out, begin, end).copy_(part);
      normaliser.slice(0, begin, end).copy_(part_normaliser[0].t());
    }
    ctx->save_for_backward({q, k, v, out, normaliser});
    ctx->saved_data["offsets"] = std::move(offsets);
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["window"] = window;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto offsets = ctx->saved_data["offsets"].toIntVector();
    const double scale = ctx->saved_data["scale"].toDouble();
    const int64_t window = ctx->saved_data["window"].toInt();
    const auto dtype = multiplied_as_float(saved[0]) ? at::kFloat : saved[0].scalar_type();
    const auto q = saved[0].to(dtype), k = saved[1].to(dtype), v = saved[2].to(dtype),
               out = saved[3].to(dtype);
    const auto dy = grads[0].to(dtype).contiguous();
    const auto& normaliser = saved[4];
    const auto dq = at::empty_like(saved[0]), dk = at::empty_like(saved[1]),
               dv = at::empty_like(saved[2]);
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      const int64_t begin = offsets[i], end = offsets[i + 1];
      const auto mask = span_mask(end - begin, window, q.options());
      const auto part_normaliser = normaliser.slice(0, begin, end).t().unsqueeze(0);  // [1, H, L]
      const auto [part_dq, part_dk, part_dv] =
          at::_scaled_dot_product_flash_attention_for_cpu_backward(
              span_of(dy, begin, end), span_of(q, begin, end), span_of(k, begin, end),
              span_of(v, begin, end), span_of(out, begin, end), part_normaliser, 0.0, !mask, mask,
              scale);
      span_of(dq, begin, end).copy_(part_dq);
      span_of(dk, begin, end).copy_(part_dk);
      span_of(dv, begin, end).copy_(part_dv);
    }
    return {dq, dk, dv, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// Where the CPU's kernel does not exist: the framework's own attention for each span.
at::Tensor device_span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 std::span<const int64_t> offsets, double scale, int64_t window) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t begin = offsets[i], end = offsets[i + 1];
    const auto mask = span_mask(end - begin, window, q.options());
    const auto part =
        at::scaled_dot_product_attention(span_of(q, begin, end), span_of(k, begin, end),
                                         span_of(v, begin, end), mask, 0.0, !mask, scale,
                                         /*enable_gqa=*/true);
    parts.push_back(part[0].transpose(0, 1));
  }
  return at::cat(parts, 0);
}

void check_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  TUNEWRIGHT_ASSERT(q.dim() == 3 && k.dim() == 3 && k.sizes() == v.sizes());
  TUNEWRIGHT_ASSERT(q.size(2) == k.size(2) && q.size(1) % k.size(1) == 0);
}

}  // namespace

at::Tensor span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          std::span<const int64_t> offsets, double scale, int64_t window) {
  check_attention(q, k, v);
  TUNEWRIGHT_ASSERT(!offsets.empty() && offsets.front() == 0 && offsets.back() == q.size(0));
  if (!q.device().is_cpu()) return device_span_attention(q, k, v, offsets, scale, window);
  return SpanAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(),
                              std::vector<int64_t>(offsets.begin(), offsets.end()), scale, window);
}

at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            double scale, int64_t window) {
  check_attention(q, k, v);
  const int64_t T = q.size(0), K = k.size(1), E = q.size(2);
  int64_t begin = 0;  // keys before it are outside every new token's window
  if (window > 0) begin = std::max<int64_t>(0, k.size(0) - (T - 1) - window);
  const auto keys = span_of(k, begin, k.size(0)), values = span_of(v, begin, v.size(0));
  const int64_t past = k.size(0) - begin - T;
  if (T == 1) {  // the query heads of one key head are rows of one product
    const auto grouped = q.reshape({1, K, q.size(1) / K, E});
    return at::scaled_dot_product_attention(grouped, keys, values, std::nullopt, 0.0, false, scale)
        .reshape(q.sizes());
  }
  const bool masked = past > 0 || (window > 0 && window < T);
  const auto mask =
      masked ? std::make_optional(window_mask(T, past, window, q.options())) : std::nullopt;
  const auto out =
      at::scaled_dot_product_attention(span_of(q, 0, T), keys, values, mask, 0.0, !masked, scale,
                                       /*enable_gqa=*/true);
  return out[0].transpose(0, 1).contiguous();
}

}  // namespace tunewright::ops
