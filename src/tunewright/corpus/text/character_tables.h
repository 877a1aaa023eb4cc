#pragma once
#include <span>

namespace tunewright::corpus {

struct PointRange {
  char32_t first, last;
};

// Classes of characters of spaCy's English tokenizer (its regular expressions, point by point) …
extern const std::span<const PointRange> kTokenAlpha, kTokenLower, kTokenUpper;
extern const std::span<const PointRange> kTokenIcons;     // symbols and emoji
extern const std::span<const PointRange> kTokenMarks;     // punctuation and quotes
extern const std::span<const PointRange> kTokenCurrency;  // single signs
extern const std::span<const PointRange> kTokenQuotes;    // beside a dot inside a word
extern const std::span<const PointRange> kTokenDotAfter;  // a dot behind one is cut off
extern const std::span<const PointRange> kSentenceEnds;   // of its sentencizer
// … and of datatrove: what alone makes no word, what ends a line well, what simplify_text blanks.
extern const std::span<const PointRange> kSymbols, kTerminalPunctuation, kDatatrovePunctuation;

}  // namespace tunewright::corpus
