#pragma once
#include <cstdint>
#include <string_view>

namespace tunewright::observe {

// CRC-32 as zlib and W&B's log have it, and CRC-32C (Castagnoli) as TensorFlow's records have it;
// `begin` is the checksum of the bytes before.
uint32_t crc32(std::string_view bytes, uint32_t begin = 0);
uint32_t crc32c(std::string_view bytes, uint32_t begin = 0);
// LevelDB's mask: checksums of data that holds checksums are weak.
uint32_t masked(uint32_t crc);

}  // namespace tunewright::observe
