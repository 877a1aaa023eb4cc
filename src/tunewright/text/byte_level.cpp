#include "tunewright/text/byte_level.h"

#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

constexpr char32_t kFirstStandIn = 0x100;
constexpr size_t kCharacters = 0x144;  // all spellings lie below

constexpr bool spells_itself(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// Bytes that print stand for themselves; the others get the characters from U+0100 on, in order.
constexpr std::array<char32_t, 256> make_characters() {
  std::array<char32_t, 256> characters{};
  char32_t next = kFirstStandIn;
  for (unsigned byte = 0; byte < 256; ++byte)
    characters[byte] = spells_itself(byte) ? byte : next++;
  return characters;
}
constexpr auto kCharacterOfByte = make_characters();

constexpr std::array<int16_t, kCharacters> make_bytes() {
  std::array<int16_t, kCharacters> bytes{};
  for (auto& byte : bytes) byte = -1;
  for (unsigned byte = 0; byte < 256; ++byte)
    bytes[kCharacterOfByte[byte]] = static_cast<int16_t>(byte);
  return bytes;
}
constexpr auto kByteOfCharacter = make_bytes();

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

const std::array<std::string, 256>& byte_spellings() {
  static const auto spellings = [] {
    std::array<std::string, 256> all;
    for (unsigned byte = 0; byte < 256; ++byte) append_utf8(all[byte], kCharacterOfByte[byte]);
    return all;
  }();
  return spellings;
}

std::optional<uint8_t> byte_spelled(char32_t character) {
  if (character >= kCharacters || kByteOfCharacter[character] < 0) return std::nullopt;
  return static_cast<uint8_t>(kByteOfCharacter[character]);
}

std::optional<std::string> bytes_spelled(std::string_view spelling) {
  std::string bytes;
  for (size_t at = 0; at < spelling.size();) {
    const auto character = code_point_at(spelling, at);
    const auto byte = byte_spelled(character.value);
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
    at += character.size;
  }
  return bytes;
}

std::string byte_token(uint8_t byte) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
}

std::optional<uint8_t> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  const int high = hex_digit(token[3]), low = hex_digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high << 4 | low);
}

}  // namespace tunewright::text
