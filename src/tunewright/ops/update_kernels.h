#pragma once
#include <cstdint>

#include "tunewright/ops/kernels.h"

// The optimizers' passes over one row of n numbers, compiled once for each instruction set and
// chosen at run time.  Everything is float32 but what is said to be packed.  Rows do not overlap.
namespace tunewright::ops::kernels {

// One step of AdamW, the same for all rows.  The update of a weight w with gradient g:
//   g' = gradient_scale g;  mean += (1 - beta1) (g' - mean);  square = beta2 square + (1 - beta2)
//   g'^2 w = keep w - step_size mean / (sqrt(square) root_scale + epsilon)
struct AdamwStep {
  float gradient_scale = 1;
  float beta1 = 0, beta2 = 0, epsilon = 0;
  float keep = 1;        // 1 - learning rate * weight decay
  float step_size = 0;   // learning rate / (1 - beta1^t)
  float root_scale = 1;  // 1 / sqrt(1 - beta2^t)
};
void adamw_row(float* weight, const float* gradient, float* mean, float* square, int64_t n,
               const AdamwStep& step);

// Numbers of a block of an 8-bit state, which share the scale `largest`.
inline constexpr int64_t kQuantizedBlock = 256;
// The values that the codes 0 … 255 stand for, as shares of `largest`, in rising order: the dynamic
// map of Dettmers et al. (2022) "8-bit Optimizers via Block-wise Quantization", signed or not.
const float* dynamic_map(bool with_sign);
// The same with 8-bit states.  n <= kQuantizedBlock numbers, one block.
struct QuantizedBlock {
  uint8_t* codes;
  float* largest;
};
void adamw_8bit_row(float* weight, const float* gradient, QuantizedBlock mean,
                    QuantizedBlock square, int64_t n, const AdamwStep& step);

// w = keep w - learning_rate sign(beta1 mean + (1 - beta1) g');  mean = beta2 mean + (1 - beta2) g'
struct LionStep {
  float gradient_scale = 1;
  float beta1 = 0, beta2 = 0;
  float keep = 1;
  float learning_rate = 0;
};
void lion_row(float* weight, const float* gradient, float* mean, int64_t n, const LionStep& step);

// velocity = momentum velocity + g' + weight_decay w;  w -= learning_rate velocity.  A null
// velocity is no momentum.
struct SgdStep {
  float gradient_scale = 1;
  float momentum = 0;
  float weight_decay = 0;
  float learning_rate = 0;
};
void sgd_row(float* weight, const float* gradient, float* velocity, int64_t n, const SgdStep& step);

// Sum of squares.
double squares_row(const float* x, int64_t n);

void widen_row(const BFloat16Bits* x, float* out, int64_t n);
// To the nearest, ties to even; NaN stays NaN.
void round_row(const float* x, BFloat16Bits* out, int64_t n);

// Uniform bits by Philox 4x32-10 as base's Random makes them: eight numbers take one block.
struct RandomBlocks {
  uint64_t seed = 0, stream = 0;
  uint64_t first = 0;  // block of the first eight numbers
};
// Up or down to a neighbour, with the probabilities that make the expectation x; a bfloat16 stays.
// Number i takes bits [16 (i % 8), 16 (i % 8) + 16) of block first + i / 8.
void stochastic_round_row(const float* x, BFloat16Bits* out, int64_t n, const RandomBlocks& random);

}  // namespace tunewright::ops::kernels
