#include "tunewright/text/unicode.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "tunewright/base/error.h"

namespace tunewright::text {
namespace {

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

uint32_t sequence_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte's range is narrower for some leads: no overlong forms, surrogates, or values
// beyond U+10FFFF.
bool second_byte_fits(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return second >= 0x80 && second <= 0xBF;
  }
}

size_t skip_ascii(std::string_view bytes, size_t at) {
  while (at + 8 <= bytes.size()) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    if (word & 0x8080808080808080ULL) break;
    at += 8;
  }
  while (at < bytes.size() && byte_at(bytes, at) < 0x80) ++at;
  return at;
}

struct CharacterRange {
  char32_t first, last;
};

// Numbers that Unicode 15.1 to 17 added, which Rust knows and ICU 72 does not.
constexpr CharacterRange kNewerNumbers[] = {
    {0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9},
    {0x11DE0, 0x11DE9}, {0x16130, 0x16139}, {0x16D70, 0x16D79},
    {0x16FF4, 0x16FF6}, {0x1CCF0, 0x1CCF9}, {0x1E5F1, 0x1E5FA}};

bool is_newer_number(char32_t c) {
  return std::any_of(
      std::begin(kNewerNumbers), std::end(kNewerNumbers),
      [c](const CharacterRange& range) { return c >= range.first && c <= range.last; });
}

// Lower case of letters that Unicode 14 to 17 added, likewise; others are left alone.
char32_t newer_lowercase(char32_t c) {
  switch (c) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA:
      return c + 1;
    case 0xA7CB:
      return 0x264;
    case 0xA7DC:
      return 0x19B;
    default:
      break;
  }
  if (c >= 0x10D50 && c <= 0x10D65) return c + 0x20;
  if (c >= 0x16EA0 && c <= 0x16EB8) return c + 0x1B;
  return c;
}

bool in_category(char32_t c, uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

}  // namespace

CodePoint code_point_at(std::string_view valid, size_t at) {
  const auto lead = byte_at(valid, at);
  const auto tail = [&](size_t i) { return static_cast<char32_t>(byte_at(valid, at + i) & 0x3F); };
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {static_cast<char32_t>(lead & 0x1F) << 6 | tail(1), 2};
  if (lead < 0xF0) return {static_cast<char32_t>(lead & 0x0F) << 12 | tail(1) << 6 | tail(2), 3};
  return {static_cast<char32_t>(lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4};
}

CodePoint code_point_before(std::string_view valid, size_t end) {
  size_t at = end - 1;
  while (at > 0 && (byte_at(valid, at) & 0xC0) == 0x80) --at;
  return code_point_at(valid, at);
}

void append_utf8(std::string& out, char32_t value) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

Utf8Step utf8_step(std::string_view bytes, size_t at) {
  const auto lead = byte_at(bytes, at);
  const auto length = sequence_length(lead);
  if (length == 0) return {Utf8Step::Kind::kInvalid, 1};
  for (uint32_t i = 1; i < length; ++i) {
    if (at + i == bytes.size()) return {Utf8Step::Kind::kIncomplete, i};
    const auto next = byte_at(bytes, at + i);
    const bool fits = i == 1 ? second_byte_fits(lead, next) : (next & 0xC0) == 0x80;
    if (!fits) return {Utf8Step::Kind::kInvalid, i};
  }
  return {Utf8Step::Kind::kCharacter, length};
}

size_t valid_utf8_prefix(std::string_view bytes) {
  for (size_t at = 0;;) {
    at = skip_ascii(bytes, at);
    if (at == bytes.size()) return at;
    const auto step = utf8_step(bytes, at);
    if (step.kind != Utf8Step::Kind::kCharacter) return at;
    at += step.size;
  }
}

size_t append_lossy_prefix(std::string& out, std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    const auto valid = valid_utf8_prefix(bytes.substr(at));
    out.append(bytes.substr(at, valid));
    at += valid;
    if (at == bytes.size()) break;
    const auto step = utf8_step(bytes, at);
    if (step.kind == Utf8Step::Kind::kIncomplete) break;
    out += kReplacementUtf8;
    at += step.size;
  }
  return at;
}

void append_lossy(std::string& out, std::string_view bytes) {
  if (append_lossy_prefix(out, bytes) != bytes.size()) out += kReplacementUtf8;
}

bool is_whitespace(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_WHITE_SPACE);
}

bool is_numeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return in_category(c, U_GC_N_MASK) || (c >= kNewerNumbers[0].first && is_newer_number(c));
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
  }
  return in_category(c, U_GC_P_MASK);
}

bool is_combining_mark(char32_t c) {
  constexpr uint8_t kUnicode9 = 9;
  if (c == 0x1CF2 || c == 0x1CF3) return true;  // letters since Unicode 12
  if (!in_category(c, U_GC_M_MASK)) return false;
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] <= kUnicode9;
}

bool is_word(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) ||
         in_category(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_JOIN_CONTROL);
}

void append_lowercase(std::string& out, char32_t c) {
  constexpr char32_t kCapitalIWithDot = 0x130;
  if (c == kCapitalIWithDot) {
    out += "i\xCC\x87";
  } else {
    const auto lower = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
    append_utf8(out, lower == c ? newer_lowercase(c) : lower);
  }
}

}  // namespace tunewright::text
