#include "tunewright/metrics/words.h"

#include <unicode/uchar.h>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }

// Punctuation of ASCII but for ' , - . ; the space is in the reference's set too.
bool is_western_mark(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

// The replacements below take two bytes at a match and go on behind them, as a regular expression
// does.  Bytes do as well as characters: what is looked for is ASCII.

// ([^0-9])([.,]) -> "\1 \2 "
std::string with_gaps_at_stops_after_others(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 2);
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (is_digit(text[i]) || i + 1 == text.size() || !is_stop(text[i + 1])) continue;
    out += {' ', text[++i], ' '};
  }
  return out;
}

// ([.,])([^0-9]) -> " \1 \2"
std::string with_gaps_at_stops_before_others(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_stop(text[i]) || i + 1 == text.size() || is_digit(text[i + 1])) {
      out += text[i];
      continue;
    }
    out += {' ', text[i], ' ', text[i + 1]};
    ++i;
  }
  return out;
}

// ([0-9])(-) -> "\1 \2 "
std::string with_gaps_at_dashes_after_digits(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 2);
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (!is_digit(text[i]) || i + 1 == text.size() || text[i + 1] != '-') continue;
    out += {' ', text[++i], ' '};
  }
  return out;
}

std::string with_gaps(std::string_view text) {
  return with_gaps_at_stops(with_gaps_at_marks(text));
}

std::string cut_13a(std::string_view text) {
  auto line = replace_all(std::string(text), "<skipped>", "");
  line = replace_all(std::move(line), "-\n", "");
  line = replace_all(std::move(line), "\n", " ");
  return with_gaps(" " + without_entities(std::move(line)) + " ");
}

bool is_number(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_N_MASK) != 0; }
bool is_punctuation(char32_t c) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}
bool is_symbol(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_S_MASK) != 0; }

// (\P{N})(\p{P}) -> "\1 \2 "
std::u32string with_gaps_after_others(std::u32string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (is_number(text[i]) || i + 1 == text.size() || !is_punctuation(text[i + 1])) continue;
    out += {U' ', text[++i], U' '};
  }
  return out;
}

// (\p{P})(\P{N}) -> " \1 \2"
std::u32string with_gaps_before_others(std::u32string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_punctuation(text[i]) || i + 1 == text.size() || is_number(text[i + 1])) {
      out += text[i];
      continue;
    }
    out += {U' ', text[i], U' ', text[i + 1]};
    ++i;
  }
  return out;
}

std::string cut_intl(std::string_view text) {
  const auto gapped = with_gaps_before_others(with_gaps_after_others(python::decode(text)));
  std::u32string out;
  for (const auto c : gapped) {
    if (is_symbol(c)) {
      out += {U' ', c, U' '};
    } else {
      out += c;
    }
  }
  return python::encode(out);
}

std::string cut_characters(std::string_view text) {
  std::string out;
  for (const auto c : python::decode(text)) {
    python::append(out, c);
    out += ' ';
  }
  return out;
}

struct Range {
  char32_t first, last;
};
// The reference's table.  Two of its entries are written as five hexadecimal digits after \u, which
// Python reads as a character and a digit: what they take is 2001-2A6D and 2F81-2FA1.
constexpr std::array kChinese = {
    Range{0x2001, 0x2a6d}, Range{0x2e80, 0x2eff}, Range{0x2f00, 0x2fdf}, Range{0x2ff0, 0x2fff},
    Range{0x3000, 0x303f}, Range{0x3100, 0x312f}, Range{0x31a0, 0x31bf}, Range{0x31c0, 0x31ef},
    Range{0x3200, 0x33ff}, Range{0x3400, 0x4db5}, Range{0x4e00, 0x9fbb}, Range{0xf900, 0xfa2d},
    Range{0xfa30, 0xfa6a}, Range{0xfa70, 0xfad9}, Range{0xfe10, 0xfe1f}, Range{0xfe30, 0xfe4f},
    Range{0xff00, 0xffef}};

bool is_chinese(char32_t c) {
  for (const auto& range : kChinese) {
    if (c >= range.first && c <= range.last) return true;
  }
  return false;
}

std::string cut_zh(std::string_view text) {
  std::string out;
  for (const auto c : python::decode(python::strip(text, python::Side::Both))) {
    if (is_chinese(c)) out += ' ';
    python::append(out, c);
    if (is_chinese(c)) out += ' ';
  }
  return with_gaps(out);
}

// Bytes of the white space at `at`; 0: there is none.
size_t space_at(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 31);
  // Every other white space is U+0085, U+00A0, or begins with one of three bytes.
  if (byte == 0xc2) {
    const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
    return second == 0x85 || second == 0xa0 ? 2 : 0;
  }
  if (byte < 0xe1 || byte > 0xe3 || at + 2 >= text.size()) return 0;
  const auto points = python::decode(text.substr(at, 3));
  return points.size() == 1 && python::is_space(points[0]) ? 3 : 0;
}

}  // namespace

const char* name_of(WordCut cut) {
  for (const auto& [name, meaning] : kWordCutNames) {
    if (meaning == cut) return name;
  }
  TUNEWRIGHT_ASSERT(!"every cut has a name");
  return "";
}

std::string with_gaps_at_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 2);
  for (const char c : text) {
    if (is_western_mark(c)) {
      out += {' ', c, ' '};
    } else {
      out += c;
    }
  }
  return out;
}

std::string with_gaps_at_stops(std::string_view text) {
  return with_gaps_at_dashes_after_digits(
      with_gaps_at_stops_before_others(with_gaps_at_stops_after_others(text)));
}

std::string without_entities(std::string text) {
  if (text.find('&') == std::string::npos) return text;
  text = replace_all(std::move(text), "&quot;", "\"");
  text = replace_all(std::move(text), "&amp;", "&");
  text = replace_all(std::move(text), "&lt;", "<");
  return replace_all(std::move(text), "&gt;", ">");
}

std::string with_word_gaps(WordCut cut, std::string_view text) {
  switch (cut) {
    case WordCut::k13a:
      return cut_13a(text);
    case WordCut::kIntl:
      return cut_intl(text);
    case WordCut::kChar:
      return cut_characters(text);
    case WordCut::kNone:
      return std::string(text);
    case WordCut::kZh:
      return cut_zh(text);
  }
  return {};
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const auto space = space_at(text, i);
    if (space == 0) {
      ++i;
      continue;
    }
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    i += space;
    begin = i;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

}  // namespace tunewright::metrics
