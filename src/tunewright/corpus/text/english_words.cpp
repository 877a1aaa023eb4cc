#include "tunewright/corpus/text/english_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tunewright/corpus/text/characters.h"
#include "tunewright/corpus/text/english_exceptions.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

using text::code_point_at;
using text::code_point_before;

// Cut off behind an ASCII digit.
constexpr std::string_view kUnits[] = {
    "km",   "km²",  "km³", "m",  "m²",  "m³",   "dm",    "dm²", "dm³",  "cm",  "cm²",  "cm³",
    "mm",   "mm²",  "mm³", "ha", "µm",  "nm",   "yd",    "in",  "ft",   "kg",  "g",    "mg",
    "µg",   "t",    "lb",  "oz", "m/s", "km/h", "kmh",   "mph", "hPa",  "Pa",  "mbar", "mb",
    "MB",   "kb",   "KB",  "gb", "GB",  "tb",   "TB",    "T",   "G",    "M",   "K",    "%",
    "км",   "км²",  "км³", "м",  "м²",  "м³",   "дм",    "дм²", "дм³",  "см",  "см²",  "см³",
    "мм",   "мм²",  "мм³", "нм", "кг",  "г",    "мг",    "м/с", "км/ч", "кПа", "Па",   "мбар",
    "Кб",   "КБ",   "кб",  "Мб", "МБ",  "мб",   "Гб",    "ГБ",  "гб",   "Тб",  "ТБ",   "тбكم",
    "كم²",  "كم³",  "م",   "م²", "م³",  "سم",   "سم²",   "سم³", "مم",   "مم²", "مم³",  "كم",
    "غرام", "جرام", "جم",  "كغ", "ملغ", "كوب",  "اكواب", "US$", "C$",   "A$"};
constexpr size_t kLongestUnit = 10;  // bytes

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

size_t leading_dots(std::string_view text) {
  return std::min(text.find_first_not_of('.'), text.size());
}

// How many bytes at the front are a token of their own; 0: none.
size_t prefix_size(std::string_view word) {
  const char first = word[0];
  if (is_ascii_letter(first)) {
    if (word.starts_with("US$")) return 3;
    return word.starts_with("C$") || word.starts_with("A$") ? 2 : 0;
  }
  if (first == '.') {
    const auto dots = leading_dots(word);
    return dots >= 2 ? dots : 0;
  }
  if (first == '+') return word.size() > 1 && is_ascii_digit(word[1]) ? 0 : 1;
  const auto [point, size] = code_point_at(word, 0);
  return (flags_of(point) & kTokenPrefix) != 0 ? size : 0;
}

// A unit or a currency directly behind an ASCII digit.  It holds no digit: the last one decides.
size_t unit_size(std::string_view word) {
  size_t size = 0;
  while (size < word.size() && size <= kLongestUnit &&
         !is_ascii_digit(word[word.size() - 1 - size]))
    ++size;
  if (size == 0 || size == word.size() || size > kLongestUnit) return 0;
  const auto tail = word.substr(word.size() - size);
  const auto [point, bytes] = code_point_at(tail, 0);
  if (bytes == size && (flags_of(point) & kCurrency) != 0) return size;
  return std::ranges::find(kUnits, tail) != std::end(kUnits) ? size : 0;
}

bool ends_with_degree(std::string_view text) {
  if (text.size() < 3) return false;
  return std::string_view("FfCcKk").find(text.back()) != std::string_view::npos &&
         text.substr(0, text.size() - 1).ends_with("°");
}

// A full stop that is cut off: not that of an initial or of an abbreviation with dots.
bool stop_stands_alone(std::string_view before) {
  if (before.empty()) return false;
  const auto last = code_point_before(before, before.size());
  const auto flags = flags_of(last.value);
  if ((flags & (kLower | kDotAfter)) != 0 || ends_with_degree(before)) return true;
  if ((flags & kUpper) == 0 || last.size == before.size()) return false;
  return (flags_of(code_point_before(before, before.size() - last.size).value) & kUpper) != 0;
}

size_t suffix_size(std::string_view word) {
  if (word.empty()) return 0;
  const auto size = word.size();
  const char last = word.back();
  if (last == '.') {
    const auto other = word.find_last_not_of('.');
    const auto dots = other == std::string_view::npos ? size : size - 1 - other;
    if (dots >= 2) return dots;
    return stop_stands_alone(word.substr(0, size - 1)) ? 1 : 0;
  }
  if (last == 's' || last == 'S') {
    if (size >= 2 && word[size - 2] == '\'') return 2;
    if (word.substr(0, size - 1).ends_with("’")) return 4;
  }
  if (last == '+') return size >= 2 && is_ascii_digit(word[size - 2]) ? 1 : 0;
  const auto [point, bytes] = code_point_before(word, size);
  if (point == U'…' && word.substr(0, size - bytes).ends_with("…")) return 2 * bytes;
  const size_t alone = (flags_of(point) & kTokenSuffix) != 0 ? bytes : 0;
  return std::max(alone, unit_size(word));
}

