#include "tunewright/corpus/pii/characters.h"

#include "tunewright/text/unicode.h"

namespace tunewright::corpus::pii {

bool is_word_before(std::string_view text, size_t at) {
  if (at == 0) return false;
  if (is_ascii(text[at - 1])) return (class_of(text[at - 1]) & kWord) != 0;
  return text::is_word(text::code_point_before(text, at).value);
}

bool is_word_at(std::string_view text, size_t at) {
  if (at >= text.size()) return false;
  if (is_ascii(text[at])) return (class_of(text[at]) & kWord) != 0;
  return text::is_word(text::code_point_at(text, at).value);
}

std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (is_digit(c)) digits += c;
  return digits;
}

}  // namespace tunewright::corpus::pii
