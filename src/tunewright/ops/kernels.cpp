#include "tunewright/ops/kernels.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "tunewright/base/instruction_sets.h"

namespace tunewright::ops::kernels {
namespace {

// GCC's vector extension: sixteen lanes, which each clone splits as its registers ask.
constexpr int64_t kLanes = 16;
typedef float Floats __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));

TUNEWRIGHT_INLINE Floats splat(float value) { return Floats{} + value; }

TUNEWRIGHT_INLINE Floats load(const float* p) {
  Floats x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

TUNEWRIGHT_INLINE Floats load(const BFloat16Bits* p) {
  Halves h;
  std::memcpy(&h, p, sizeof h);
  const Words w = __builtin_convertvector(h, Words) << 16;
  return __builtin_bit_cast(Floats, w);
}

TUNEWRIGHT_INLINE void store(float* p, Floats x) { std::memcpy(p, &x, sizeof x); }

// Rounds to nearest, ties to even; NaN stays NaN.
TUNEWRIGHT_INLINE Halves to_bfloat16(Floats x) {
  const Words bits = __builtin_bit_cast(Words, x);
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Words is_nan = __builtin_bit_cast(Words, x != x);
  const Words result = (rounded & ~is_nan) | (is_nan & 0x7fc0u);
  return __builtin_convertvector(result, Halves);
}

TUNEWRIGHT_INLINE void store(BFloat16Bits* p, Floats x) {
  const Halves h = to_bfloat16(x);
  std::memcpy(p, &h, sizeof h);
}

// The first `count` lanes; the others are `fill`.
template <class T>
TUNEWRIGHT_INLINE Floats load_part(const T* p, int64_t count, float fill = 0.0f) {
  Floats x = splat(fill);
  for (int64_t i = 0; i < count; ++i) {
    T buffer[kLanes] = {};
    buffer[0] = p[i];
    x[i] = load(buffer)[0];
  }
  return x;
}

template <class T>
TUNEWRIGHT_INLINE void store_part(T* p, Floats x, int64_t count) {
  T buffer[kLanes];
  store(buffer, x);
  std::memcpy(p, buffer, static_cast<size_t>(count) * sizeof(T));
}

// What the storage type keeps of a float.
TUNEWRIGHT_INLINE Floats stored_as(const float*, Floats x) { return x; }
TUNEWRIGHT_INLINE Floats stored_as(const BFloat16Bits*, Floats x) {
  const Words w = __builtin_convertvector(to_bfloat16(x), Words) << 16;
  return __builtin_bit_cast(Floats, w);
}

TUNEWRIGHT_INLINE float sum(Floats x) {
  float total = 0.0f;
  for (int64_t i = 0; i < kLanes; ++i) total += x[i];
  return total;
}

TUNEWRIGHT_INLINE Floats maximum(Floats a, Floats b) { return a > b ? a : b; }
TUNEWRIGHT_INLINE Floats minimum(Floats a, Floats b) { return a < b ? a : b; }

// exp to about 1 unit in the last place on [-87, 88], where it saturates; NaN stays NaN.
// exp(x) = 2^k exp(r), |r| <= log(2) / 2; the coefficients are Cephes' expf.
TUNEWRIGHT_INLINE Floats exponential(Floats x) {
  const Floats clamped = minimum(splat(88.0f), maximum(splat(-87.0f), x));
  const Floats magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  const Floats shifted = clamped * 1.44269504088896341f + magic;
  const Floats k = shifted - magic;
  const Floats r = (clamped - k * 0.693359375f) + k * 2.12194440e-4f;
  Floats p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const Floats mantissa = p * r * r + r + 1.0f;
  const Words power = (__builtin_bit_cast(Words, shifted) << 23) + 0x3f800000u;
  const Floats result = mantissa * __builtin_bit_cast(Floats, power);
  return x == x ? result : x;
}

TUNEWRIGHT_INLINE Floats sigmoid(Floats x) { return splat(1.0f) / (1.0f + exponential(-x)); }

// Calls body(load, store-count) for each full block and once for what remains.
template <class Body>
TUNEWRIGHT_INLINE void for_blocks(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, kLanes);
  if (i < n) body(i, n - i);
}

