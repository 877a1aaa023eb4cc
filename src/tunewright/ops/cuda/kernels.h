#pragma once
#include <cstdint>

struct CUstream_st;

// The kernels of this folder's .cu files, for callers without a CUDA header.  Every pointer is
// device memory of contiguous numbers.  A call only starts its kernels, in the order of `stream`;
// the sums are in a fixed order, so the same input gives the same bits.  A kernel that the device
// refuses to start is an InternalError.
namespace tunewright::ops::cuda {

using Stream = CUstream_st*;  // cudaStream_t

// How numbers are stored where a pointer is void; they are float32 in registers.
enum class Number { kFloat32, kBFloat16, kFloat16 };

// out = weight * (x * rstd), where rstd = 1 / sqrt(mean(x^2) + epsilon) of each row.
struct RmsNorm {
  const void* x;       // [rows, width]
  const void* weight;  // [width]
  void* out;           // [rows, width]
  int64_t rows, width;
  float epsilon;
};
void rms_norm(Number number, const RmsNorm& norm, Stream stream);

// Gradients of rms_norm().  The weight's is the sum over groups of kRowsPerPartial rows, each added
// in order, then over the groups in order.
inline constexpr int64_t kRowsPerPartial = 64;
struct RmsNormBackward {
  const void *dy, *x;  // [rows, width]
  const void* weight;  // [width]
  void* dx;            // [rows, width]
  float* rstd;         // [rows] scratch
  float*
      partials;    // [ceil(rows / kRowsPerPartial), width] scratch; null: no gradient of the weight
  float* dweight;  // [width]; null with `partials`
  int64_t rows, width;
  float epsilon;
};
void rms_norm_backward(Number number, const RmsNormBackward& norm, Stream stream);

// Rotates the pairs (i, i + half) of each head by `sign` times the token's angle.
struct Rotary {
  const void* x;               // [tokens, heads, 2 half]
  const float *cosine, *sine;  // [tokens, half]
  void* out;                   // [tokens, heads, 2 half]
  int64_t tokens, heads, half;
  float sign;
};
void rotary(Number number, const Rotary& rotary, Stream stream);

// out = silu(gate) * up.  [size] each.
struct Swiglu {
  const void *gate, *up;
  void* out;
  int64_t size;
};
void swiglu(Number number, const Swiglu& swiglu, Stream stream);
struct SwigluBackward {
  const void *dy, *gate, *up;
  void *dgate, *dup;
  int64_t size;
};
void swiglu_backward(Number number, const SwigluBackward& swiglu, Stream stream);

// losses = weight * (log(sum(exp(row))) - row[label]); with `gradient` the row becomes its
// gradient. A label outside the row makes both not a number.
struct CrossEntropy {
  float* logits;          // [rows, width]
  const int64_t* labels;  // [rows]
  const float* weights;   // [rows]
  float* losses;          // [rows]
  int64_t rows, width;
  bool gradient;
};
void cross_entropy(const CrossEntropy& rows, Stream stream);

// out = x / (1 - p) where kept, else 0: the mask of kernels::dropout_row() for each row.
struct Dropout {
  const float* x;  // [rows, width]
  float* out;
  const int64_t* mask_rows;  // [rows]: what each counts as in the mask; null: 0, 1, …
  int64_t rows, width;
  uint64_t seed;
  float p;
};
void dropout(const Dropout& dropout, Stream stream);

// Numbers [first, first + size) of a flattened matrix in 4 bits, as Nf4Matrix stores it.
struct Nf4Codes {
  const uint8_t* codes;
  const uint8_t* absmax_codes;
  const float* absmax_scales;
  const float* levels;         // [16]
  const float* absmax_levels;  // [256]
  float absmax_mean;
};
void decode_nf4(Number number, const Nf4Codes& codes, int64_t first, int64_t size, void* out,
                Stream stream);

// Rows of a matrix in 8 bits, as Int8Matrix stores it.
struct Int8Rows {
  const int8_t* codes;  // [rows, width]
  const float* absmax;  // [rows]
  int64_t rows, width;
};
void decode_int8(Number number, const Int8Rows& rows, void* out, Stream stream);

// Float32 to bfloat16, up or down at random: as kernels::stochastic_round_row().
struct StochasticRound {
  const float* x;
  uint16_t* out;  // bfloat16
  int64_t size;
  uint64_t seed, random_stream, first_block;
};
void stochastic_round(const StochasticRound& numbers, Stream stream);

}  // namespace tunewright::ops::cuda
