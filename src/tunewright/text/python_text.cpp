#include "tunewright/text/python_text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace tunewright::text::python {
namespace {

icu::UnicodeString to_icu(std::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string from_icu(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::string title_point(char32_t point) {
  // Full mapping: one character may become several ("ß" -> "Ss").
  icu::UnicodeString text(static_cast<UChar32>(point));
  return from_icu(text.toTitle(nullptr, icu::Locale::getRoot(), U_TITLECASE_NO_LOWERCASE));
}

bool is_cased(char32_t point) {
  return u_hasBinaryProperty(static_cast<UChar32>(point), UCHAR_CASED);
}

bool is_line_end(char32_t point) {
  return (point >= 0x0a && point <= 0x0d) || (point >= 0x1c && point <= 0x1e) || point == 0x85 ||
         point == 0x2028 || point == 0x2029;
}

// The code point that ends right before `position`, which moves to its first byte.
char32_t previous_point(std::string_view text, size_t& position) {
  int32_t index = static_cast<int32_t>(position);
  UChar32 point = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // in ICU's macro
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  U8_PREV_OR_FFFD(bytes, 0, index, point);
#pragma GCC diagnostic pop
  position = static_cast<size_t>(index);
  return static_cast<char32_t>(point);
}

char32_t next_point(std::string_view text, size_t& position) {
  int32_t index = static_cast<int32_t>(position);
  UChar32 point = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // in ICU's macro
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  U8_NEXT_OR_FFFD(bytes, index, static_cast<int32_t>(text.size()), point);
#pragma GCC diagnostic pop
  position = static_cast<size_t>(index);
  return static_cast<char32_t>(point);
}

template <class Keep>
std::string_view strip_if(std::string_view text, Side side, Keep strips) {
  size_t begin = 0, end = text.size();
  while (side != Side::Right && begin < end) {
    size_t next = begin;
    if (!strips(next_point(text, next))) break;
    begin = next;
  }
  while (side != Side::Left && end > begin) {
    size_t previous = end;
    if (!strips(previous_point(text, previous))) break;
    end = previous;
  }
  return text.substr(begin, end - begin);
}

std::string escaped(char32_t point) {
  std::array<char, 16> buffer{};
  const char* format = point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x";
  std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(point));
  return buffer.data();
}

}  // namespace

std::u32string decode(std::string_view utf8) {
  std::u32string points;
  points.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size();) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    points.push_back(byte < 0x80 ? (++i, char32_t{byte}) : next_point(utf8, i));
  }
  return points;
}

void append(std::string& out, char32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
    return;
  }
  if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) point = 0xfffd;
  std::array<uint8_t, 4> bytes{};
  int32_t size = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // in ICU's macro
  U8_APPEND_UNSAFE(bytes.data(), size, point);
#pragma GCC diagnostic pop
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(size));
}

std::string encode(std::u32string_view points) {
  std::string out;
  out.reserve(points.size());
  for (const char32_t point : points) append(out, point);
  return out;
}

