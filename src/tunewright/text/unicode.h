#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tunewright::text {

inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";  // U+FFFD

struct CodePoint {
  char32_t value = 0;
  uint32_t size = 0;  // bytes
};

// The character at `at` of valid UTF-8; `at` is the first byte of one.
CodePoint code_point_at(std::string_view valid, size_t at);
// The character that ends just before `end` > 0.
CodePoint code_point_before(std::string_view valid, size_t end);
void append_utf8(std::string& out, char32_t value);

// What stands at `at`: a whole character, or a maximal invalid part (as WHATWG, Python and Rust
// replace it by one U+FFFD), or a beginning that more bytes could complete.
struct Utf8Step {
  enum class Kind { kCharacter, kInvalid, kIncomplete } kind = Kind::kCharacter;
  uint32_t size = 0;  // bytes taken; of an incomplete one, those that are left
};
Utf8Step utf8_step(std::string_view bytes, size_t at);

// How many leading bytes are whole, valid characters.
size_t valid_utf8_prefix(std::string_view bytes);
inline bool is_valid_utf8(std::string_view bytes) {
  return valid_utf8_prefix(bytes) == bytes.size();
}

// Appends `bytes` to `out` with each invalid part replaced by U+FFFD; an incomplete end is one too.
void append_lossy(std::string& out, std::string_view bytes);
// The same, but an incomplete end is left out; returns the bytes used.
size_t append_lossy_prefix(std::string& out, std::string_view bytes);

// Classes of characters as Rust's standard library and `regex` crate have them.
bool is_whitespace(char32_t c);
bool is_numeric(char32_t c);      // Nd, Nl, No
bool is_punctuation(char32_t c);  // ASCII punctuation, or a P category
bool is_combining_mark(
    char32_t c);           // Mn, Mc, Me of Unicode 9, as tokenizers' normalizers know them
bool is_word(char32_t c);  // \w
// One character's lower case, without context; U+0130 gives two.
void append_lowercase(std::string& out, char32_t c);

}  // namespace tunewright::text
