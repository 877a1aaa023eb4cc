#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"

namespace tunewright::io {

// Storage types, numbered as the GGUF format numbers them.
enum class GgmlType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kBF16 = 30,
};
std::string_view ggml_type_name(GgmlType type);

struct GgufTensor {
  GgmlType type = GgmlType::kF32;
  std::vector<int64_t> shape;  // row-major, slowest first (GGUF stores it reversed)
  size_t begin = 0, end = 0;   // bytes from the file's start
};

struct GgufHeader {
  uint32_t version = 3;
  Json metadata = Json::object();  // arrays as lists; strings that are not UTF-8 are a UserError
  std::map<std::string, GgufTensor> tensors;
};

// GGUF v2 and v3, little-endian.  Checks every count, length and offset before use; a lie is a
// UserError.
GgufHeader parse_gguf_header(std::span<const std::byte> file, std::string_view where);

// `bytes` of `type` to floats, bit for bit as the `gguf` package (ggml) does.
void dequantize(GgmlType type, std::span<const std::byte> bytes, std::span<float> out);

class Gguf {
 public:
  static Gguf open(const std::filesystem::path& path);
  const GgufHeader& header() const { return header_; }
  std::span<const std::byte> bytes(const GgufTensor& tensor) const;

 private:
  explicit Gguf(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
  GgufHeader header_;
};

}  // namespace tunewright::io
