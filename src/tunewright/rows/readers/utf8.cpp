#include "tunewright/rows/readers/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tunewright/base/str.h"

namespace tunewright::rows {
namespace {

// Bytes of the UTF-8 character that starts at `i`; 0 where none does.
size_t character_bytes(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || i + size > text.size()) return 0;
  for (size_t k = 1; k < size; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool too_large = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : size;
}

bool eight_are_ascii(const char* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::optional<size_t> first_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (i + 8 <= text.size() && eight_are_ascii(text.data() + i)) {
      i += 8;
      continue;
    }
    const size_t size = character_bytes(text, i);
    if (size == 0) return i;
    i += size;
  }
  return std::nullopt;
}

size_t unfinished_utf8(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (continues_character(text[text.size() - back])) continue;
    if (byte < 0xC2 || byte > 0xF4) return 0;  // begins none that is longer than it
    const size_t size = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    return size > back ? back : 0;
  }
  return 0;
}

std::optional<std::string> text_problem(std::string_view text) {
  if (const auto at = first_invalid_utf8(text)) return str("not valid UTF-8 at byte ", *at);
  if (const auto at = text.find('\0'); at != std::string_view::npos)
    return str("a NUL byte at byte ", at);
  return std::nullopt;
}

std::string repaired_utf8(std::string_view text) {
  std::string repaired;
  for (;;) {
    const auto at = first_invalid_utf8(text);
    repaired += text.substr(0, at.value_or(text.size()));
    if (!at) return repaired;
    repaired += "\xEF\xBF\xBD";
    text.remove_prefix(*at + 1);
  }
}

size_t character_count(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

}  // namespace tunewright::rows
