#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/ops/weight.h"

// Functions of tensors without state.  Each differentiable one is an autograd function with a plain
// definition of the same name in ops::plain, which is its specification and the oracle of its test.
//   N tokens, D input width, O output width, H heads, K key/value heads, E head dim, V vocabulary,
//   r rank
namespace tunewright::ops {

// Root-mean-square norm over the last axis, computed in float32.  x [..., D], weight [D] -> x's
// shape and dtype.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

// sum = x + residual, in their dtype, and rms_norm(sum).  One pass over the memory each way, and
// the two gradients that reach the sum are added in it.
struct ResidualNorm {
  at::Tensor sum, normed;
};
ResidualNorm residual_rms_norm(const at::Tensor& x, const at::Tensor& residual,
                               const at::Tensor& weight, double epsilon);

// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis, computed in float32:
// ATen's own fused kernel.  x [..., D], weight and bias [D] -> x's shape and dtype.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon);
// sum = x + residual, in their dtype, and layer_norm(sum).
ResidualNorm residual_layer_norm(const at::Tensor& x, const at::Tensor& residual,
                                 const at::Tensor& weight, const at::Tensor& bias, double epsilon);

// Rotates pairs (i, i + E/2) of each head.  x [N, H, E]; cosine, sine [N, E/2] float32 -> [N, H,
// E].
at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

// silu(gate) * up, computed in float32.  [N, I], [N, I] -> [N, I].
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
// gelu(gate) * up with gelu's tanh form (gelu_pytorch_tanh), computed in float32.
at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up);

// Whether a function's value is needed or, as in recomputation, only its place in the graph: then
// the value is zeros, which cost nothing, and the gradients are the right ones.
enum class Value { kNeeded, kUnused };

// y = x W^T + bias.  x [N, D], weight [O, D] -> [N, O].  No gradient is computed for a frozen
// weight. float32 accumulation; bfloat16 without matrix instructions is multiplied as float32, and
// a quantised weight is decoded block by block.
at::Tensor linear(const at::Tensor& x, const Weight& weight, const std::optional<at::Tensor>& bias,
                  Value value = Value::kNeeded);

// linear() plus scale * dropout(x) A^T B^T.  lora_a [r, D], lora_b [O, r]: float32, or x's dtype.
struct LoraArguments {
  at::Tensor lora_a, lora_b;
  double scale = 1.0;
  double dropout = 0.0;       // of the adapter's input; 0: off
  uint64_t dropout_seed = 0;  // the same seed gives the same mask
  // [N] int64: what each row counts as in the mask; undefined: 0, 1, …  A part of the rows has then
  // the masks that it has among all of them.
  at::Tensor dropout_rows = {};
  Value value = Value::kNeeded;
};
at::Tensor lora_linear(const at::Tensor& x, const Weight& weight,
                       const std::optional<at::Tensor>& bias, const LoraArguments& lora);

// lora_linear(swiglu(gate, up), …), whose input is made again in the backward pass instead of kept.
at::Tensor swiglu_lora_linear(const at::Tensor& gate, const at::Tensor& up, const Weight& weight,
                              const std::optional<at::Tensor>& bias, const LoraArguments& lora);

// Causal attention within each span of a packed sequence.  q [N, H, E], k and v [N, K, E] ->
// [N, H, E].  Span i is tokens [offsets[i], offsets[i + 1]); no token sees another span.
// window > 0: a token sees itself and the window - 1 tokens before it; work and memory then grow
// with length * window.  Key/value head of query head h: h / (H / K).
at::Tensor span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          std::span<const int64_t> offsets, double scale, int64_t window = 0);

// Attention of new tokens over a cache.  q [T, H, E]; k, v [P + T, K, E], the last T belonging to
// q.
at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            double scale, int64_t window = 0);

// cached_attention() of one new token of each of several sequences, which have nothing to do with
// each other.  q [S, H, E]; keys[i], values[i] [P_i + 1, K, E], the last token belonging to q[i] ->
// [S, H, E].  What a sequence gets does not depend on the others.
at::Tensor row_attention(const at::Tensor& q, std::span<const at::Tensor> keys,
                         std::span<const at::Tensor> values, double scale, int64_t window = 0);

// sum_j weight_j * -log softmax(hidden_j head^T)[label_j], float32 scalar, in chunks: the logits of
// all rows never exist at once, and the gradient is made in the forward pass.
// hidden [M, D] (rows that have a label only), head [V, D], labels [M] int64, weights [M] float32.
// The gradient of `head` is made only where it requires one.
at::Tensor linear_cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head,
                                    const at::Tensor& labels, const at::Tensor& weights);

// log softmax(hidden head^T)[label] of each row, and whether the label is the most likely one.  No
// gradient.
struct LabelScores {
  at::Tensor logprobs;   // [M] float32
  at::Tensor is_argmax;  // [M] bool
};
LabelScores label_scores(const at::Tensor& hidden, const at::Tensor& head,
                         const at::Tensor& labels);

namespace plain {
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);
ResidualNorm residual_rms_norm(const at::Tensor& x, const at::Tensor& residual,
                               const at::Tensor& weight, double epsilon);
at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon);
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up);
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                  const std::optional<at::Tensor>& bias);
at::Tensor lora_linear(const at::Tensor& x, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias,
                       const LoraArguments& lora);  // without dropout
at::Tensor span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          std::span<const int64_t> offsets, double scale, int64_t window = 0);
at::Tensor linear_cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head,
                                    const at::Tensor& labels, const at::Tensor& weights);
}  // namespace plain

}  // namespace tunewright::ops
