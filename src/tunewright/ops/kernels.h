#pragma once
#include <cstdint>

// Loops over one row of n numbers, compiled once for each instruction set and chosen at run time.
// Numbers are float32 or bfloat16 in memory (the type argument) and float32 in registers.
namespace tunewright::ops::kernels {

// A bfloat16 as its bits, so that this header needs no torch.
struct BFloat16Bits {
  uint16_t bits;
};

// out = weight * (x * rstd), where rstd = 1 / sqrt(mean(x^2) + epsilon) is returned.
float rms_norm_row(const float* x, const float* weight, float* out, int64_t n, float epsilon);
float rms_norm_row(const BFloat16Bits* x, const BFloat16Bits* weight, BFloat16Bits* out, int64_t n,
                   float epsilon);

// sum = x + residual, stored, and out = rms_norm_row(sum).
void residual_rms_norm_row(const float* x, const float* residual, const float* weight, float* sum,
                           float* out, int64_t n, float epsilon);
void residual_rms_norm_row(const BFloat16Bits* x, const BFloat16Bits* residual,
                           const BFloat16Bits* weight, BFloat16Bits* sum, BFloat16Bits* out,
                           int64_t n, float epsilon);

// dx of rms_norm_row, plus `more` (may be null); weight_gradient (float32, may be null) is added
// to.
void rms_norm_backward_row(const float* dy, const float* x, const float* weight, const float* more,
                           float* dx, float* weight_gradient, int64_t n, float epsilon);
void rms_norm_backward_row(const BFloat16Bits* dy, const BFloat16Bits* x,
                           const BFloat16Bits* weight, const BFloat16Bits* more, BFloat16Bits* dx,
                           float* weight_gradient, int64_t n, float epsilon);

// Rotates the pairs (i, i + half) of one head by `sign` times the angle.
void rotary_row(const float* x, const float* cosine, const float* sine, float* out, int64_t half,
                float sign);
void rotary_row(const BFloat16Bits* x, const float* cosine, const float* sine, BFloat16Bits* out,
                int64_t half, float sign);

// out = silu(gate) * up.
void swiglu_row(const float* gate, const float* up, float* out, int64_t n);
void swiglu_row(const BFloat16Bits* gate, const BFloat16Bits* up, BFloat16Bits* out, int64_t n);
void swiglu_backward_row(const float* dy, const float* gate, const float* up, float* dgate,
                         float* dup, int64_t n);
void swiglu_backward_row(const BFloat16Bits* dy, const BFloat16Bits* gate, const BFloat16Bits* up,
                         BFloat16Bits* dgate, BFloat16Bits* dup, int64_t n);

// out = gelu(gate) * up, gelu in its tanh form.
void geglu_row(const float* gate, const float* up, float* out, int64_t n);
void geglu_row(const BFloat16Bits* gate, const BFloat16Bits* up, BFloat16Bits* out, int64_t n);
void geglu_backward_row(const float* dy, const float* gate, const float* up, float* dgate,
                        float* dup, int64_t n);
void geglu_backward_row(const BFloat16Bits* dy, const BFloat16Bits* gate, const BFloat16Bits* up,
                        BFloat16Bits* dgate, BFloat16Bits* dup, int64_t n);

// log(sum(exp(x))).
float log_sum_exp_row(const float* x, int64_t n);
// x = softmax(x) in place; returns log(sum(exp(x))).  n > 0.
float softmax_row(float* x, int64_t n);
// The gradient of a softmax's input: dx = weights * (dx - projection) in place, where projection is
// the sum of weights * dx.
void softmax_backward_row(const float* weights, float* dx, int64_t n, float projection);
// scores[j] = scale * <query, key j>, key j lying at keys + j * stride; j < n.
void scaled_dots(const float* query, const float* keys, int64_t stride, int64_t width, float scale,
                 float* scores, int64_t n);
// out = sum over j < n of weights[j] * value j, value j lying at values + j * stride.
void weighted_sum(const float* weights, const float* values, int64_t stride, int64_t width,
                  float* out, int64_t n);
// x = scale * exp(x - shift).
void scaled_exp_row(float* x, int64_t n, float shift, float scale);

// out = x / (1 - p) where kept, else 0.  The mask is a function of (seed, index) alone; p in [0,
// 1).
void dropout_row(const float* x, float* out, int64_t n, uint64_t seed, float p);

}  // namespace tunewright::ops::kernels
