// The heuristic: which characters beside each other are more likely mojibake than meant.
#include <algorithm>
#include <vector>

#include "tunewright/corpus/text/mojibake.h"
#include "tunewright/corpus/text/mojibake_categories.h"
#include "tunewright/text/python_text.h"

namespace tunewright::corpus {
namespace {

std::vector<uint32_t> make_categories() {
  std::vector<uint32_t> categories(0x10000, 0);
  for (const auto& [first, last, category] : kMojibakeRanges)
    for (auto point = first; point <= last; ++point) categories[point] |= category;
  return categories;
}

constexpr uint32_t kAccented = kLowerAccented | kUpperAccented;
constexpr uint32_t kAroundBad =
    kBox | kAccented | kStartPunctuation | kEndPunctuation | kMoney | kNumeric | kLaw;

struct PairRule {
  uint32_t first, second;
};
constexpr PairRule kPairs[] = {
    {kAroundBad | kBad, kBad},
    {kBad, kAroundBad},
    {kLowerAccented | kLowerCommon | kBox | kEndPunctuation | kMoney | kNumeric, kUpperAccented},
    {kBox | kEndPunctuation | kMoney | kNumeric, kLowerAccented},
    {kLowerAccented | kBox | kEndPunctuation, kMoney},
    {kUpperAccented | kBox, kNumeric | kLaw},
    {kMoney | kNumeric | kBox, kStartPunctuation},
    {kBox, kKaomoji | kEndPunctuation},
    {kAccented | kMoney | kNumeric | kStartPunctuation | kEndPunctuation | kLaw, kBox},
};

struct TripleRule {
  uint32_t first, second, third;
};
constexpr TripleRule kTriples[] = {
    {kAccented | kBox | kMoney | kEndPunctuation, kStartPunctuation, kNumeric},
    {kAccented | kMoney | kNumeric | kBox | kLaw, kEndPunctuation, kStartPunctuation},
};

bool is_in(std::u32string_view set, char32_t c) { return set.find(c) != set.npos; }
bool is_lower_ascii(char32_t c) { return c >= 'a' && c <= 'z'; }
bool is_letter_ascii(char32_t c) { return is_lower_ascii(c) || (c >= 'A' && c <= 'Z'); }

// A window on the text: characters beyond its ends are U+0000, which no rule knows.
class Window {
 public:
  Window(std::u32string_view text, size_t at) : text_(text), at_(at) {}
  char32_t operator[](int64_t offset) const {
    const auto at = static_cast<int64_t>(at_) + offset;
    return at >= 0 && at < std::ssize(text_) ? text_[static_cast<size_t>(at)] : U'\0';
  }
  bool has(int64_t offset) const { return static_cast<int64_t>(at_) + offset < std::ssize(text_); }
  bool is(int64_t offset, uint32_t categories) const {
    return (mojibake_category((*this)[offset]) & categories) != 0;
  }
  bool starts_with(std::u32string_view part) const { return text_.substr(at_).starts_with(part); }
  bool is_first() const { return at_ == 0; }

