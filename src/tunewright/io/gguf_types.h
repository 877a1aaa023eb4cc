#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tunewright/io/gguf.h"

namespace tunewright::io {

// How one storage type packs numbers: blocks of `values` numbers in `bytes` bytes.
struct GgmlTraits {
  GgmlType type;
  std::string_view name;
  size_t values, bytes;
  void (*decode)(const uint8_t* block, float* out);  // one block
};

const GgmlTraits& ggml_traits(GgmlType type);
std::optional<GgmlType> ggml_type_of(uint32_t number);
std::string ggml_type_names();  // for messages

float half_to_float(const uint8_t* little_endian);

// The K-quants, blocks of 256 (gguf_k_quants.cpp).
void decode_q2_k(const uint8_t* block, float* out);
void decode_q3_k(const uint8_t* block, float* out);
void decode_q4_k(const uint8_t* block, float* out);
void decode_q5_k(const uint8_t* block, float* out);
void decode_q6_k(const uint8_t* block, float* out);

}  // namespace tunewright::io
