#include "tunewright/text/regex_syntax.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

struct CharacterRange {
  char32_t first, last;
};

// Characters that Unicode 15.0 to 16.0 added, by general category.
constexpr CharacterRange kNewerLetters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3},
    {0x10D4A, 0x10D65}, {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x1123F, 0x11240},
    {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5},
    {0x113B7, 0x113B7}, {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0},
    {0x11F02, 0x11F02}, {0x11F04, 0x11F10}, {0x11F12, 0x11F33}, {0x1342F, 0x1342F},
    {0x13441, 0x13446}, {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C},
    {0x18CFF, 0x18CFF}, {0x1B132, 0x1B132}, {0x1B155, 0x1B155}, {0x1DF25, 0x1DF2A},
    {0x1E030, 0x1E06D}, {0x1E4D0, 0x1E4EB}, {0x1E5D0, 0x1E5ED}, {0x1E5F0, 0x1E5F0},
    {0x2B739, 0x2B739}, {0x2EBF0, 0x2EE5D}, {0x31350, 0x323AF}};
constexpr CharacterRange kNewerNumbers[] = {
    {0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x11F50, 0x11F59},
    {0x16130, 0x16139}, {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9}, {0x1D2C0, 0x1D2D3},
    {0x1E4F0, 0x1E4F9}, {0x1E5F1, 0x1E5FA}};
constexpr CharacterRange kNewerMarks[] = {
    {0x897, 0x897},     {0xCF3, 0xCF3},     {0xECE, 0xECE},     {0x10D69, 0x10D6D},
    {0x10EFC, 0x10EFF}, {0x11241, 0x11241}, {0x113B8, 0x113C0}, {0x113C2, 0x113C2},
    {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D0}, {0x113D2, 0x113D2},
    {0x113E1, 0x113E2}, {0x11F00, 0x11F01}, {0x11F03, 0x11F03}, {0x11F34, 0x11F3A},
    {0x11F3E, 0x11F42}, {0x11F5A, 0x11F5A}, {0x13440, 0x13440}, {0x13447, 0x13455},
    {0x1611E, 0x1612F}, {0x1E08F, 0x1E08F}, {0x1E4EC, 0x1E4EF}, {0x1E5EE, 0x1E5EF}};
constexpr CharacterRange kNewerPunctuation[] = {
    {0x1B4E, 0x1B4F},   {0x1B7F, 0x1B7F},   {0x10D6E, 0x10D6E}, {0x113D4, 0x113D5},
    {0x113D7, 0x113D8}, {0x11B00, 0x11B09}, {0x11BE1, 0x11BE1}, {0x11F43, 0x11F4F},
    {0x16D6D, 0x16D6F}, {0x1E5FF, 0x1E5FF}};
constexpr CharacterRange kNewerSymbols[] = {
    {0x2427, 0x2429},   {0x2FFC, 0x2FFF},   {0x31E4, 0x31E5},   {0x31EF, 0x31EF},
    {0x10D8E, 0x10D8F}, {0x1CC00, 0x1CCEF}, {0x1CD00, 0x1CEB3}, {0x1F6DC, 0x1F6DC},
    {0x1F774, 0x1F776}, {0x1F77B, 0x1F77F}, {0x1F7D9, 0x1F7D9}, {0x1F8B2, 0x1F8BB},
    {0x1F8C0, 0x1F8C1}, {0x1FA75, 0x1FA77}, {0x1FA87, 0x1FA89}, {0x1FA8F, 0x1FA8F},
    {0x1FAAD, 0x1FAAF}, {0x1FABB, 0x1FABF}, {0x1FAC6, 0x1FAC6}, {0x1FACE, 0x1FACF},
    {0x1FADA, 0x1FADC}, {0x1FADF, 0x1FADF}, {0x1FAE8, 0x1FAE9}, {0x1FAF7, 0x1FAF8},
    {0x1FBCB, 0x1FBEF}};
