#pragma once
#include <cstdint>
#include <span>

namespace tunewright::corpus {

// Categories of the few hundred characters that wrongly decoded UTF-8 is made of, as ftfy 6.3.1
// has them: how they may stand beside each other tells mojibake from text.
enum MojibakeCategory : uint32_t {
  kCommon = 1 << 0,
  kC1 = 1 << 1,
  kBad = 1 << 2,
  kLaw = 1 << 3,
  kMoney = 1 << 4,
  kStartPunctuation = 1 << 5,
  kEndPunctuation = 1 << 6,
  kNumeric = 1 << 7,
  kKaomoji = 1 << 8,
  kUpperAccented = 1 << 9,
  kLowerAccented = 1 << 10,
  kUpperCommon = 1 << 11,
  kLowerCommon = 1 << 12,
  kBox = 1 << 13,
  // What bytes of UTF-8 become in encodings of one byte: first bytes of two, three and four, and
  // those behind them (strict: without what often stands for itself).
  kUtf8FirstOf2 = 1 << 14,
  kUtf8FirstOf3 = 1 << 15,
  kUtf8FirstOf4 = 1 << 16,
  kUtf8Continuation = 1 << 17,
  kUtf8ContinuationStrict = 1 << 18,
};

struct MojibakeRange {
  char32_t first, last;
  uint32_t category;
};
extern const std::span<const MojibakeRange> kMojibakeRanges;

// An encoding of one byte a character, by its upper half; Latin-1 needs no table.
struct Encoding {
  const char* name;
  bool sloppy;          // bytes without a character stand for Latin-1's, and U+FFFD for byte 1A
  bool restores_space;  // a space may have been byte A0
  char32_t points[128];
};
extern const std::span<const Encoding> kEncodings;  // in the order in which they are tried

}  // namespace tunewright::corpus
