#pragma once
#include <cstdint>
#include <span>

#include "ATen/core/Tensor.h"
#include "tunewright/ops/activation.h"
#include "tunewright/ops/quantized.h"
#include "tunewright/ops/update_kernels.h"

// What the operations of ops.h do with tensors on an NVIDIA device: the same functions, shapes and
// precision as their CPU kernels.  CMake chooses the body: dispatch.cpp and attention.cpp where the
// build has CUDA, else absent.cpp, which nothing calls because no tensor can be on a device.
// Tensors are contiguous, float32, bfloat16 or float16, of one type where nothing else is said.
// Nothing here waits for the device.
namespace tunewright::ops::cuda {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);
struct RmsNormGradients {
  at::Tensor x, weight;  // weight: undefined unless needed
};
RmsNormGradients rms_norm_backward(const at::Tensor& dy, const at::Tensor& x,
                                   const at::Tensor& weight, double epsilon, bool weight_needed);

// x [N, H, E]; cosine, sine [N, E/2] float32.
at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                  float sign);

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
SwigluGradients swiglu_backward(const at::Tensor& dy, const at::Tensor& gate, const at::Tensor& up);

// logits [M, V] float32, which become their gradient where `gradient` is set; labels [M] int64,
// weights [M] float32 -> losses [M].  A label outside [0, V) gives losses that are not a number.
at::Tensor cross_entropy_rows_(at::Tensor& logits, const at::Tensor& labels,
                               const at::Tensor& weights, bool gradient);

// x [N, D] float32.
at::Tensor dropout(const at::Tensor& x, double p, uint64_t seed, const at::Tensor& mask_rows);

// Causal attention, with gradient.  q [N, H, E]; k, v [S, K, E] -> [N, H, E].  span_attention(): S
// = N, within each span of `offsets`; cached_attention(): q are the last of one sequence. bfloat16
// and float16 by ATen's flash attention from compute capability 8.0 on, else by its
// memory-efficient one: no loop over the spans, no mask of all pairs.
at::Tensor span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          std::span<const int64_t> offsets, double scale, int64_t window);
at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            double scale, int64_t window);

// Rows of a quantised matrix from row `begin` on; out [count, D].
struct Nf4Tables {
  at::Tensor levels, absmax_levels;  // [16], [256] float32
};
void decode_nf4(const Nf4Matrix::Parts& parts, const Nf4Tables& tables, int64_t begin,
                at::Tensor& out);
void decode_int8(const Int8Matrix::Parts& parts, int64_t begin, at::Tensor& out);

// out bfloat16 = x float32, rounded as kernels::stochastic_round_row() does.
void stochastic_round_(at::Tensor& out, const at::Tensor& x, const kernels::RandomBlocks& random);

// Of the current device: what the caching allocator took of it at most.
int64_t peak_memory_bytes();

// Ten times the device's compute capability: 80, 90, …
int compute_capability(at::Device device);

}  // namespace tunewright::ops::cuda
