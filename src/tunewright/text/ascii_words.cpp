#include "tunewright/text/ascii_words.h"

#include <array>
#include <cstdint>

namespace tunewright::text {

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

enum Class : uint8_t { kLetter, kDigit, kSpace, kOther, kForeign, kEnd };

constexpr std::array<Class, 256> make_classes() {
  std::array<Class, 256> classes{};
  for (size_t c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    classes[c] = c >= 0x80 ? kForeign : letter ? kLetter : digit ? kDigit : space ? kSpace : kOther;
  }
  return classes;
}
constexpr auto kClasses = make_classes();

struct Scanner {
  std::string_view text;

  Class at(size_t i) const {
    return i < text.size() ? kClasses[static_cast<uint8_t>(text[i])] : kEnd;
  }
  size_t after_run(size_t i, Class of) const {
    while (at(i) == of) ++i;
    return i;
  }
  // The end of the run that begins at `i`; 0 where it may go on.
  size_t run(size_t i, Class of) const {
    const auto end = after_run(i, of);
    return at(end) == kForeign ? 0 : end;
  }
  bool is_newline(size_t i) const {
    return i < text.size() && (text[i] == '\n' || text[i] == '\r');
  }
};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// The end of 's, 't, 're, 've, 'm, 'll or 'd at `i`; 0 where none stands there.
template <bool kAnyCase>
size_t contraction(std::string_view text, size_t i) {
  const auto letter = [&](size_t k) {
    const char c = k < text.size() ? text[k] : '\0';
    return kAnyCase ? lower(c) : c;
  };
  if (text[i] != '\'') return 0;
  const char first = letter(i + 1), second = letter(i + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return i + 2;
  const bool two =
      ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
  return two ? i + 3 : 0;
}

// \s+(?!\S)|\s+ for the white space [begin, end): the last one goes to the word behind it.
size_t spaces(const Scanner& scan, size_t begin, size_t end) {
  return end < scan.text.size() && end - begin > 1 ? end - 1 : end;
}

size_t match_gpt2(std::string_view text, size_t from) {
  const Scanner scan{text};
  if (const auto end = contraction<false>(text, from)) return end;
  const auto begin = from + (text[from] == ' ' ? 1 : 0);
  const auto kind = scan.at(begin);
  if (kind == kForeign) return 0;
  if (kind == kLetter || kind == kDigit || kind == kOther) return scan.run(begin, kind);
  const auto end = scan.run(from, kSpace);
  return end == 0 ? 0 : spaces(scan, from, end);
}

// Where the letters of [^\r\n\p{L}\p{N}]?\p{L}+ would begin at `from`.
size_t letters(const Scanner& scan, size_t from) {
  const bool takes_one =
      (scan.at(from) == kSpace || scan.at(from) == kOther) && !scan.is_newline(from);
  return takes_one ? from + 1 : from;
}

size_t digits(const Scanner& scan, size_t from, size_t most) {
  auto end = from;
  while (end - from < most && scan.at(end) == kDigit) ++end;
  return end - from < most && scan.at(end) == kForeign ? 0 : end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+
size_t lines_or_spaces(const Scanner& scan, size_t from) {
  const auto end = scan.run(from, kSpace);
  for (size_t i = end; i > from; --i) {
    if (scan.is_newline(i - 1)) return i;
  }
  return end == 0 ? 0 : spaces(scan, from, end);
}

template <size_t kDigits>
size_t match_llama3(std::string_view text, size_t from) {
  const Scanner scan{text};
  if (scan.at(from) == kForeign) return 0;
  // U+017F is an s where the case does not count.
  if (text[from] == '\'' && scan.at(from + 1) == kForeign) return 0;
  if (const auto end = contraction<true>(text, from)) return end;
  const auto first_letter = letters(scan, from);
  if (scan.at(first_letter) == kForeign) return 0;
  if (scan.at(first_letter) == kLetter) return scan.run(first_letter, kLetter);
  if (scan.at(from) == kDigit) return digits(scan, from, kDigits);
  const auto begin = from + (text[from] == ' ' ? 1 : 0);
  if (scan.at(begin) != kOther) return lines_or_spaces(scan, from);
  auto end = scan.run(begin, kOther);
  while (end > 0 && scan.is_newline(end)) ++end;
  return end;
}

}  // namespace

AsciiMatcher ascii_matcher(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return &match_gpt2;
  if (pattern == kLlama3Pattern) return &match_llama3<3>;
  if (pattern == kQwen2Pattern) return &match_llama3<1>;
  return nullptr;
}

}  // namespace tunewright::text
