// Any bytes: a header that is accepted describes tensors that lie inside the file, and their blocks
// can be decoded.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/io/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto header = tunewright::io::parse_gguf_header(file, "fuzz");
    for (const auto& [name, tensor] : header.tensors) {
      if (tensor.begin > tensor.end || tensor.end > size) std::abort();
      size_t count = 1;
      for (const auto extent : tensor.shape) count *= static_cast<size_t>(extent);
      std::vector<float> values(count);
      tunewright::io::dequantize(tensor.type, file.subspan(tensor.begin, tensor.end - tensor.begin),
                                 values);
    }
  } catch (const tunewright::UserError&) {
  }
  return 0;
}
