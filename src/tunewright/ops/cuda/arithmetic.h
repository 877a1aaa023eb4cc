#pragma once
#include <cmath>
#include <cstdint>

#include "tunewright/ops/cuda/kernels.h"
#include "tunewright/ops/dropout_bits.h"
#include "tunewright/ops/host_device.h"
#include "tunewright/ops/kernels.h"
#ifdef __CUDACC__
#include <cuda_fp16.h>
#else
#include <bit>
#endif

// The arithmetic of the kernels, without their launch: what one lane of a row's team, or the thread
// of one number, computes.  The processor compiles it too, which is how it is tested where no
// device is.
//   A team of `lanes` lanes shares a row; lane i takes numbers i, i + lanes, …
namespace tunewright::ops::cuda {

using kernels::BFloat16Bits;
struct Float16Bits {
  uint16_t bits;
};

TUNEWRIGHT_HOST_DEVICE uint32_t bits_of(float x) {
#ifdef __CUDACC__
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
#else
  return std::bit_cast<uint32_t>(x);
#endif
}
TUNEWRIGHT_HOST_DEVICE float float_of(uint32_t bits) {
#ifdef __CUDACC__
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
#else
  return std::bit_cast<float>(bits);
#endif
}

TUNEWRIGHT_HOST_DEVICE float widen(float x) { return x; }
TUNEWRIGHT_HOST_DEVICE float widen(BFloat16Bits x) { return float_of(uint32_t{x.bits} << 16); }
TUNEWRIGHT_HOST_DEVICE float widen(Float16Bits x) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half(x.bits));
#else
  return static_cast<float>(std::bit_cast<_Float16>(x.bits));
#endif
}

// To the nearest, ties to even; NaN stays NaN.
TUNEWRIGHT_HOST_DEVICE uint16_t bfloat16_bits(float x) {
  const uint32_t bits = bits_of(x);
  if (x != x) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
TUNEWRIGHT_HOST_DEVICE void round_to(float x, float& out) { out = x; }
TUNEWRIGHT_HOST_DEVICE void round_to(float x, BFloat16Bits& out) { out.bits = bfloat16_bits(x); }
TUNEWRIGHT_HOST_DEVICE void round_to(float x, Float16Bits& out) {
#ifdef __CUDACC__
  out.bits = __half_as_ushort(__float2half_rn(x));
#else
  out.bits = std::bit_cast<uint16_t>(static_cast<_Float16>(x));
#endif
}
template <class T>
TUNEWRIGHT_HOST_DEVICE float stored_as(float x) {
  T stored;
  round_to(x, stored);
  return widen(stored);
}

// A product and a sum that the compiler may not join into one rounding: decoded weights are then
// the same numbers on every device.
TUNEWRIGHT_HOST_DEVICE float rounded_product(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}
TUNEWRIGHT_HOST_DEVICE float rounded_sum(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}

// Root-mean-square norm of a row.
template <class T>
TUNEWRIGHT_HOST_DEVICE float squares_of_lane(const T* x, int64_t width, int lane, int lanes) {
  float sum = 0.0F;
  for (int64_t i = lane; i < width; i += lanes) {
    const float value = widen(x[i]);
    sum += value * value;
  }
  return sum;
}
TUNEWRIGHT_HOST_DEVICE float reciprocal_rms(float squares, int64_t width, float epsilon) {
  return 1.0F / sqrtf(squares / static_cast<float>(width) + epsilon);
}
template <class T>
TUNEWRIGHT_HOST_DEVICE void norm_of_lane(const T* x, const T* weight, T* out, int64_t width,
                                         float rstd, int lane, int lanes) {
  for (int64_t i = lane; i < width; i += lanes)
    round_to(widen(weight[i]) * stored_as<T>(widen(x[i]) * rstd), out[i]);
}
// The lane's part of sum(dy * weight * x).
template <class T>
TUNEWRIGHT_HOST_DEVICE float projection_of_lane(const T* dy, const T* x, const T* weight,
                                                int64_t width, int lane, int lanes) {
  float sum = 0.0F;
  for (int64_t i = lane; i < width; i += lanes)
    sum += widen(dy[i]) * widen(weight[i]) * widen(x[i]);
  return sum;
}
template <class T>
TUNEWRIGHT_HOST_DEVICE void norm_gradient_of_lane(const T* dy, const T* x, const T* weight, T* dx,
                                                  int64_t width, float rstd, float products,
                                                  int lane, int lanes) {
  const float projection = products * rstd * rstd / static_cast<float>(width);
  for (int64_t i = lane; i < width; i += lanes)
    round_to((widen(dy[i]) * widen(weight[i]) - widen(x[i]) * projection) * rstd, dx[i]);
}
// Sum over rows [begin, end) of what they add to the gradient of the weight of one column.
template <class T>
TUNEWRIGHT_HOST_DEVICE float weight_gradient_of_column(const T* dy, const T* x, const float* rstd,
                                                       int64_t width, int64_t column, int64_t begin,
                                                       int64_t end) {
  float sum = 0.0F;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * width + column;
    sum += widen(dy[at]) * stored_as<T>(widen(x[at]) * rstd[row]);
  }
  return sum;
}
TUNEWRIGHT_HOST_DEVICE float column_sum(const float* partials, int64_t count, int64_t width,
                                        int64_t column) {
  float sum = 0.0F;
  for (int64_t i = 0; i < count; ++i) sum += partials[i * width + column];
  return sum;
}

