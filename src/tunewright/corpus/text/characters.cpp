#include "tunewright/corpus/text/characters.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <vector>

#include "tunewright/corpus/text/character_tables.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kPoints = 0x110000;

using Flags = std::vector<uint32_t>;

void add(Flags& flags, std::span<const PointRange> ranges, uint32_t flag) {
  for (const auto& [first, last] : ranges)
    for (auto point = first; point <= last; ++point) flags[point] |= flag;
}

UBool add_category(const void* context, UChar32 first, UChar32 end, UCharCategory category) {
  const auto mask = U_MASK(category);
  const uint32_t flag =
      ((mask & U_GC_L_MASK) != 0 ? kLetter : 0U) | ((mask & U_GC_ND_MASK) != 0 ? kDigit : 0U) |
      ((mask & U_GC_P_MASK) != 0 ? kPunctuation : 0U) |
      ((mask & U_GC_LU_MASK) != 0 ? kUppercase : 0U) | ((mask & U_GC_MN_MASK) != 0 ? kMark : 0U);
  auto* flags = static_cast<uint32_t*>(const_cast<void*>(context));
  if (flag != 0) std::for_each(flags + first, flags + end, [=](uint32_t& f) { f |= flag; });
  return true;
}

Flags make_flags() {
  Flags flags(kPoints, 0);
  u_enumCharTypes(add_category, flags.data());
  for (char32_t point = 0; point <= 0x3000; ++point)
    if (text::python::is_space(point)) flags[point] |= kSpace;
  add(flags, kSymbols, kSymbol);
  add(flags, kTerminalPunctuation, kTerminal);
  add(flags, kDatatrovePunctuation, kBlanked);
  add(flags, kSentenceEnds, kSentenceEnd);
  add(flags, kTokenAlpha, kAlpha);
  add(flags, kTokenLower, kLower);
  add(flags, kTokenUpper, kUpper);
  add(flags, kTokenQuotes, kQuote);
  add(flags, kTokenDotAfter, kDotAfter);
  add(flags, kTokenCurrency, kCurrency | kTokenPrefix);
  add(flags, kTokenIcons, kIcon | kTokenPrefix | kTokenSuffix);
  add(flags, kTokenMarks, kTokenPrefix | kTokenSuffix);
  for (const char32_t point : U"—–") flags[point] |= kTokenPrefix | kTokenSuffix;
  for (const char32_t point : U"§%=") flags[point] |= kTokenPrefix;
  flags[0] &= ~uint32_t{kTokenPrefix | kTokenSuffix};  // the literals' ends
  return flags;
}

}  // namespace

const uint32_t* character_flags() {
  static const auto flags = make_flags();
  return flags.data();
}

int64_t character_count(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string_view stripped(std::string_view text) {
  return text::python::strip(text, text::python::Side::Both);
}

LineEnd line_end(std::string_view text, size_t begin) {
  for (size_t at = begin; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= ' ' && byte < 0x80) continue;
    if (byte == '\r') return {at, at + (at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1)};
    if ((byte >= '\n' && byte <= '\f') || (byte >= 0x1C && byte <= 0x1E)) return {at, at + 1};
    if (byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) == 0x85) return {at, at + 2};
    if (byte == 0xE2) {
      const auto point = text::code_point_at(text, at).value;
      if (point == 0x2028 || point == 0x2029) return {at, at + 3};
    }
  }
  return {text.size(), text.size()};
}

}  // namespace tunewright::corpus
