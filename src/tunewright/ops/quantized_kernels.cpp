#include "tunewright/ops/quantized_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tunewright/base/instruction_sets.h"

namespace tunewright::ops::kernels {

// QLoRA (arXiv 2305.14314), appendix E: the quantiles of a normal distribution.
const float kNf4Levels[16] = {-1.0F,
                              -0.6961928009986877F,
                              -0.5250730514526367F,
                              -0.39491748809814453F,
                              -0.28444138169288635F,
                              -0.18477343022823334F,
                              -0.09105003625154495F,
                              0.0F,
                              0.07958029955625534F,
                              0.16093020141124725F,
                              0.24611230194568634F,
                              0.33791524171829224F,
                              0.44070982933044434F,
                              0.5626170039176941F,
                              0.7229568362236023F,
                              1.0F};

namespace {

// Eight lanes: what one instruction of AVX2 looks up in a table.
constexpr int64_t kLanes = 8;
typedef float Floats __attribute__((vector_size(32)));
typedef int32_t Words __attribute__((vector_size(32)));
typedef uint8_t EightBytes __attribute__((vector_size(8)));
typedef float WideFloats __attribute__((vector_size(64)));

template <class Vector, class T>
TUNEWRIGHT_INLINE Vector load(const T* p) {
  Vector x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

template <class Vector, class T>
TUNEWRIGHT_INLINE void store(T* p, Vector x) {
  std::memcpy(p, &x, sizeof x);
}

// The levels of four bytes, upper half of a byte first.
TUNEWRIGHT_INLINE Floats levels_of(const uint8_t* codes, Floats lower, Floats upper) {
  int32_t four;
  std::memcpy(&four, codes, sizeof four);
  const Words shifts = {4, 0, 12, 8, 20, 16, 28, 24};
  const Words index = (Words{} + four) >> shifts;
  const Words within = index & 7, is_upper = (index & 8) != 0;
  return is_upper ? __builtin_shuffle(upper, within) : __builtin_shuffle(lower, within);
}

TUNEWRIGHT_INLINE float largest_size(const float* x, int64_t n) {
  Floats largest = {};
  for (int64_t i = 0; i < n; i += kLanes) {
    const auto value = load<Floats>(x + i);
    const Floats size = value < 0.0F ? -value : value;
    largest = size > largest ? size : largest;
  }
  float result = 0.0F;
  for (int64_t i = 0; i < kLanes; ++i) result = std::max(result, largest[i]);
  return result;
}

// How many of the fifteen middles between levels lie below: the index of the nearest level.
TUNEWRIGHT_INLINE Words nearest_level(Floats x) {
  Words index = {};
  for (int i = 0; i < 15; ++i) index -= x > (kNf4Levels[i] + kNf4Levels[i + 1]) / 2.0F;
  return index;
}

}  // namespace

TUNEWRIGHT_CLONES void nf4_encode_blocks(const float* x, int64_t blocks, uint8_t* codes,
                                         float* absmax) {
  for (int64_t b = 0; b < blocks; ++b, x += kNf4Block, codes += kNf4Block / 2) {
    absmax[b] = largest_size(x, kNf4Block);
    const float inverse = 1.0F / std::max(absmax[b], 1e-38F);  // a block of zeros stays zero
    for (int64_t i = 0; i < kNf4Block; i += kLanes) {
      const Words index = nearest_level(load<Floats>(x + i) * inverse);
      const Words even = __builtin_shuffle(index, Words{0, 2, 4, 6, 0, 2, 4, 6});
      const Words odd = __builtin_shuffle(index, Words{1, 3, 5, 7, 1, 3, 5, 7});
      const auto bytes = __builtin_convertvector(even << 4 | odd, EightBytes);
      std::memcpy(codes + i / 2, &bytes, kLanes / 2);
    }
  }
}

TUNEWRIGHT_CLONES void nf4_decode_blocks(const uint8_t* codes, const float* absmax, int64_t blocks,
                                         float* out) {
  const auto lower = load<Floats>(kNf4Levels), upper = load<Floats>(kNf4Levels + 8);
  for (int64_t b = 0; b < blocks; ++b) {
    const float scale = absmax[b];
    for (int64_t i = 0; i < kNf4Block; i += kLanes, codes += kLanes / 2, out += kLanes)
      store(out, levels_of(codes, lower, upper) * scale);
  }
}

TUNEWRIGHT_CLONES void int8_decode_row(const int8_t* codes, float scale, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(codes[i]) * scale;
}

TUNEWRIGHT_CLONES float dot_row(const float* a, const float* b, int64_t n) {
  constexpr int64_t kWide = 16;
  WideFloats sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * kWide <= n; i += 4 * kWide) {
    for (int64_t j = 0; j < 4; ++j)
      sums[j] += load<WideFloats>(a + i + j * kWide) * load<WideFloats>(b + i + j * kWide);
  }
  for (; i + kWide <= n; i += kWide) sums[0] += load<WideFloats>(a + i) * load<WideFloats>(b + i);
  const WideFloats lanes = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float total = 0.0F;
  for (int64_t j = 0; j < kWide; ++j) total += lanes[j];
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

}  // namespace tunewright::ops::kernels
