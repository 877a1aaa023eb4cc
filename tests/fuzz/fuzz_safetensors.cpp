// Any bytes: a header that is accepted describes tensors that lie inside the file.
#include <cstdint>
#include <cstdlib>

#include "tunewright/base/error.h"
#include "tunewright/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto header = tunewright::io::parse_safetensors_header(file, "fuzz");
    for (const auto& [name, entry] : header.tensors) {
      size_t bytes = tunewright::io::dtype_bytes(entry.dtype);
      for (const auto extent : entry.shape) bytes *= static_cast<size_t>(extent);
      if (entry.begin > entry.end || entry.end > size || entry.end - entry.begin != bytes)
        std::abort();
    }
  } catch (const tunewright::UserError&) {
  }
  return 0;
}
