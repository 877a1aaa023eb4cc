#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tunewright::text {

// GPT-2's spelling of bytes as printable characters: "Ġ" for a space, "Ċ" for a newline.
const std::array<std::string, 256>& byte_spellings();
std::optional<uint8_t> byte_spelled(char32_t character);
// The bytes that `spelling` stands for; none where a character spells no byte.
std::optional<std::string> bytes_spelled(std::string_view spelling);

// "<0x0A>", as byte-fallback vocabularies spell the byte 10.
std::string byte_token(uint8_t byte);
std::optional<uint8_t> byte_of_token(std::string_view token);

}  // namespace tunewright::text
