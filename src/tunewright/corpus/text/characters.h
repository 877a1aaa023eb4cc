#pragma once
#include <cstdint>
#include <string_view>

namespace tunewright::corpus {

// What the filters ask of a character, in one look-up.
enum CharacterFlag : uint32_t {
  kSpace = 1 << 0,         // str.isspace
  kLetter = 1 << 1,        // str.isalpha
  kDigit = 1 << 2,         // Nd
  kPunctuation = 1 << 3,   // a P category
  kUppercase = 1 << 4,     // Lu
  kSymbol = 1 << 5,        // datatrove: a word of these alone is none
  kTerminal = 1 << 6,      // datatrove: ends a line well
  kBlanked = 1 << 7,       // datatrove: a space to n-grams
  kSentenceEnd = 1 << 8,   // spaCy's sentencizer
  kTokenPrefix = 1 << 9,   // spaCy's tokenizer cuts it off in front of a word …
  kTokenSuffix = 1 << 10,  // … and behind one
  kAlpha = 1 << 11,        // its letters
  kLower = 1 << 12,
  kUpper = 1 << 13,
  kIcon = 1 << 14,
  kQuote = 1 << 15,
  kDotAfter = 1 << 16,
  kCurrency = 1 << 17,
  kMark = 1 << 18,  // Mn
};

// One entry a code point; made at the first call.
const uint32_t* character_flags();
inline uint32_t flags_of(char32_t point) {
  static const uint32_t* const flags = character_flags();
  return flags[point];
}

// Code points of valid UTF-8.
int64_t character_count(std::string_view text);
// Without Python's white space at the ends.
std::string_view stripped(std::string_view text);
// Calls use(line) for each line as str.splitlines() cuts them, without its end.
template <class Use>
void for_each_line(std::string_view text, Use&& use);
// The end of the line that begins at `begin`, and where the next begins.
struct LineEnd {
  size_t end, next;
};
LineEnd line_end(std::string_view text, size_t begin);

template <class Use>
void for_each_line(std::string_view text, Use&& use) {
  for (size_t at = 0; at < text.size();) {
    const auto [end, next] = line_end(text, at);
    use(text.substr(at, end - at));
    at = next;
  }
}

}  // namespace tunewright::corpus