// Pair `pair` of a token's heads: number pair % half of head pair / half.
template <class T>
TUNEWRIGHT_HOST_DEVICE void rotate_pair(const T* x, const float* cosine, const float* sine, T* out,
                                        int64_t pair, int64_t half, float sign) {
  const int64_t i = pair % half, first = pair / half * 2 * half + i, second = first + half;
  const float a = widen(x[first]), b = widen(x[second]);
  const float c = cosine[i], s = sine[i] * sign;
  round_to(a * c - b * s, out[first]);
  round_to(b * c + a * s, out[second]);
}

TUNEWRIGHT_HOST_DEVICE float sigmoid(float x) { return 1.0F / (1.0F + expf(-x)); }
TUNEWRIGHT_HOST_DEVICE float swiglu_of(float gate, float up) { return gate * sigmoid(gate) * up; }
struct SwigluTerms {
  float gate, up;
};
TUNEWRIGHT_HOST_DEVICE SwigluTerms swiglu_gradient(float dy, float gate, float up) {
  const float s = sigmoid(gate);
  return {dy * up * s * (1.0F + gate * (1.0F - s)), dy * gate * s};
}

// A sum of exp(x - largest) over numbers that are seen once.  No default values: it lies in shared
// memory.
struct ExpSum {
  float largest, total;
};
TUNEWRIGHT_HOST_DEVICE ExpSum no_exp_sum() { return {-3.402823466e38F, 0.0F}; }
TUNEWRIGHT_HOST_DEVICE void add(ExpSum& sum, float x) {
  if (x > sum.largest) {
    sum.total = sum.total * expf(sum.largest - x) + 1.0F;
    sum.largest = x;
  } else {
    sum.total += expf(x - sum.largest);  // a NaN stays in the total
  }
}
TUNEWRIGHT_HOST_DEVICE ExpSum merged(ExpSum a, ExpSum b) {
  const float largest = a.largest > b.largest ? a.largest : b.largest;
  return {largest, a.total * expf(a.largest - largest) + b.total * expf(b.largest - largest)};
}
TUNEWRIGHT_HOST_DEVICE float log_of(ExpSum sum) { return sum.largest + logf(sum.total); }
TUNEWRIGHT_HOST_DEVICE ExpSum exp_sum_of_lane(const float* row, int64_t width, int lane,
                                              int lanes) {
  auto sum = no_exp_sum();
  for (int64_t i = lane; i < width; i += lanes) add(sum, row[i]);
  return sum;
}
TUNEWRIGHT_HOST_DEVICE float row_loss(const float* row, int64_t width, int64_t label,
                                      float normaliser, float weight) {
  if (label < 0 || label >= width) return NAN;
  return weight * (normaliser - row[label]);
}
TUNEWRIGHT_HOST_DEVICE void logit_gradient_of_lane(float* row, int64_t width, int64_t label,
                                                   float normaliser, float weight, int lane,
                                                   int lanes) {
  for (int64_t i = lane; i < width; i += lanes)
    row[i] = expf(row[i] - normaliser) * weight - (i == label ? weight : 0.0F);
}

