#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// A run of word characters (\w) in a text.
struct WordSpan {
  size_t begin = 0, size = 0;  // bytes
  std::string lower;           // in lower case
};
std::vector<WordSpan> word_spans(std::string_view text);

// A word in place of another: capitals as it has them ("She" for "He", "SHE" for "HE").
std::string with_case_of(std::string_view original, std::string_view replacement);

struct Replacement {
  size_t begin = 0, size = 0;  // bytes of the text that go
  std::string text;            // and what comes
};
// The replacements are in the order of the text and do not overlap.
std::string with_replacements(std::string_view text, const std::vector<Replacement>& replacements);

}  // namespace tunewright::corpus