// The hyphens that join words, in the order in which the longer ones are tried.
size_t hyphen_size(std::string_view rest) {
  const auto joins = [&](std::string_view hyphen) {
    return rest.starts_with(hyphen) && rest.size() > hyphen.size() &&
           (flags_of(code_point_at(rest, hyphen.size()).value) & kAlpha) != 0;
  };
  for (const std::string_view hyphen : {"-", "–", "—", "--", "---", "——", "~"})
    if (joins(hyphen)) return hyphen.size();
  return 0;
}

// The size of what splits a word at `at`; 0: nothing.
size_t infix_size(std::string_view word, size_t at) {
  const auto rest = word.substr(at);
  if (rest[0] == '.' && rest.size() > 1 && rest[1] == '.') return leading_dots(rest);
  const auto [point, size] = code_point_at(rest, 0);
  if (point == U'…' || (flags_of(point) & kIcon) != 0) return size;
  if (at == 0 || rest.size() == size) return 0;
  const auto before_point = code_point_before(word, at).value;
  const auto next_point = code_point_at(rest, size).value;
  const auto before = flags_of(before_point), next = flags_of(next_point);
  const bool digit_before = before_point >= '0' && before_point <= '9';
  const bool digit_next = next_point >= '0' && next_point <= '9';
  switch (point) {
    case '+':
    case '*':
    case '^':
    case '-':
      if (digit_before && (digit_next || next_point == '-')) return 1;
      break;
    case '.':
      return (before & (kLower | kQuote)) != 0 && (next & (kUpper | kQuote)) != 0 ? 1 : 0;
    case ',':
      return (before & kAlpha) != 0 && (next & kAlpha) != 0 ? 1 : 0;
    case ':':
    case '<':
    case '>':
    case '=':
    case '/':
      return ((before & kAlpha) != 0 || digit_before) && (next & kAlpha) != 0 ? 1 : 0;
    default:
      break;
  }
  return (before & kAlpha) != 0 || digit_before ? hyphen_size(rest) : 0;
}

// What may stand inside a word and split it: nothing else needs a look.
bool may_split(unsigned char byte) {
  return byte >= 0x80 ||
         !(is_ascii_letter(static_cast<char>(byte)) || is_ascii_digit(static_cast<char>(byte)));
}

bool is_plain_word(std::string_view word) { return std::ranges::all_of(word, is_ascii_letter); }

}  // namespace

void EnglishWords::split(std::string_view text) {
  cut(text, /*with_exceptions=*/true);
  join_exceptions();
  words_.clear();
  for (const auto& token : tokens_)
    if (!token.is_space) words_.push_back(token.text);
}

int64_t EnglishWords::sentences() const {
  int64_t sentences = 1;
  bool ended = false;
  for (const auto& token : tokens_) {
    const auto [point, size] = code_point_at(token.text, 0);
    const bool ends = size == token.text.size() && (flags_of(point) & kSentenceEnd) != 0;
    const auto is_punctuation = [&] {
      for (size_t at = 0; at < token.text.size();) {
        const auto here = code_point_at(token.text, at);
        if ((flags_of(here.value) & kPunctuation) == 0) return false;
        at += here.size;
      }
      return true;
    };
    if (ends) {
      ended = true;
    } else if (ended && !is_punctuation()) {
      ++sentences;
      ended = false;
    }
  }
  return sentences;
}

// Runs of white space and of other characters, without the single space between two words.
void EnglishWords::cut(std::string_view text, bool with_exceptions) {
  tokens_.clear();
  if (text.empty()) return;
  size_t start = 0;
  bool in_space = (flags_of(code_point_at(text, 0).value) & kSpace) != 0;
  const auto end_run = [&](size_t end) {
    if (start == end) return;
    const auto run = text.substr(start, end - start);
    if (in_space) {
      tokens_.push_back({run, true});
    } else {
      cut_word(run, with_exceptions);
    }
  };
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const auto [point, size] = byte < 0x80 ? text::CodePoint{byte, 1} : code_point_at(text, at);
    const bool is_space = (flags_of(point) & kSpace) != 0;
    if (is_space != in_space) {
      end_run(at);
      start = point == ' ' ? at + 1 : at;
      in_space = is_space;
    }
    at += size;
  }
  end_run(text.size());
}

void EnglishWords::add_pieces(std::string_view word, std::span<const uint8_t> sizes) {
  for (size_t at = 0; const auto size : sizes) {
    tokens_.push_back({word.substr(at, size)});
    at += size;
  }
}

