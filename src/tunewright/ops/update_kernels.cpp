#include "tunewright/ops/update_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "tunewright/base/instruction_sets.h"

// Loops that the compiler turns into vectors: no branch, no call, one type of number.
namespace tunewright::ops::kernels {
namespace {

constexpr int kCodes = 256;

struct DynamicMap {
  std::array<float, kCodes> values;
  std::array<float, kCodes> midpoints;  // between value i and i + 1; the last one is never reached
};

// Each power of ten from 1e-6 to 1 holds twice as many evenly spaced numbers as the one below.
DynamicMap make_dynamic_map(bool with_sign) {
  constexpr int kDecades = 7;
  std::array<double, kCodes> values{};  // two of them stay 0 or become 1
  int count = 0;
  for (int decade = 0; decade < kDecades; ++decade) {
    const int steps = with_sign ? 1 << decade : 2 << decade;
    const double unit = std::pow(10.0, decade - (kDecades - 1));
    for (int i = 0; i < steps; ++i) {
      const double middle = 0.1 + 0.9 * (i + 0.5) / steps;
      values[static_cast<size_t>(count++)] = unit * middle;
      if (with_sign) values[static_cast<size_t>(count++)] = -unit * middle;
    }
  }
  values[static_cast<size_t>(count++)] = 0.0;
  values[static_cast<size_t>(count++)] = 1.0;
  std::sort(values.begin(), values.end());
  DynamicMap map{};
  for (size_t i = 0; i < kCodes; ++i) map.values[i] = static_cast<float>(values[i]);
  for (size_t i = 0; i + 1 < kCodes; ++i)
    map.midpoints[i] = static_cast<float>((values[i] + values[i + 1]) / 2);
  map.midpoints[kCodes - 1] = std::numeric_limits<float>::infinity();
  return map;
}

const DynamicMap& map_of(bool with_sign) {
  static const DynamicMap maps[] = {make_dynamic_map(false), make_dynamic_map(true)};
  return maps[with_sign ? 1 : 0];
}

TUNEWRIGHT_INLINE void dequantize(QuantizedBlock block, const float* __restrict values,
                                  float* __restrict out, int64_t n) {
  const float largest = *block.largest;
  const uint8_t* __restrict codes = block.codes;
  for (int64_t i = 0; i < n; ++i) out[i] = values[codes[i]] * largest;
}

// Side by side: the compiler may not reorder one chain of comparisons.
TUNEWRIGHT_INLINE float largest_size(const float* x, int64_t n) {
  constexpr int64_t kChains = 16;
  float chains[kChains] = {};
  const int64_t whole = n - n % kChains;
  for (int64_t i = 0; i < whole; i += kChains) {
    for (int64_t j = 0; j < kChains; ++j) chains[j] = std::max(chains[j], std::fabs(x[i + j]));
  }
  for (int64_t i = whole; i < n; ++i)
    chains[i - whole] = std::max(chains[i - whole], std::fabs(x[i]));
  return *std::max_element(chains, chains + kChains);
}

// To the nearest value: the number of midpoints below it, by a search without branches.
TUNEWRIGHT_INLINE void quantize(const float* __restrict x, const float* __restrict midpoints,
                                QuantizedBlock block, int64_t n) {
  const float largest = largest_size(x, n);
  const float divisor = largest > 0.0f ? largest : 1.0f;
  float share[kQuantizedBlock];
  int32_t code[kQuantizedBlock];
  for (int64_t i = 0; i < n; ++i) {
    share[i] = x[i] / divisor;
    code[i] = 0;
  }
  for (int32_t half = kCodes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < n; ++i) code[i] += midpoints[code[i] + half - 1] < share[i] ? half : 0;
  }
  for (int64_t i = 0; i < n; ++i) block.codes[i] = static_cast<uint8_t>(code[i]);
  *block.largest = largest;
}

TUNEWRIGHT_INLINE void adamw(float* __restrict weight, const float* __restrict gradient,
                             float* __restrict mean, float* __restrict square, int64_t n,
                             const AdamwStep& step) {
  const float rise1 = 1.0f - step.beta1, rise2 = 1.0f - step.beta2;
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    const float m = mean[i] + rise1 * (g - mean[i]);
    const float v = step.beta2 * square[i] + rise2 * g * g;
    mean[i] = m;
    square[i] = v;
    const float root = std::sqrt(v) * step.root_scale + step.epsilon;
    weight[i] = weight[i] * step.keep - step.step_size * (m / root);
  }
}

TUNEWRIGHT_INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

constexpr uint32_t kExponent = 0x7f800000u;  // all of it set: infinite or no number

TUNEWRIGHT_INLINE uint16_t rounded(uint32_t bits) {
  const uint32_t even = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool is_nan = (bits & 0x7fffffffu) > kExponent;
  return static_cast<uint16_t>(is_nan ? 0x7fc0u : even);
}

constexpr int64_t kPerBlock = 8;  // 16-bit numbers of a Philox block
constexpr int64_t kBlocksAtOnce = 32;
constexpr int64_t kBitsAtOnce = kPerBlock * kBlocksAtOnce;

