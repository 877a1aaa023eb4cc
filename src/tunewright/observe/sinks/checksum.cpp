#include "tunewright/observe/sinks/checksum.h"

#include <array>

namespace tunewright::observe {
namespace {

// Of a polynomial with its bits reversed.
constexpr std::array<uint32_t, 256> table_of(uint32_t polynomial) {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    table[byte] = value;
  }
  return table;
}
constexpr auto kCrc32 = table_of(0xEDB88320U);
constexpr auto kCrc32c = table_of(0x82F63B78U);

uint32_t go_on(const std::array<uint32_t, 256>& table, std::string_view bytes, uint32_t begin) {
  uint32_t value = ~begin;
  for (const char c : bytes) value = table[(value ^ static_cast<uint8_t>(c)) & 0xFF] ^ (value >> 8);
  return ~value;
}

}  // namespace

uint32_t crc32(std::string_view bytes, uint32_t begin) { return go_on(kCrc32, bytes, begin); }
uint32_t crc32c(std::string_view bytes, uint32_t begin) { return go_on(kCrc32c, bytes, begin); }
uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; }

}  // namespace tunewright::observe