// The characters of \s, and those that are not.  (PCRE2's own \s has U+180E too.)
constexpr CharacterRange kSpace[] = {
    {0x9, 0xD},       {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
constexpr std::string_view kHexDigits = "0-9A-Fa-f";

std::string class_items(std::span<const CharacterRange> ranges) {
  std::string items;
  for (const auto [first, last] : ranges) {
    items += str("\\x{", std::hex, static_cast<uint32_t>(first), "}");
    if (last != first) items += str("-\\x{", std::hex, static_cast<uint32_t>(last), "}");
  }
  return items;
}

std::string complement_items(std::span<const CharacterRange> ranges) {
  std::vector<CharacterRange> gaps;
  char32_t next = 0;
  for (const auto [first, last] : ranges) {
    if (first > next) gaps.push_back({next, first - 1});
    next = last + 1;
  }
  gaps.push_back({next, 0xD7FF});
  gaps.push_back({0xE000, 0x10FFFF});
  return class_items(gaps);
}

std::span<const CharacterRange> newer_characters(std::string_view property) {
  if (property == "L" || property == "Letter") return kNewerLetters;
  if (property == "N" || property == "Number") return kNewerNumbers;
  if (property == "M" || property == "Mark") return kNewerMarks;
  if (property == "P" || property == "Punctuation") return kNewerPunctuation;
  if (property == "S" || property == "Symbol") return kNewerSymbols;
  return {};
}

class Translator {
 public:
  Translator(std::string_view pattern, bool newer, std::string_view where)
      : pattern_(pattern), newer_(newer), where_(where) {}

  std::string run() {
    while (at_ < pattern_.size()) step();
    return std::move(out_);
  }

 private:
  [[noreturn]] void unsupported(std::string_view what) const {
    throw UserError(str(where_, ": ", what, " at byte ", at_, " of the regular expression '",
                        excerpt(pattern_, 120), "' is not supported"));
  }
  char peek(size_t ahead) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  void copy(size_t bytes) {
    out_ += pattern_.substr(at_, bytes);
    at_ += bytes;
  }
  void put(std::string_view text, size_t consumed) {
    out_ += text;
    at_ += consumed;
  }
  // Items of a class: as they stand inside of one, in brackets outside.
  void put_items(std::string_view items, size_t consumed) {
    put(in_class_ ? std::string(items) : str("[", items, "]"), consumed);
  }

  void step() {
    const char c = pattern_[at_];
    if (c == '\\') return escape();
    if (in_class_) return class_character(c);
    if (c == '[') return open_class();
    if (c == '(' && peek(1) == '?') return group();
    if (c == '{') return interval();
    copy(1);
  }

  void escape() {
    const char c = peek(1);
    switch (c) {
      case 's':
        return put_items(class_items(kSpace), 2);
      case 'S':
        return in_class_ ? put(complement_items(kSpace), 2)
                         : put(str("[^", class_items(kSpace), "]"), 2);
      case 'h':
        return put_items(kHexDigits, 2);
      case 'H':
        return in_class_ ? unsupported("\\H in a class") : put(str("[^", kHexDigits, "]"), 2);
      case 'p':
      case 'P':
        return property(c == 'P');
      case 'u':
        return code_unit();
      case 'Q':
      case 'E':
      case 'N':
      case 'C':
      case 'L':
      case 'U':
      case 'l':
      case 'o':
      case 'c':
      case 'M':
      case 'X':
      case 'y':
      case 'Y':
        unsupported(str("\\", std::string(1, c)));
      default:
        copy(std::min<size_t>(2, pattern_.size() - at_));
    }
  }

  void property(bool negated) {
    const auto close = pattern_.find('}', at_);
    if (peek(2) != '{' || close == std::string_view::npos)
      unsupported("\\p without a name in braces");
    auto name = pattern_.substr(at_ + 3, close - at_ - 3);
    const auto length = close + 1 - at_;
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const auto added = newer_ ? newer_characters(name) : std::span<const CharacterRange>();
    if (added.empty()) return put(str(negated ? "\\P{" : "\\p{", name, "}"), length);
    if (!negated) return put_items(str("\\p{", name, "}", class_items(added)), length);
    if (in_class_) unsupported("a negated property in a class");
    put(str("[^\\p{", name, "}", class_items(added), "]"), length);
  }

  void code_unit() {
    const auto digits = pattern_.substr(std::min(at_ + 2, pattern_.size()), 4);
    if (digits.size() < 4) unsupported("\\u without four digits");
    put(str("\\x{", digits, "}"), 6);
  }

  void open_class() {
    in_class_ = true;
    copy(peek(1) == '^' ? 2 : 1);
    if (peek(0) == ']') copy(1);
  }

  void class_character(char c) {
    if (c == '[' && peek(1) == ':') {
      const auto close = pattern_.find(":]", at_ + 2);
      if (close == std::string_view::npos) unsupported("an open [:");
      // PCRE2's has the symbols of Latin-1 alone, Oniguruma's has all.
      if (pattern_.substr(at_, close + 2 - at_) != "[:punct:]") return copy(close + 2 - at_);
      return put(str("\\p{P}\\p{S}",
                     newer_ ? class_items(kNewerPunctuation) + class_items(kNewerSymbols) : ""),
                 close + 2 - at_);
    }
    if (c == '[') unsupported("a class inside a class");
    if (c == '&' && peek(1) == '&') unsupported("&& in a class");
    if (c == ']') in_class_ = false;
    copy(1);
  }

  // In Ruby's syntax (?m: lets the dot match newlines, which PCRE2 spells (?s:.
  void group() {
    const auto flags_end = pattern_.find_first_not_of("imx-", at_ + 2);
    const bool has_flags = flags_end != std::string_view::npos && flags_end > at_ + 2 &&
                           (pattern_[flags_end] == ':' || pattern_[flags_end] == ')');
    if (!has_flags) return copy(2);
    std::string flags(pattern_.substr(at_, flags_end - at_));
    std::replace(flags.begin(), flags.end(), 'm', 's');
    put(flags, flags.size());
  }

  void interval() {
    const auto close = pattern_.find_first_not_of("0123456789,", at_ + 1);
    const bool is_interval =
        close != std::string_view::npos && close > at_ + 1 && pattern_[close] == '}';
    if (!is_interval) return copy(1);
    if (close + 1 < pattern_.size() && pattern_[close + 1] == '+') unsupported("a '+' after {…}");
    if (peek(1) == ',') return put("{0", 1);
    copy(close + 1 - at_);
  }

  std::string_view pattern_;
  bool newer_;
  std::string_view where_;
  size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

template <size_t N>
bool is_in(const CharacterRange (&ranges)[N], char32_t c) {
  const auto* above = std::upper_bound(
      std::begin(ranges), std::end(ranges), c,
      [](char32_t value, const CharacterRange& range) { return value < range.first; });
  return above != std::begin(ranges) && c <= std::prev(above)->last;
}

// All newer characters start with one of these bytes.
bool may_start_newer(uint8_t lead) {
  return lead >= 0xE0 && (lead <= 0xE3 || lead == 0xEA || lead >= 0xF0);
}

}  // namespace

std::string translate_regex(std::string_view pattern, bool newer, std::string_view where) {
  return Translator(pattern, newer, where).run();
}

bool has_newer_characters(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (!may_start_newer(static_cast<uint8_t>(text[at]))) continue;
    const auto c = code_point_at(text, at).value;
    if (is_in(kNewerLetters, c) || is_in(kNewerNumbers, c) || is_in(kNewerMarks, c) ||
        is_in(kNewerPunctuation, c) || is_in(kNewerSymbols, c)) {
      return true;
    }
  }
  return false;
}

}  // namespace tunewright::text