// A bijective mix of 32 bits (the finalizer of MurmurHash3).
TUNEWRIGHT_HOST_DEVICE uint32_t mix(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}
// The same for all numbers of a call.
struct DropoutRule {
  uint32_t threshold;
  float scale;
};
inline DropoutRule dropout_rule(float p) { return {dropout_threshold(p), 1.0F / (1.0F - p)}; }
TUNEWRIGHT_HOST_DEVICE float dropped_out(float x, uint64_t row_seed, int64_t column,
                                         DropoutRule rule) {
  const auto low = static_cast<uint32_t>(row_seed), high = static_cast<uint32_t>(row_seed >> 32);
  const uint32_t random = mix(mix(static_cast<uint32_t>(column) + low) ^ high);
  return random >= rule.threshold ? x * rule.scale : 0.0F;
}

// Number i of a flattened matrix.
TUNEWRIGHT_HOST_DEVICE float nf4_number(const Nf4Codes& codes, int64_t i) {
  constexpr int64_t kBlock = 64, kAbsmaxBlock = 256;
  const int pair = codes.codes[i / 2], code = i % 2 == 0 ? pair >> 4 : pair & 15;
  const int64_t block = i / kBlock;
  const float share = codes.absmax_levels[codes.absmax_codes[block]];
  const float absmax = rounded_sum(
      rounded_product(share, codes.absmax_scales[block / kAbsmaxBlock]), codes.absmax_mean);
  return rounded_product(codes.levels[code], absmax);
}
TUNEWRIGHT_HOST_DEVICE float int8_number(int8_t code, float absmax) {
  return rounded_product(static_cast<float>(code), rounded_product(absmax, 1.0F / 127.0F));
}

// Ten rounds of Philox 4x32 (Salmon et al. 2011), as base's Random makes them.
struct PhiloxWords {
  uint32_t words[4];
};
TUNEWRIGHT_HOST_DEVICE PhiloxWords philox(uint64_t seed, uint64_t stream, uint64_t block) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = static_cast<uint32_t>(block >> 32),
           c2 = static_cast<uint32_t>(stream), c3 = static_cast<uint32_t>(stream >> 32),
           k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * c0, product1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ k0;
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(product1);
    c3 = static_cast<uint32_t>(product0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}
// Numbers that one Philox block serves.
inline constexpr int64_t kRoundedTogether = 8;
TUNEWRIGHT_HOST_DEVICE uint16_t stochastically_rounded(float x, const PhiloxWords& random,
                                                       int number) {
  constexpr uint32_t kExponent = 0x7f800000u;
  const uint32_t bits = bits_of(x);
  if ((bits & kExponent) == kExponent) return bfloat16_bits(x);
  const uint32_t noise = (random.words[number / 2] >> (16 * (number % 2))) & 0xffffu;
  return static_cast<uint16_t>((bits + noise) >> 16);
}
TUNEWRIGHT_HOST_DEVICE void stochastic_round_block(const StochasticRound& numbers, int64_t block) {
  const auto random = philox(numbers.seed, numbers.random_stream,
                             numbers.first_block + static_cast<uint64_t>(block));
  const int64_t begin = block * kRoundedTogether, rest = numbers.size - begin;
  for (int i = 0; i < kRoundedTogether && i < rest; ++i)
    numbers.out[begin + i] = stochastically_rounded(numbers.x[begin + i], random, i);
}

}  // namespace tunewright::ops::cuda
