#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/ops/attention_cpu.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/ops.h"

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

// Queries whose window ends after so many others': their keys are little more than the window.
constexpr int64_t kWindowQueries = 512;

// Queries [begin, end) and the keys [key_begin, end) that at least one of them sees.
struct Block {
  int64_t begin, end, key_begin;
};

// Blocks of the queries [begin, end) of a span whose first key is `first`, so that work and mask
// grow with length times window.  One block where the window reaches back to the first key.
std::vector<Block> blocks_of(int64_t first, int64_t begin, int64_t end, int64_t window) {
  if (window <= 0 || end - first <= window) return {{begin, end, first}};
  const int64_t whole = first + window;  // queries before it see all that stands before them
  std::vector<Block> blocks;
  for (int64_t next = begin; next < end; next = blocks.back().end) {
    const int64_t block_end = next < whole ? whole : next + kWindowQueries;
    blocks.push_back({next, std::min(end, block_end), std::max<int64_t>(first, next - window + 1)});
  }
  return blocks;
}

// The masks of blocks; neighbours mostly have the same.
class BlockMasks {
 public:
  BlockMasks(int64_t window, at::TensorOptions options) : window_(window), options_(options) {}

  // None where plain causality is enough.
  std::optional<at::Tensor> of(const Block& block) {
    const int64_t T = block.end - block.begin, keys = block.end - block.key_begin;
    if (keys == T && (window_ <= 0 || T <= window_)) return std::nullopt;
    if (!latest_.defined() || latest_.size(0) != T || latest_.size(1) != keys)
      latest_ = window_mask(T, keys - T, window_, options_);
    return latest_;
  }

 private:
  int64_t window_;
  at::TensorOptions options_;
  at::Tensor latest_;
};

// CPU only.  The row normaliser of the softmax is kept for the backward pass.
struct SpanAttention : torch::autograd::Function<SpanAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const cpu::Spans& spans) {
    const auto result = cpu::attention(q, k, v, spans);
    ctx->save_for_backward({q, k, v, result.out, result.normaliser});
    ctx->saved_data["offsets"] = spans.offsets;
    ctx->saved_data["scale"] = spans.scale;
    ctx->saved_data["window"] = spans.window;
    return result.out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const cpu::Spans spans{ctx->saved_data["offsets"].toIntVector(),
                           ctx->saved_data["scale"].toDouble(), ctx->saved_data["window"].toInt()};
    const auto gradients = cpu::attention_gradients(grads[0], saved[0], saved[1], saved[2],
                                                    {saved[3], saved[4]}, spans);
    return {gradients.q, gradients.k, gradients.v, at::Tensor()};
  }
};

// The framework's own attention of a block.  q [T, H, E]; k, v [S, K, E], the last T belonging to
// q -> [T, H, E].
at::Tensor block_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::optional<at::Tensor>& mask, double scale) {
  const int64_t T = q.size(0), H = q.size(1), S = k.size(0), K = k.size(1), E = q.size(2);
  const auto keys = span_of(k, 0, S), values = span_of(v, 0, S);
  if (T == 1) {  // it sees all; the query heads of one key head are rows of one product
    return at::scaled_dot_product_attention(q.reshape({1, K, H / K, E}), keys, values, std::nullopt,
                                            0.0, false, scale)
        .reshape(q.sizes());
  }
  const auto out = at::scaled_dot_product_attention(span_of(q, 0, T), keys, values, mask, 0.0,
                                                    !mask, scale, /*enable_gqa=*/true);
  return out[0].transpose(0, 1);
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
  if (q.is_cuda()) return cuda::span_attention(q, k, v, offsets, scale, window);
  return SpanAttention::apply(
      q.contiguous(), k.contiguous(), v.contiguous(),
      cpu::Spans{std::vector<int64_t>(offsets.begin(), offsets.end()), scale, window});
}

at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            double scale, int64_t window) {
  check_attention(q, k, v);
  if (q.is_cuda()) return cuda::cached_attention(q, k, v, scale, window);
  const int64_t past = k.size(0) - q.size(0);
  BlockMasks masks(window, q.options());
  std::vector<at::Tensor> parts;
  for (const auto& block : blocks_of(0, past, k.size(0), window)) {
    const auto [begin, end, key_begin] = block;
    parts.push_back(block_attention(q.slice(0, begin - past, end - past),
                                    k.slice(0, key_begin, end), v.slice(0, key_begin, end),
                                    masks.of(block), scale));
  }
  return at::cat(parts, 0);
}

}  // namespace tunewright::ops