 private:
  std::u32string_view text_;
  size_t at_;
};

bool breaks_category_rule(const Window& w) {
  if (w.is(0, kC1)) return true;
  for (const auto& [first, second] : kPairs)
    if (w.is(0, first) && w.is(1, second)) return true;
  for (const auto& [first, second, third] : kTriples)
    if (w.is(0, first) && w.is(1, second) && w.is(2, third)) return true;
  return w.is(0, kAccented) && w.is(1, kStartPunctuation | kEndPunctuation) &&
         text::python::is_word(w[2]);
}

// Rules whose first character is an ASCII one or white space, seen from that character.
bool breaks_rule_behind_ascii(const Window& w) {
  const auto first = w[0];
  if (is_letter_ascii(first) && w.is(1, kLowerCommon | kUpperCommon) && w.is(2, kBad)) return true;
  if (is_lower_ascii(first) && w.is(1, kUpperAccented) && w.is(2, kStartPunctuation | kMoney))
    return true;
  if (text::python::is_space(first) && w.is(1, kUpperAccented) && w.is(2, kMoney)) return true;
  if (is_lower_ascii(first)) {
    const int64_t skip = text::python::is_space(w[1]) ? 2 : 1;
    if (is_in(U"ÃÂ", w[skip]) && w[skip + 1] == ' ') return true;
  }
  const bool opens = is_lower_ascii(first) || is_in(U".,?!", first) || w.is(0, kEndPunctuation);
  return opens && w[1] == U'Â' && w.has(2) &&
         (w[2] == ' ' || w.is(2, kStartPunctuation | kEndPunctuation));
}

// What the bytes of very common characters become in one encoding or the other.
bool is_windows_1252(const Window& w) {
  const auto first = w[0], second = w[1];
  if (!w.has(1)) return false;
  if (is_in(U"Œœ", first) && !is_letter_ascii(second)) return true;
  if (w.is(0, kUpperAccented) && second == U'°') return true;
  if (is_in(U"ÂÃÎÐ", first) && (is_in(U"€œŠš¢£Ÿž\u00a0\u00ad®©°·»–—´", second) ||
                                w.is(1, kStartPunctuation | kEndPunctuation)))
    return true;
  if (first == U'×' && is_in(U"²³", second)) return true;
  if (first == U'à' && is_in(U"²µ¹¼½¾", second)) return true;
  if (first == U'Ã' && is_in(U"\u00a0¡", second)) return true;
  if (w.is_first() && is_in(U"ÃÂ", first) && second == ' ') return true;
  const auto arabic = [&](int64_t at) {
    return is_in(U"ØÙ", w[at]) &&
           (w.is(at + 1, kCommon | kMoney | kBad | kNumeric | kStartPunctuation) ||
            (w.has(at + 1) && is_in(U"ŸŠ®°µ»", w[at + 1])));
  };
  return arabic(0) && arabic(2);
}

bool is_another_encoding(const Window& w) {
  const auto first = w[0], second = w[1], third = w[2];
  if (!w.has(1)) return false;
  // MacRoman.
  if (first == U'√' && is_in(U"±∂†≠®™´≤≥¥µø", second)) return true;
  if (first == U'≈' && is_in(U"°¢", second)) return true;
  if (first == U'‚' && w.has(2)) {
    if (second == U'Ä' && is_in(U"ìîïòôúùû†°¢π", third)) return true;
    if (is_in(U"âó", second) && is_in(U"àä°ê", third)) return true;
  }
  // Windows-1251, -1253 and -1257.
  if (w.starts_with(U"вЂ") || w.starts_with(U"ā€")) return true;
  if (w.starts_with(U"β€") && w.has(2) && is_in(U"™\u00a0Ά\u00ad®°", third)) return true;
  const auto between = [&](std::u32string_view letters, std::u32string_view others) {
    return w.has(2) && is_in(letters, first) && is_in(letters, third) &&
           (w.is(1, kC1 | kBad | kStartPunctuation | kEndPunctuation | kMoney) ||
            is_in(others, second));
  };
  if (between(U"ВГРС", U"°µ") || between(U"ΒΓΞΟ", U"°")) return true;
  return w.starts_with(U"ГўВЂВ") && w.has(6) && w[5] != '\n' &&
         (is_letter_ascii(w[6]) || w[6] == ' ');
}

}  // namespace

uint32_t mojibake_category(char32_t point) {
  static const auto categories = make_categories();
  return point < categories.size() ? categories[point] : 0;
}

bool looks_like_mojibake(std::u32string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const auto next = at + 1 < text.size() ? text[at + 1] : U'a';
    if (text[at] < 0x80 && next < 0x80 && next > ' ') continue;
    const Window window(text, at);
    if (breaks_rule_behind_ascii(window)) return true;
    if (mojibake_category(text[at]) == 0) continue;  // every rule left begins with one of them
    if (breaks_category_rule(window) || is_windows_1252(window) || is_another_encoding(window))
      return true;
  }
  return false;
}

}  // namespace tunewright::corpus
