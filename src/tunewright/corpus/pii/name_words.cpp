#include "tunewright/corpus/pii/name_words.h"

#include <string>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/detector.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus::pii {

size_t name_word_end(std::string_view text, size_t begin) {
  while (is_word_at(text, begin)) begin += text::code_point_at(text, begin).size;
  return begin;
}

size_t gap_end(std::string_view text, size_t at) {
  const auto placeholder = text[at] == '<' ? placeholder_end(text, at) : at;
  return placeholder > at ? placeholder : at + text::code_point_at(text, at).size;
}

bool has_capital(std::string_view word) {
  if (is_ascii(word[0])) return is_upper(word[0]);
  std::string lowered;
  const auto first = text::code_point_at(word, 0);
  text::append_lowercase(lowered, first.value);
  return !word.starts_with(lowered) || first.value >= 0x590;
}

}  // namespace tunewright::corpus::pii
