// The order of the float32 operations is ggml's, so that results are equal bit for bit; the file is
// compiled without fused multiply-add for the same reason.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <thread>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/io/gguf_types.h"

namespace tunewright::io {
namespace {

void decode_f32(const uint8_t* block, float* out) { std::memcpy(out, block, sizeof(float)); }

void decode_f16(const uint8_t* block, float* out) { *out = half_to_float(block); }

void decode_bf16(const uint8_t* block, float* out) {
  *out = std::bit_cast<float>(static_cast<uint32_t>(block[0]) << 16 |
                              static_cast<uint32_t>(block[1]) << 24);
}

void decode_q4_0(const uint8_t* block, float* out) {
  const float d = half_to_float(block);
  for (int i = 0; i < 16; ++i) {
    const int byte = block[2 + i];
    out[i] = d * static_cast<float>((byte & 15) - 8);
    out[i + 16] = d * static_cast<float>((byte >> 4) - 8);
  }
}

void decode_q4_1(const uint8_t* block, float* out) {
  const float d = half_to_float(block), minimum = half_to_float(block + 2);
  for (int i = 0; i < 16; ++i) {
    const int byte = block[4 + i];
    out[i] = d * static_cast<float>(byte & 15) + minimum;
    out[i + 16] = d * static_cast<float>(byte >> 4) + minimum;
  }
}

// The fifth bit of value i of 32.
int fifth_bit(const uint8_t* bits, int i) { return ((bits[i / 8] >> (i % 8)) & 1) << 4; }

void decode_q5_0(const uint8_t* block, float* out) {
  const float d = half_to_float(block);
  for (int i = 0; i < 16; ++i) {
    const int byte = block[6 + i];
    out[i] = d * static_cast<float>(((byte & 15) | fifth_bit(block + 2, i)) - 16);
    out[i + 16] = d * static_cast<float>(((byte >> 4) | fifth_bit(block + 2, i + 16)) - 16);
  }
}

void decode_q5_1(const uint8_t* block, float* out) {
  const float d = half_to_float(block), minimum = half_to_float(block + 2);
  for (int i = 0; i < 16; ++i) {
    const int byte = block[8 + i];
    out[i] = d * static_cast<float>((byte & 15) | fifth_bit(block + 4, i)) + minimum;
    out[i + 16] = d * static_cast<float>((byte >> 4) | fifth_bit(block + 4, i + 16)) + minimum;
  }
}

void decode_q8_0(const uint8_t* block, float* out) {
  const float d = half_to_float(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<int8_t>(block[2 + i])) * d;
}

void decode_iq4_nl(const uint8_t* block, float* out) {
  constexpr std::array<int8_t, 16> kLevels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};
  const float d = half_to_float(block);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kLevels[block[2 + i] & 15]);
    out[i + 16] = d * static_cast<float>(kLevels[block[2 + i] >> 4]);
  }
}

constexpr std::array kTraits = {
    GgmlTraits{GgmlType::kF32, "F32", 1, 4, &decode_f32},
    GgmlTraits{GgmlType::kF16, "F16", 1, 2, &decode_f16},
    GgmlTraits{GgmlType::kBF16, "BF16", 1, 2, &decode_bf16},
    GgmlTraits{GgmlType::kQ4_0, "Q4_0", 32, 18, &decode_q4_0},
    GgmlTraits{GgmlType::kQ4_1, "Q4_1", 32, 20, &decode_q4_1},
    GgmlTraits{GgmlType::kQ5_0, "Q5_0", 32, 22, &decode_q5_0},
    GgmlTraits{GgmlType::kQ5_1, "Q5_1", 32, 24, &decode_q5_1},
    GgmlTraits{GgmlType::kQ8_0, "Q8_0", 32, 34, &decode_q8_0},
    GgmlTraits{GgmlType::kQ2_K, "Q2_K", 256, 84, &decode_q2_k},
    GgmlTraits{GgmlType::kQ3_K, "Q3_K", 256, 110, &decode_q3_k},
    GgmlTraits{GgmlType::kQ4_K, "Q4_K", 256, 144, &decode_q4_k},
    GgmlTraits{GgmlType::kQ5_K, "Q5_K", 256, 176, &decode_q5_k},
    GgmlTraits{GgmlType::kQ6_K, "Q6_K", 256, 210, &decode_q6_k},
    GgmlTraits{GgmlType::kIQ4_NL, "IQ4_NL", 32, 18, &decode_iq4_nl},
};

struct Blocks {
  size_t begin, end;
};

void decode_blocks(const GgmlTraits& traits, const uint8_t* bytes, float* out, Blocks blocks) {
  for (size_t i = blocks.begin; i < blocks.end; ++i)
    traits.decode(bytes + i * traits.bytes, out + i * traits.values);
}

}  // namespace

float half_to_float(const uint8_t* little_endian) {
  const uint32_t half = little_endian[0] | static_cast<uint32_t>(little_endian[1]) << 8;
  const uint32_t sign = (half & 0x8000U) << 16, exponent = (half >> 10) & 31U,
                 mantissa = half & 1023U;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float subnormal = static_cast<float>(mantissa) * 0x1p-24F;  // exact
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(subnormal));
}

const GgmlTraits& ggml_traits(GgmlType type) {
  const auto found = std::ranges::find(kTraits, type, &GgmlTraits::type);
  TUNEWRIGHT_ASSERT(found != kTraits.end());
  return *found;
}

std::optional<GgmlType> ggml_type_of(uint32_t number) {
  for (const auto& traits : kTraits) {
    if (static_cast<uint32_t>(traits.type) == number) return traits.type;
  }
  return std::nullopt;
}

std::string ggml_type_names() {
  std::string names;
  for (const auto& traits : kTraits)
    names += (names.empty() ? "" : ", ") + std::string(traits.name);
  return names;
}

std::string_view ggml_type_name(GgmlType type) { return ggml_traits(type).name; }

void dequantize(GgmlType type, std::span<const std::byte> bytes, std::span<float> out) {
  constexpr size_t kValuesPerThread = 1 << 19;
  const auto& traits = ggml_traits(type);
  const size_t count = out.size() / traits.values;
  TUNEWRIGHT_ASSERT(count * traits.values == out.size() && count * traits.bytes == bytes.size());
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const size_t workers = std::clamp<size_t>(out.size() / kValuesPerThread, 1, cores);
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < workers; ++i) {
    const Blocks share{count * i / workers, count * (i + 1) / workers};
    threads.emplace_back(
        [&traits, data, out, share] { decode_blocks(traits, data, out.data(), share); });
  }
  decode_blocks(traits, data, out.data(), {0, count / workers});
}

}  // namespace tunewright::io
