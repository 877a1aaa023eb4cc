#include <ATen/ATen.h>
#include <ATen/ops/_efficient_attention_backward.h>
#include <ATen/ops/_efficient_attention_forward.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/device.h"

// ATen's kernels for sequences that lie end to end.  They are given by cumulative lengths; a query
// sees the keys up to its own place counted from the end of its sequence.
namespace tunewright::ops::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kFlashCapability = 80, kFlashHeadDim = 256;
constexpr int64_t kHeadDimMultiple = 8;  // what both kernels ask for in every type

struct Settings {
  int64_t longest_query = 0, longest_key = 0;
  double scale = 1;
  int64_t window = 0;
};

void save(AutogradContext* ctx, const Settings& settings) {
  ctx->saved_data["longest_query"] = settings.longest_query;
  ctx->saved_data["longest_key"] = settings.longest_key;
  ctx->saved_data["scale"] = settings.scale;
  ctx->saved_data["window"] = settings.window;
}

Settings restore(AutogradContext* ctx) {
  return {.longest_query = ctx->saved_data["longest_query"].toInt(),
          .longest_key = ctx->saved_data["longest_key"].toInt(),
          .scale = ctx->saved_data["scale"].toDouble(),
          .window = ctx->saved_data["window"].toInt()};
}

// Keys before a query that it sees; less than 0: all.
int64_t keys_before(const Settings& settings) {
  return settings.window > 0 ? settings.window - 1 : -1;
}

// Takes fewer key heads than query heads as they are.
struct FlashAttention : torch::autograd::Function<FlashAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& queries, const at::Tensor& keys,
                            const Settings& settings) {
    const auto [out, normaliser, random, unused, mask] = at::_flash_attention_forward(
        q, k, v, queries, keys, settings.longest_query, settings.longest_key, /*dropout_p=*/0.0,
        /*is_causal=*/true, /*return_debug_mask=*/false, settings.scale, keys_before(settings),
        /*window_size_right=*/0);
    ctx->save_for_backward({q, k, v, out, normaliser, queries, keys, random, unused});
    save(ctx, settings);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto settings = restore(ctx);
    const auto [dq, dk, dv] = at::_flash_attention_backward(
        grads[0].contiguous(), saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6],
        settings.longest_query, settings.longest_key, /*dropout_p=*/0.0, /*is_causal=*/true,
        saved[7], saved[8], settings.scale, keys_before(settings), /*window_size_right=*/0);
    return {dq, dk, dv, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// The kernel's CausalFromBottomRight.
constexpr int64_t kCausal = 2;

std::optional<int64_t> window_of(const Settings& settings) {
  return settings.window > 0 ? std::optional(settings.window) : std::nullopt;
}

// [N, K, E] -> [1, N, H, E]: each key head once for each of its query heads.
at::Tensor repeated_heads(const at::Tensor& x, int64_t heads) {
  const int64_t N = x.size(0), K = x.size(1), E = x.size(2);
  if (heads == K) return x.unsqueeze(0);
  return x.unsqueeze(2).expand({N, K, heads / K, E}).reshape({1, N, heads, E});
}

// The sum of what its query heads gave a key head.  [1, N, H, E] -> [N, K, E].
at::Tensor summed_heads(const at::Tensor& gradient, const at::Tensor& like) {
  const int64_t N = like.size(0), K = like.size(1), E = like.size(2), H = gradient.size(2);
  if (H == K) return gradient.squeeze(0);
  return gradient.reshape({N, K, H / K, E})
      .sum(2, /*keepdim=*/false, at::kFloat)
      .to(like.scalar_type());
}

struct EfficientAttention : torch::autograd::Function<EfficientAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& queries, const at::Tensor& keys,
                            const Settings& settings) {
    const int64_t H = q.size(1);
    const auto result = at::_efficient_attention_forward(
        q.unsqueeze(0), repeated_heads(k, H), repeated_heads(v, H), /*bias=*/std::nullopt, queries,
        keys, settings.longest_query, settings.longest_key, /*dropout_p=*/0.0, kCausal,
        /*compute_log_sumexp=*/true, settings.scale, /*seqlen_k=*/std::nullopt,
        window_of(settings));
    const auto out = std::get<0>(result).squeeze(0);
    ctx->save_for_backward({q, k, v, out, std::get<1>(result), queries, keys, std::get<2>(result),
                            std::get<3>(result)});
    save(ctx, settings);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto settings = restore(ctx);
    const auto &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
    const int64_t H = q.size(1);
    const auto result = at::_efficient_attention_backward(
        grads[0].contiguous().unsqueeze(0), q.unsqueeze(0), repeated_heads(k, H),
        repeated_heads(v, H), /*bias=*/std::nullopt, out.unsqueeze(0), saved[5], saved[6],
        settings.longest_query, settings.longest_key, saved[4], /*dropout_p=*/0.0, saved[7],
        saved[8], kCausal, /*bias_requires_grad=*/false, settings.scale,
        /*num_splits_key=*/std::nullopt, window_of(settings));
    return {std::get<0>(result).squeeze(0),
            summed_heads(std::get<1>(result), k),
            summed_heads(std::get<2>(result), v),
            at::Tensor(),
            at::Tensor(),
            at::Tensor()};
  }
};

struct Sequences {
  at::Tensor offsets;  // [sequences + 1] int32 on the device
  int64_t longest = 0;
};

Sequences sequences_of(std::span<const int64_t> offsets, at::Device device) {
  const auto host = at::empty({std::ssize(offsets)}, at::kInt);
  std::ranges::transform(offsets, host.mutable_data_ptr<int32_t>(),
                         [](int64_t offset) { return static_cast<int32_t>(offset); });
  Sequences result{.offsets = to_device(host, device)};
  for (size_t i = 0; i + 1 < offsets.size(); ++i)
    result.longest = std::max(result.longest, offsets[i + 1] - offsets[i]);
  return result;
}

bool has_flash(const at::Tensor& q) {
  return q.scalar_type() != at::kFloat && q.size(2) <= kFlashHeadDim &&
         compute_capability(q.device()) >= kFlashCapability;
}

// Head dims are filled up with zeros, which change no product.
at::Tensor filled_up(const at::Tensor& x) {
  const int64_t missing = (kHeadDimMultiple - x.size(2) % kHeadDimMultiple) % kHeadDimMultiple;
  return missing == 0 ? x.contiguous() : at::constant_pad_nd(x, {0, missing});
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const Sequences& queries, const Sequences& keys, double scale,
                     int64_t window) {
  const Settings settings = {queries.longest, keys.longest, scale, window};
  const auto q_ = filled_up(q), k_ = filled_up(k), v_ = filled_up(v);
  const auto out =
      has_flash(q_)
          ? FlashAttention::apply(q_, k_, v_, queries.offsets, keys.offsets, settings)
          : EfficientAttention::apply(q_, k_, v_, queries.offsets, keys.offsets, settings);
  return out.slice(2, 0, q.size(2));
}

}  // namespace

at::Tensor span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          std::span<const int64_t> offsets, double scale, int64_t window) {
  const auto spans = sequences_of(offsets, q.device());
  return attention(q, k, v, spans, spans, scale, window);
}

at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            double scale, int64_t window) {
  const int64_t queries[] = {0, q.size(0)}, keys[] = {0, k.size(0)};
  return attention(q, k, v, sequences_of(queries, q.device()), sequences_of(keys, q.device()),
                   scale, window);
}

}  // namespace tunewright::ops::cuda