template <class T>
TUNEWRIGHT_INLINE Floats read(const T* p, int64_t count) {
  return count == kLanes ? load(p) : load_part(p, count);
}
template <class T>
TUNEWRIGHT_INLINE void write(T* p, Floats x, int64_t count) {
  if (count == kLanes) {
    store(p, x);
  } else {
    store_part(p, x, count);
  }
}

template <class T>
TUNEWRIGHT_INLINE float reciprocal_rms(const T* x, int64_t n, float epsilon) {
  Floats squares = {};
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats value = read(x + i, count);
    squares += value * value;
  });
  return 1.0f / std::sqrt(sum(squares) / static_cast<float>(n) + epsilon);
}

template <class T>
TUNEWRIGHT_INLINE float rms_norm(const T* x, const T* weight, T* out, int64_t n, float epsilon) {
  const float rstd = reciprocal_rms(x, n, epsilon);
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats normed = stored_as(x, read(x + i, count) * rstd);
    write(out + i, read(weight + i, count) * normed, count);
  });
  return rstd;
}

template <class T>
TUNEWRIGHT_INLINE void residual_rms_norm(const T* x, const T* residual, const T* weight, T* sum,
                                         T* out, int64_t n, float epsilon) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    write(sum + i, read(x + i, count) + read(residual + i, count), count);
  });
  rms_norm(sum, weight, out, n, epsilon);
}

template <class T>
TUNEWRIGHT_INLINE void rms_norm_backward(const T* dy, const T* x, const T* weight, const T* more,
                                         T* dx, float* weight_gradient, int64_t n, float epsilon) {
  const float rstd = reciprocal_rms(x, n, epsilon);
  Floats products = {};
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    products += read(dy + i, count) * read(weight + i, count) * read(x + i, count);
  });
  const float projection = sum(products) * rstd * rstd / static_cast<float>(n);
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats upstream = read(dy + i, count);
    const Floats value = read(x + i, count);
    Floats gradient = (upstream * read(weight + i, count) - value * projection) * rstd;
    if (more != nullptr) gradient += read(more + i, count);
    write(dx + i, gradient, count);
    if (weight_gradient != nullptr) {
      write(weight_gradient + i,
            read(weight_gradient + i, count) + upstream * stored_as(x, value * rstd), count);
    }
  });
}

template <class T>
TUNEWRIGHT_INLINE void rotary(const T* x, const float* cosine, const float* sine, T* out,
                              int64_t half, float sign) {
  for_blocks(half, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats first = read(x + i, count), second = read(x + half + i, count);
    const Floats c = read(cosine + i, count), s = read(sine + i, count) * sign;
    write(out + i, first * c - second * s, count);
    write(out + half + i, second * c + first * s, count);
  });
}

template <class T>
TUNEWRIGHT_INLINE void swiglu(const T* gate, const T* up, T* out, int64_t n) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats g = read(gate + i, count);
    write(out + i, g * sigmoid(g) * read(up + i, count), count);
  });
}

template <class T>
TUNEWRIGHT_INLINE void swiglu_backward(const T* dy, const T* gate, const T* up, T* dgate, T* dup,
                                       int64_t n) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats upstream = read(dy + i, count), g = read(gate + i, count), u = read(up + i, count);
    const Floats s = sigmoid(g);
    write(dgate + i, upstream * u * s * (1.0f + g * (1.0f - s)), count);
    write(dup + i, upstream * g * s, count);
  });
}

// gelu(x) = x * share, where share = (1 + tanh(z)) / 2 = sigmoid(2 z) and
// z = sqrt(2 / pi) (x + 0.044715 x^3).
constexpr float kGeluSlope = 1.5957691216f, kGeluCubic = 0.044715f;  // the slope is 2 sqrt(2 / pi)

TUNEWRIGHT_INLINE Floats gelu_share(Floats x) {
  return sigmoid(x * (x * x * kGeluCubic + 1.0f) * kGeluSlope);
}

template <class T>
TUNEWRIGHT_INLINE void geglu(const T* gate, const T* up, T* out, int64_t n) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats g = read(gate + i, count);
    write(out + i, g * gelu_share(g) * read(up + i, count), count);
  });
}