void EnglishWords::cut_word(std::string_view word, bool with_exceptions) {
  const auto* exceptions = with_exceptions ? &EnglishExceptions::get() : nullptr;
  const auto known = [&](std::string_view part) {
    return exceptions != nullptr ? exceptions->pieces(part) : std::span<const uint8_t>{};
  };
  const auto is_known = [&](std::string_view part) { return !known(part).empty(); };
  suffixes_.clear();
  bool more = !is_plain_word(word);
  while (more && !word.empty() && !is_known(word)) {
    const auto prefix = prefix_size(word);
    const auto rest = word.substr(prefix);
    const auto suffix = suffix_size(rest);
    const auto without_suffix = word.substr(0, word.size() - suffix);
    if (prefix > 0 && is_known(rest)) {
      tokens_.push_back({word.substr(0, prefix)});
      word = rest;
    } else if (suffix > 0 && is_known(without_suffix)) {
      suffixes_.push_back(word.substr(word.size() - suffix));
      word = without_suffix;
    } else {
      if (prefix > 0) tokens_.push_back({word.substr(0, prefix)});
      if (suffix > 0) suffixes_.push_back(rest.substr(rest.size() - suffix));
      word = rest.substr(0, rest.size() - suffix);
      more = prefix + suffix > 0;
    }
  }
  if (const auto sizes = known(word); !sizes.empty()) {
    add_pieces(word, sizes);
  } else if (is_plain_word(word)) {
    if (!word.empty()) tokens_.push_back({word});
  } else {
    cut_infixes(word);
  }
  for (auto it = suffixes_.rbegin(); it != suffixes_.rend(); ++it) tokens_.push_back({*it});
}

void EnglishWords::cut_infixes(std::string_view word) {
  if (is_english_url(word)) {
    tokens_.push_back({word});
    return;
  }
  size_t start = 0;
  for (size_t at = 0; at < word.size();) {
    const auto byte = static_cast<unsigned char>(word[at]);
    const auto size = may_split(byte) ? infix_size(word, at) : 0;
    if (size == 0) {
      at += byte < 0x80 ? 1 : code_point_at(word, at).size;
      continue;
    }
    if (at > 0) {  // one at the very front stays where it is
      if (at != start) tokens_.push_back({word.substr(start, at - start)});
      tokens_.push_back({word.substr(at, size)});
      start = at + size;
    }
    at += size;
  }
  if (start < word.size()) tokens_.push_back({word.substr(start)});
}

// Exceptions that the affixes' rules have cut are found as sequences of tokens, wherever those
// stand; the longest first, and what touches the ends of a longer one is left alone.
void EnglishWords::join_exceptions() {
  const auto& exceptions = EnglishExceptions::get();
  spans_.clear();
  for (size_t begin = 0; begin + 1 < tokens_.size(); ++begin) {
    const auto* sequences = exceptions.sequences_from(tokens_[begin].text);
    if (sequences == nullptr) continue;
    for (const auto& sequence : *sequences) {
      const auto fits = [&] {
        if (begin + sequence.size() > tokens_.size()) return false;
        for (size_t i = 1; i < sequence.size(); ++i)
          if (tokens_[begin + i].text != sequence[i]) return false;
        return true;
      };
      if (fits()) spans_.push_back({begin, begin + sequence.size()});
    }
  }
  if (!spans_.empty()) replace_spans();
}

void EnglishWords::replace_spans() {
  std::ranges::sort(spans_, [](const Span& a, const Span& b) {
    const auto size_a = a.end - a.begin, size_b = b.end - b.begin;
    return size_a != size_b ? size_a > size_b : a.begin < b.begin;
  });
  std::vector<bool> seen(tokens_.size());
  std::vector<Span> chosen;
  for (const auto& span : spans_) {
    if (!seen[span.begin] && !seen[span.end - 1]) chosen.push_back(span);
    for (auto i = span.begin; i < span.end; ++i) seen[i] = true;
  }
  std::ranges::sort(chosen, {}, &Span::begin);
  std::swap(tokens_, other_tokens_);
  tokens_.clear();
  size_t next = 0;
  for (const auto& [begin, end] : chosen) {
    while (next < begin) tokens_.push_back(other_tokens_[next++]);
    const auto first = other_tokens_[begin].text, last = other_tokens_[end - 1].text;
    const std::string_view whole(first.data(),
                                 static_cast<size_t>(last.data() + last.size() - first.data()));
    // Tokens with white space between are no exception: they stay.
    if (const auto sizes = EnglishExceptions::get().pieces(whole); !sizes.empty()) {
      add_pieces(whole, sizes);
      next = end;
    }
  }
  while (next < other_tokens_.size()) tokens_.push_back(other_tokens_[next++]);
}

}  // namespace tunewright::corpus