// bits[8 b + j]: number j of block first + b.
TUNEWRIGHT_INLINE void random_bits(const RandomBlocks& random, uint64_t first,
                                   uint32_t* __restrict bits) {
  uint32_t c0[kBlocksAtOnce], c1[kBlocksAtOnce], c2[kBlocksAtOnce], c3[kBlocksAtOnce];
  for (int64_t b = 0; b < kBlocksAtOnce; ++b) {
    const uint64_t block = first + static_cast<uint64_t>(b);
    c0[b] = static_cast<uint32_t>(block);
    c1[b] = static_cast<uint32_t>(block >> 32);
    c2[b] = static_cast<uint32_t>(random.stream);
    c3[b] = static_cast<uint32_t>(random.stream >> 32);
  }
  auto key0 = static_cast<uint32_t>(random.seed), key1 = static_cast<uint32_t>(random.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int64_t b = 0; b < kBlocksAtOnce; ++b) {
      const uint64_t product0 = uint64_t{0xD2511F53} * c0[b],
                     product1 = uint64_t{0xCD9E8D57} * c2[b];
      c0[b] = static_cast<uint32_t>(product1 >> 32) ^ c1[b] ^ key0;
      c1[b] = static_cast<uint32_t>(product1);
      c2[b] = static_cast<uint32_t>(product0 >> 32) ^ c3[b] ^ key1;
      c3[b] = static_cast<uint32_t>(product0);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int64_t b = 0; b < kBlocksAtOnce; ++b) {
    const uint32_t words[] = {c0[b], c1[b], c2[b], c3[b]};
    for (int64_t j = 0; j < kPerBlock; ++j) {
      bits[b * kPerBlock + j] = (words[j / 2] >> (16 * (j % 2))) & 0xffffu;
    }
  }
}

}  // namespace

const float* dynamic_map(bool with_sign) { return map_of(with_sign).values.data(); }

TUNEWRIGHT_CLONES void adamw_row(float* weight, const float* gradient, float* mean, float* square,
                                 int64_t n, const AdamwStep& step) {
  adamw(weight, gradient, mean, square, n, step);
}

TUNEWRIGHT_CLONES static void adamw_quantized(float* weight, const float* gradient,
                                              QuantizedBlock mean, QuantizedBlock square, int64_t n,
                                              const AdamwStep& step, const DynamicMap& signed_map,
                                              const DynamicMap& unsigned_map) {
  float m[kQuantizedBlock], v[kQuantizedBlock];
  dequantize(mean, signed_map.values.data(), m, n);
  dequantize(square, unsigned_map.values.data(), v, n);
  adamw(weight, gradient, m, v, n, step);
  quantize(m, signed_map.midpoints.data(), mean, n);
  quantize(v, unsigned_map.midpoints.data(), square, n);
}

void adamw_8bit_row(float* weight, const float* gradient, QuantizedBlock mean,
                    QuantizedBlock square, int64_t n, const AdamwStep& step) {
  adamw_quantized(weight, gradient, mean, square, n, step, map_of(true), map_of(false));
}

TUNEWRIGHT_CLONES void lion_row(float* weight, const float* gradient, float* mean, int64_t n,
                                const LionStep& step) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    const float direction = step.beta1 * mean[i] + (1.0f - step.beta1) * g;
    const float sign = (direction > 0.0f ? 1.0f : 0.0f) - (direction < 0.0f ? 1.0f : 0.0f);
    weight[i] = weight[i] * step.keep - step.learning_rate * sign;
    mean[i] = step.beta2 * mean[i] + (1.0f - step.beta2) * g;
  }
}

TUNEWRIGHT_CLONES void sgd_row(float* weight, const float* gradient, float* velocity, int64_t n,
                               const SgdStep& step) {
  for (int64_t i = 0; i < n; ++i) {
    float push = gradient[i] * step.gradient_scale + step.weight_decay * weight[i];
    if (velocity != nullptr) push = velocity[i] = step.momentum * velocity[i] + push;
    weight[i] -= step.learning_rate * push;
  }
}

// Many sums side by side: the compiler may not reorder one, and a long one loses digits.
TUNEWRIGHT_CLONES double squares_row(const float* x, int64_t n) {
  constexpr int64_t kSums = 64;
  float sums[kSums] = {};
  const int64_t whole = n - n % kSums;
  for (int64_t i = 0; i < whole; i += kSums) {
    for (int64_t j = 0; j < kSums; ++j) sums[j] += x[i + j] * x[i + j];
  }
  for (int64_t i = whole; i < n; ++i) sums[i - whole] += x[i] * x[i];
  double total = 0;
  for (const float sum : sums) total += static_cast<double>(sum);
  return total;
}

TUNEWRIGHT_CLONES void widen_row(const BFloat16Bits* x, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = static_cast<uint32_t>(x[i].bits) << 16;
    std::memcpy(out + i, &bits, sizeof bits);
  }
}

TUNEWRIGHT_CLONES void round_row(const float* x, BFloat16Bits* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i].bits = rounded(bits_of(x[i]));
}

TUNEWRIGHT_CLONES void stochastic_round_row(const float* x, BFloat16Bits* out, int64_t n,
                                            const RandomBlocks& random) {
  uint32_t noise[kBitsAtOnce];
  for (int64_t begin = 0; begin < n; begin += kBitsAtOnce) {
    random_bits(random, random.first + static_cast<uint64_t>(begin / kPerBlock), noise);
    const int64_t count = std::min(kBitsAtOnce, n - begin);
    for (int64_t i = 0; i < count; ++i) {
      const uint32_t bits = bits_of(x[begin + i]);
      const uint32_t raised = (bits + noise[i]) >> 16;
      const bool finite = (bits & kExponent) != kExponent;
      out[begin + i].bits = static_cast<uint16_t>(finite ? raised : rounded(bits));
    }
  }
}

}  // namespace tunewright::ops::kernels