template <class T>
TUNEWRIGHT_INLINE void geglu_backward(const T* dy, const T* gate, const T* up, T* dgate, T* dup,
                                      int64_t n) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats upstream = read(dy + i, count), g = read(gate + i, count), u = read(up + i, count);
    const Floats share = gelu_share(g);
    const Floats slope = (g * g * (3.0f * kGeluCubic) + 1.0f) * kGeluSlope;
    write(dgate + i, upstream * u * share * (1.0f + g * (1.0f - share) * slope), count);
    write(dup + i, upstream * g * share, count);
  });
}

TUNEWRIGHT_INLINE float largest_of(const float* x, int64_t n) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  Floats largest = splat(kLowest);
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    largest = maximum(count == kLanes ? load(x + i) : load_part(x + i, count, kLowest), largest);
  });
  float result = kLowest;
  for (int64_t i = 0; i < kLanes; ++i) result = largest[i] > result ? largest[i] : result;
  return result;
}

// A bijective mix of 32 bits (the finalizer of MurmurHash3).
TUNEWRIGHT_INLINE Words mix(Words h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

}  // namespace

TUNEWRIGHT_CLONES float rms_norm_row(const float* x, const float* weight, float* out, int64_t n,
                                     float epsilon) {
  return rms_norm(x, weight, out, n, epsilon);
}
TUNEWRIGHT_CLONES float rms_norm_row(const BFloat16Bits* x, const BFloat16Bits* weight,
                                     BFloat16Bits* out, int64_t n, float epsilon) {
  return rms_norm(x, weight, out, n, epsilon);
}
TUNEWRIGHT_CLONES void residual_rms_norm_row(const float* x, const float* residual,
                                             const float* weight, float* sum, float* out, int64_t n,
                                             float epsilon) {
  residual_rms_norm(x, residual, weight, sum, out, n, epsilon);
}
TUNEWRIGHT_CLONES void residual_rms_norm_row(const BFloat16Bits* x, const BFloat16Bits* residual,
                                             const BFloat16Bits* weight, BFloat16Bits* sum,
                                             BFloat16Bits* out, int64_t n, float epsilon) {
  residual_rms_norm(x, residual, weight, sum, out, n, epsilon);
}
TUNEWRIGHT_CLONES void rms_norm_backward_row(const float* dy, const float* x, const float* weight,
                                             const float* more, float* dx, float* weight_gradient,
                                             int64_t n, float epsilon) {
  rms_norm_backward(dy, x, weight, more, dx, weight_gradient, n, epsilon);
}
TUNEWRIGHT_CLONES void rms_norm_backward_row(const BFloat16Bits* dy, const BFloat16Bits* x,
                                             const BFloat16Bits* weight, const BFloat16Bits* more,
                                             BFloat16Bits* dx, float* weight_gradient, int64_t n,
                                             float epsilon) {
  rms_norm_backward(dy, x, weight, more, dx, weight_gradient, n, epsilon);
}

TUNEWRIGHT_CLONES void rotary_row(const float* x, const float* cosine, const float* sine,
                                  float* out, int64_t half, float sign) {
  rotary(x, cosine, sine, out, half, sign);
}
TUNEWRIGHT_CLONES void rotary_row(const BFloat16Bits* x, const float* cosine, const float* sine,
                                  BFloat16Bits* out, int64_t half, float sign) {
  rotary(x, cosine, sine, out, half, sign);
}

TUNEWRIGHT_CLONES void swiglu_row(const float* gate, const float* up, float* out, int64_t n) {
  swiglu(gate, up, out, n);
}
TUNEWRIGHT_CLONES void swiglu_row(const BFloat16Bits* gate, const BFloat16Bits* up,
                                  BFloat16Bits* out, int64_t n) {
  swiglu(gate, up, out, n);
}
TUNEWRIGHT_CLONES void swiglu_backward_row(const float* dy, const float* gate, const float* up,
                                           float* dgate, float* dup, int64_t n) {
  swiglu_backward(dy, gate, up, dgate, dup, n);
}
TUNEWRIGHT_CLONES void swiglu_backward_row(const BFloat16Bits* dy, const BFloat16Bits* gate,
                                           const BFloat16Bits* up, BFloat16Bits* dgate,
                                           BFloat16Bits* dup, int64_t n) {
  swiglu_backward(dy, gate, up, dgate, dup, n);
}

