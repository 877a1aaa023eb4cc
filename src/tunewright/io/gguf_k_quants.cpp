// The order of the float32 operations is ggml's, so that results are equal bit for bit; the file is
// compiled without fused multiply-add for the same reason.
#include "tunewright/io/gguf_types.h"

namespace tunewright::io {
namespace {

constexpr int kValues = 256;

struct ScaleAndMin {
  int scale, min;
};

// Eight pairs of 6 bits in 12 bytes: the low four pairs lie plainly, the high four in leftover
// bits.
ScaleAndMin scale_and_min(const uint8_t* packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  const int low = packed[group + 4];
  return {(low & 15) | ((packed[group - 4] >> 6) << 4), (low >> 4) | ((packed[group] >> 6) << 4)};
}

}  // namespace

void decode_q2_k(const uint8_t* block, float* out) {
  const uint8_t *scales = block, *quants = block + 16;
  const float d = half_to_float(block + 80), minimum = half_to_float(block + 82);
  for (int group = 0; group < kValues / 16; ++group) {
    const float scale = d * static_cast<float>(scales[group] & 15);
    const float offset = minimum * static_cast<float>(scales[group] >> 4);
    const uint8_t* bytes = quants + (group / 8) * 32 + (group % 2) * 16;
    const int shift = 2 * ((group % 8) / 2);
    for (int i = 0; i < 16; ++i)
      out[group * 16 + i] = scale * static_cast<float>((bytes[i] >> shift) & 3) - offset;
  }
}

void decode_q3_k(const uint8_t* block, float* out) {
  const uint8_t *high_bits = block, *quants = block + 32, *scales = block + 96;
  const float d = half_to_float(block + 108);
  for (int group = 0; group < kValues / 16; ++group) {
    const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high = (scales[8 + group % 4] >> (2 * (group / 4))) & 3;
    const float scale = d * static_cast<float>((low | (high << 4)) - 32);
    const uint8_t* bytes = quants + (group / 8) * 32 + (group % 2) * 16;
    const uint8_t* high_bytes = high_bits + (group % 2) * 16;
    const int shift = 2 * ((group % 8) / 2);
    for (int i = 0; i < 16; ++i) {
      const int offset = (high_bytes[i] >> (group / 2)) & 1 ? 0 : 4;
      out[group * 16 + i] = scale * static_cast<float>(((bytes[i] >> shift) & 3) - offset);
    }
  }
}

void decode_q4_k(const uint8_t* block, float* out) {
  const float d = half_to_float(block), minimum = half_to_float(block + 2);
  const uint8_t *packed = block + 4, *quants = block + 16;
  for (int group = 0; group < kValues / 32; ++group) {
    const auto sizes = scale_and_min(packed, group);
    const float scale = d * static_cast<float>(sizes.scale),
                offset = minimum * static_cast<float>(sizes.min);
    const uint8_t* bytes = quants + (group / 2) * 32;
    const int shift = 4 * (group % 2);
    for (int i = 0; i < 32; ++i)
      out[group * 32 + i] = scale * static_cast<float>((bytes[i] >> shift) & 15) - offset;
  }
}

void decode_q5_k(const uint8_t* block, float* out) {
  const float d = half_to_float(block), minimum = half_to_float(block + 2);
  const uint8_t *packed = block + 4, *high_bits = block + 16, *quants = block + 48;
  for (int group = 0; group < kValues / 32; ++group) {
    const auto sizes = scale_and_min(packed, group);
    const float scale = d * static_cast<float>(sizes.scale),
                offset = minimum * static_cast<float>(sizes.min);
    const uint8_t* bytes = quants + (group / 2) * 32;
    const int shift = 4 * (group % 2);
    for (int i = 0; i < 32; ++i) {
      const int value = ((bytes[i] >> shift) & 15) | (((high_bits[i] >> group) & 1) << 4);
      out[group * 32 + i] = scale * static_cast<float>(value) - offset;
    }
  }
}

void decode_q6_k(const uint8_t* block, float* out) {
  const uint8_t *low_bits = block, *high_bits = block + 128, *scales = block + 192;
  const float d = half_to_float(block + 208);
  for (int group = 0; group < kValues / 16; ++group) {
    const int half = group / 8, within = (group % 8) * 16;  // of 128 values
    const float scale = d * static_cast<float>(static_cast<int8_t>(scales[group]));
    const uint8_t* low = low_bits + half * 64 + within % 64;
    const uint8_t* high = high_bits + half * 32 + within % 32;
    const int low_shift = 4 * (within / 64), high_shift = 2 * (within / 32);
    for (int i = 0; i < 16; ++i) {
      const int value = ((low[i] >> low_shift) & 15) | (((high[i] >> high_shift) & 3) << 4);
      out[group * 16 + i] = scale * static_cast<float>(value - 32);
    }
  }
}

}  // namespace tunewright::io
