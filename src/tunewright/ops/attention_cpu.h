#pragma once
#include <cstdint>
#include <vector>

#include "ATen/core/Tensor.h"

// span_attention() on the CPU: matrix products in float32 over the keys that a block of queries
// sees, nothing of which outlives the block.  Shapes as in ops.h.
namespace tunewright::ops::cpu {

// Which token sees which, and how scores are scaled; as in span_attention().
struct Spans {
  std::vector<int64_t> offsets;
  double scale = 1.0;
  int64_t window = 0;
};

struct Attention {
  at::Tensor out;         // [N, H, E] in q's type
  at::Tensor normaliser;  // [N, H] float32: log of the sum of a row's exponentials
};
Attention attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const Spans& spans);

struct AttentionGradients {
  at::Tensor q, k, v;  // in the types of what they are gradients of
};
AttentionGradients attention_gradients(const at::Tensor& dout, const at::Tensor& q,
                                       const at::Tensor& k, const at::Tensor& v,
                                       const Attention& forward, const Spans& spans);

}  // namespace tunewright::ops::cpu