TUNEWRIGHT_CLONES void geglu_row(const float* gate, const float* up, float* out, int64_t n) {
  geglu(gate, up, out, n);
}
TUNEWRIGHT_CLONES void geglu_row(const BFloat16Bits* gate, const BFloat16Bits* up,
                                 BFloat16Bits* out, int64_t n) {
  geglu(gate, up, out, n);
}
TUNEWRIGHT_CLONES void geglu_backward_row(const float* dy, const float* gate, const float* up,
                                          float* dgate, float* dup, int64_t n) {
  geglu_backward(dy, gate, up, dgate, dup, n);
}
TUNEWRIGHT_CLONES void geglu_backward_row(const BFloat16Bits* dy, const BFloat16Bits* gate,
                                          const BFloat16Bits* up, BFloat16Bits* dgate,
                                          BFloat16Bits* dup, int64_t n) {
  geglu_backward(dy, gate, up, dgate, dup, n);
}

TUNEWRIGHT_CLONES float log_sum_exp_row(const float* x, int64_t n) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  const float shift = largest_of(x, n);
  Floats total = {};
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Floats value = count == kLanes
                             ? load(x + i)
                             : load_part(x + i, count, -std::numeric_limits<float>::infinity());
    const Floats term = exponential(value - shift);
    total += value > kLowest ? term : (value == value ? splat(0.0f) : value);
  });
  return shift + std::log(sum(total));
}

TUNEWRIGHT_CLONES float softmax_row(float* x, int64_t n) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  const float shift = largest_of(x, n);
  Floats total = {};
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    Floats value =
        exponential((count == kLanes ? load(x + i) : load_part(x + i, count, kLowest)) - shift);
    if (count < kLanes) {
      for (int64_t lane = count; lane < kLanes; ++lane) value[lane] = 0.0f;
    }
    total += value;
    write(x + i, value, count);
  });
  const float all = sum(total), scale = 1.0f / all;
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    write(x + i, read(x + i, count) * scale, count);
  });
  return shift + std::log(all);
}

TUNEWRIGHT_CLONES void scaled_dots(const float* query, const float* keys, int64_t stride,
                                   int64_t width, float scale, float* scores, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    const float* key = keys + j * stride;
    Floats total = {};
    for_blocks(width, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
      total += read(query + i, count) * read(key + i, count);
    });
    scores[j] = scale * sum(total);
  }
}

TUNEWRIGHT_CLONES void weighted_sum(const float* weights, const float* values, int64_t stride,
                                    int64_t width, float* out, int64_t n) {
  for_blocks(width, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    Floats total = {};
    for (int64_t j = 0; j < n; ++j) total += read(values + j * stride + i, count) * weights[j];
    write(out + i, total, count);
  });
}

TUNEWRIGHT_CLONES void softmax_backward_row(const float* weights, float* dx, int64_t n,
                                            float projection) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    write(dx + i, read(weights + i, count) * (read(dx + i, count) - projection), count);
  });
}

TUNEWRIGHT_CLONES void scaled_exp_row(float* x, int64_t n, float shift, float scale) {
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    write(x + i, exponential(read(x + i, count) - shift) * scale, count);
  });
}

TUNEWRIGHT_CLONES void dropout_row(const float* x, float* out, int64_t n, uint64_t seed, float p) {
  const uint32_t low = static_cast<uint32_t>(seed), high = static_cast<uint32_t>(seed >> 32);
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(p) * 4294967296.0);
  const float scale = 1.0f / (1.0f - p);
  Words lane;
  for (uint32_t i = 0; i < kLanes; ++i) lane[i] = i;
  for_blocks(n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    const Words random = mix(mix(lane + static_cast<uint32_t>(i) + low) ^ high);
    const Floats value = read(x + i, count) * scale;
    write(out + i, random >= threshold ? value : splat(0.0f), count);
  });
}

}  // namespace tunewright::ops::kernels