size_t length(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

bool is_space(char32_t point) {
  if (point < 0x80) return (point >= 0x09 && point <= 0x0d) || (point >= 0x1c && point <= 0x20);
  if (point == 0x85) return true;
  return u_charType(static_cast<UChar32>(point)) == U_SPACE_SEPARATOR || point == 0x2028 ||
         point == 0x2029;
}

bool is_decimal(char32_t point) {
  return u_charType(static_cast<UChar32>(point)) == U_DECIMAL_DIGIT_NUMBER;
}

std::string ascii_digits(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::u32string points = decode(text);
  for (char32_t& point : points) {
    if (is_decimal(point))
      point = U'0' + static_cast<char32_t>(u_charDigitValue(static_cast<UChar32>(point)));
  }
  return encode(points);
}

bool is_digit(char32_t point) {
  const int type = u_getIntPropertyValue(static_cast<UChar32>(point), UCHAR_NUMERIC_TYPE);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

bool is_numeric(char32_t point) {
  return u_getIntPropertyValue(static_cast<UChar32>(point), UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}

bool is_alpha(char32_t point) {
  return (U_MASK(u_charType(static_cast<UChar32>(point))) & U_GC_L_MASK) != 0;
}

bool is_word(char32_t point) { return point == '_' || is_alpha(point) || is_numeric(point); }

bool is_printable(char32_t point) {
  if (point == ' ') return true;
  constexpr uint32_t kHidden = U_GC_C_MASK | U_GC_Z_MASK;
  return (U_MASK(u_charType(static_cast<UChar32>(point))) & kHidden) == 0;
}

bool is_lower(char32_t point) {
  return u_hasBinaryProperty(static_cast<UChar32>(point), UCHAR_LOWERCASE);
}
bool is_upper(char32_t point) {
  return u_hasBinaryProperty(static_cast<UChar32>(point), UCHAR_UPPERCASE);
}

std::string upper(std::string_view text) {
  return from_icu(to_icu(text).toUpper(icu::Locale::getRoot()));
}
std::string lower(std::string_view text) {
  return from_icu(to_icu(text).toLower(icu::Locale::getRoot()));
}

std::string title(std::string_view text) {
  std::string out;
  bool after_cased = false;
  for (const char32_t point : decode(text)) {
    out += after_cased ? lower(encode({&point, 1})) : title_point(point);
    after_cased = is_cased(point);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  size_t first = 0;
  const char32_t point = next_point(text, first);
  return title_point(point) + lower(text.substr(first));
}

std::string swapcase(std::string_view text) {
  std::string out;
  for (const char32_t point : decode(text)) {
    const std::string letter = encode({&point, 1});
    out += is_upper(point) ? lower(letter) : is_lower(point) ? upper(letter) : letter;
  }
  return out;
}

std::string casefold(std::string_view text) { return from_icu(to_icu(text).foldCase()); }

std::string_view strip(std::string_view text, Side side) { return strip_if(text, side, is_space); }

std::string strip(std::string_view text, std::string_view chars, Side side) {
  const std::u32string set = decode(chars);
  return std::string(
      strip_if(text, side, [&](char32_t p) { return set.find(p) != std::u32string::npos; }));
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t end = i;
    const char32_t point = next_point(text, i);
    if (!is_line_end(point)) continue;
    if (point == '\r' && i < text.size() && text[i] == '\n') ++i;
    lines.emplace_back(text.substr(begin, (keep_ends ? i : end) - begin));
    begin = i;
  }
  if (begin < text.size()) lines.emplace_back(text.substr(begin));
  return lines;
}

std::vector<std::string> split_space(std::string_view text, int64_t limit) {
  std::vector<std::string> words;
  text = strip(text, Side::Left);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(words.size()) == limit) {
      words.emplace_back(strip(text, Side::Right));
      break;
    }
    size_t end = 0, next = 0;
    while (end < text.size() && !is_space(next_point(text, next))) end = next;
    words.emplace_back(text.substr(0, end));
    text = strip(text.substr(end), Side::Left);
  }
  return words;
}

std::vector<std::string> rsplit_space(std::string_view text, int64_t limit) {
  std::vector<std::string> words;
  text = strip(text, Side::Right);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(words.size()) == limit) {
      words.emplace_back(strip(text, Side::Left));
      break;
    }
    size_t begin = text.size(), next = text.size();
    while (begin > 0 && !is_space(previous_point(text, next))) begin = next;
    words.emplace_back(text.substr(begin));
    text = strip(text.substr(0, begin), Side::Right);
  }
  std::reverse(words.begin(), words.end());
  return words;
}

std::vector<std::string> split_on(std::string_view text, std::string_view separator,
                                  int64_t limit) {
  std::vector<std::string> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t at = text.find(separator);
    if (at == std::string_view::npos) break;
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

std::vector<std::string> rsplit_on(std::string_view text, std::string_view separator,
                                   int64_t limit) {
  std::vector<std::string> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t at = text.rfind(separator);
    if (at == std::string_view::npos) break;
    parts.emplace_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  parts.emplace_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::string repr(std::string_view text) {
  const bool double_quotes =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  for (const char32_t point : decode(text)) {
    if (point == static_cast<unsigned char>(quote) || point == '\\') {
      out += '\\';
      out += static_cast<char>(point);
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\r') {
      out += "\\r";
    } else if (point == '\t') {
      out += "\\t";
    } else if (point < 0x7f ? point >= ' ' : is_printable(point)) {
      append(out, point);
    } else {
      out += escaped(point);
    }
  }
  return out + quote;
}

std::string repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                    std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<size_t>(result.ptr - buffer.data()));
  const size_t e = scientific.find('e');
  const int exponent = std::stoi(std::string(scientific.substr(e + 1)));
  std::string digits;
  for (const char c : scientific.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const std::string sign = std::signbit(value) ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    std::array<char, 16> tail{};
    std::snprintf(tail.data(), tail.size(), "e%c%02d", exponent < 0 ? '-' : '+',
                  std::abs(exponent));
    return sign + digits.substr(0, 1) + (digits.size() > 1 ? "." + digits.substr(1) : "") +
           tail.data();
  }
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  const std::string fraction = digits.substr(whole);
  return sign + digits.substr(0, whole) + "." + (fraction.empty() ? "0" : fraction);
}

std::string json_quote(std::string_view text, bool ensure_ascii) {
  std::string out = "\"";
  const auto hex = [&](unsigned unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[(unit >> shift) & 15];
  };
  for (const char32_t point : decode(text)) {
    constexpr std::string_view kNamed = "\"\\\n\r\t\b\f", kLetters = "\"\\nrtbf";
    const size_t named =
        point < 0x80 ? kNamed.find(static_cast<char>(point)) : std::string_view::npos;
    if (named != std::string_view::npos) {
      out += '\\';
      out += kLetters[named];
    } else if (point < 0x20 ||
               (ensure_ascii && point >= 0x7f && point < 0x10000 && point != 0x7f)) {
      hex(point);
    } else if (ensure_ascii && point >= 0x10000) {
      hex(0xd800 + ((point - 0x10000) >> 10));
      hex(0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
      append(out, point);
    }
  }
  return out + '"';
}

}  // namespace tunewright::text::python
