#include "tunewright/text/jinja_lexer.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Kind = Token::Kind;

std::string normalize_newlines(std::string_view source, bool keep_trailing_newline) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    out += source[i] == '\r' ? '\n' : source[i];
  }
  if (!keep_trailing_newline && out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads the inside of a string literal, escapes as in Python.
class StringDecoder {
 public:
  StringDecoder(std::string_view text, int line) : text_(text), line_(line) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        escape();
      } else {
        out_ += text_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  void escape() {
    const char c = text_[at_++];
    constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t known = kLetters.find(c); known != std::string_view::npos) {
      out_ += kMeanings[known];
    } else if (c == '\n') {
      return;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      python::append(out_, hex(c == 'x' ? 2 : c == 'u' ? 4 : 8));
    } else if (c >= '0' && c <= '7') {
      python::append(out_, octal(c));
    } else if (c == 'N') {
      python::append(out_, named());
    } else {
      out_ += '\\';
      out_ += c;
    }
  }

  char32_t hex(size_t digits) {
    unsigned value = 0;
    const size_t end = at_ + digits;
    const char* begin = text_.data() + at_;
    if (end > text_.size() ||
        std::from_chars(begin, begin + digits, value, 16).ptr != begin + digits) {
      throw SyntaxFault("a string has a truncated \\x, \\u or \\U escape", line_);
    }
    at_ = end;
    return surrogate_pair(value);
  }

  // "\ud83d\ude00" is one character.
  char32_t surrogate_pair(unsigned high) {
    if (high < 0xd800 || high >= 0xdc00 || text_.substr(at_, 2) != "\\u" || at_ + 6 > text_.size())
      return high;
    unsigned low = 0;
    std::from_chars(text_.data() + at_ + 2, text_.data() + at_ + 6, low, 16);
    if (low < 0xdc00 || low >= 0xe000) return high;
    at_ += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }

  char32_t octal(char first) {
    unsigned value = static_cast<unsigned>(first - '0');
    for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i) {
      value = value * 8 + static_cast<unsigned>(text_[at_++] - '0');
    }
    return value;
  }

  char32_t named() {
    const size_t end = text_.find('}', at_);
    if (at_ < text_.size() && text_[at_] == '{' && end != std::string_view::npos) {
      const std::string name(text_.substr(at_ + 1, end - at_ - 1));
      UErrorCode status = U_ZERO_ERROR;
      const UChar32 point = u_charFromName(U_UNICODE_CHAR_NAME, name.c_str(), &status);
      if (U_SUCCESS(status)) {
        at_ = end + 1;
        return static_cast<char32_t>(point);
      }
    }
    throw SyntaxFault("a string has an unknown Unicode character name", line_);
  }

  std::string_view text_;
  int line_;
  size_t at_ = 0;
  std::string out_;
};

class Lexer {
 public:
  Lexer(std::string_view source, const Whitespace& whitespace)
      : source_(source), whitespace_(whitespace) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) root();
    add(Kind::End);
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  bool starts(std::string_view text) const { return rest().starts_with(text); }

  void add(Kind kind, std::string text = {}, Value number = {}) {
    tokens_.push_back(Token{kind, std::move(text), std::move(number), line_});
  }

  void advance(size_t count) {
    line_ +=
        static_cast<int>(std::count(source_.begin() + static_cast<ptrdiff_t>(at_),
                                    source_.begin() + static_cast<ptrdiff_t>(at_ + count), '\n'));
    at_ += count;
  }

  void skip_space() {
    const std::string_view left = rest();
    advance(left.size() - python::strip(left, python::Side::Left).size());
  }

  // Text up to the next tag, cut as the sign of that tag and lstrip_blocks say.
  void data(size_t end, bool is_variable) {
    std::string_view text = source_.substr(at_, end - at_);
    const char sign = end + 2 < source_.size() ? source_[end + 2] : 0;
    if (sign == '-') {
      text = python::strip(text, python::Side::Right);
    } else if (whitespace_.lstrip_blocks && sign != '+' && !is_variable) {
      const size_t line = text.rfind('\n') + 1;
      const bool at_line_start = line > 0 || line_starting_;
      if (at_line_start && python::strip(text.substr(line), python::Side::Left).empty())
        text = text.substr(0, line);
    }
    if (!text.empty()) add(Kind::Data, std::string(text));
    advance(end - at_);
  }

  size_t next_tag(size_t from) const {
    for (size_t i = source_.find('{', from); i != std::string_view::npos;
         i = source_.find('{', i + 1)) {
      const char next = i + 1 < source_.size() ? source_[i + 1] : 0;
      if (next == '{' || next == '%' || next == '#') return i;
    }
    return std::string_view::npos;
  }

  void root() {
    const size_t tag = next_tag(at_);
    if (tag == std::string_view::npos) {
      add(Kind::Data, std::string(rest()));
      advance(source_.size() - at_);
      return;
    }
    const char kind = source_[tag + 1];
    data(tag, kind == '{');
    advance(2);
    if (starts("-") || starts("+")) advance(1);
    if (kind == '#') return comment();
    if (kind == '%' && raw_block()) return;
    add(kind == '{' ? Kind::VariableBegin : Kind::BlockBegin);
    inside(kind == '{' ? "}}" : "%}", kind == '%');
  }

  // After a tag: -} eats white space, else one newline follows a block or a comment into nothing.
  void close(bool strip, bool keep_newline) {
    line_starting_ = false;
    if (strip) {
      skip_space();
      line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
    } else if (whitespace_.trim_blocks && !keep_newline && starts("\n")) {
      advance(1);
      line_starting_ = true;
    }
  }

  void comment() {
    const size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) throw SyntaxFault("Missing end of comment tag", line_);
    const char sign = end > at_ ? source_[end - 1] : 0;
    advance(end + 2 - at_);
    close(sign == '-', sign == '+');
  }

  // "raw" and its closing %}; then everything up to endraw is data.
  bool raw_block() {
    size_t at = at_;
    const auto space = [&] {
      const std::string_view left = source_.substr(at);
      at += left.size() - python::strip(left, python::Side::Left).size();
    };
    space();
    if (!source_.substr(at).starts_with("raw")) return false;
    at += 3;
    space();
    const bool strip = source_.substr(at).starts_with("-%}");
    if (!strip && !source_.substr(at).starts_with("%}")) return false;
    advance(at + (strip ? 3 : 2) - at_);
    if (strip) skip_space();
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
    raw_data();
    return true;
  }

  void raw_data() {
    for (size_t tag = at_; (tag = source_.find("{%", tag)) != std::string_view::npos; ++tag) {
      size_t at = tag + 2;
      const auto accept = [&](std::string_view text) {
        if (!source_.substr(at).starts_with(text)) return false;
        at += text.size();
        return true;
      };
      const auto space = [&] {
        const std::string_view left = source_.substr(at);
        at += left.size() - python::strip(left, python::Side::Left).size();
      };
      if (!accept("-")) accept("+");
      space();
      if (!accept("endraw")) continue;
      space();
      const bool strip = accept("-"), keep = !strip && accept("+");
      if (!accept("%}")) continue;
      data(tag, false);
      advance(at - at_);
      return close(strip, keep);
    }
    throw SyntaxFault("Missing end of raw directive", line_);
  }

  // The tokens of a tag up to its end.
  void inside(std::string_view end, bool is_block) {
    std::string brackets;
    while (true) {
      skip_space();
      if (at_ >= source_.size()) return;
      if (brackets.empty()) {
        const bool strip = starts("-") && rest().substr(1).starts_with(end);
        const bool keep = is_block && starts("+") && rest().substr(1).starts_with(end);
        if (strip || keep || starts(end)) {
          add(is_block ? Kind::BlockEnd : Kind::VariableEnd);
          advance(end.size() + (strip || keep ? 1 : 0));
          return close(strip, keep || !is_block);
        }
      }
      token(brackets);
    }
  }

  void token(std::string& brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (c == '\'' || c == '"') return string(c);
    size_t size = 0;
    while (at_ + size < source_.size()) {
      const auto lead = static_cast<unsigned char>(source_[at_ + size]);
      const size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      const std::u32string point = python::decode(source_.substr(at_ + size, bytes));
      if (point.empty() || !python::is_word(point[0])) break;
      size += bytes;
    }
    size = std::min(size, source_.size() - at_);
    if (size == 0) return operation(brackets);
    add(Kind::Name, std::string(source_.substr(at_, size)));
    advance(size);
  }

  void operation(std::string& brackets) {
    constexpr std::array<std::string_view, 6> kLong = {"//", "**", "==", "!=", ">=", "<="};
    constexpr std::string_view kShort = "+-/*%~[](){}><=.:|,;";
    std::string_view text = rest().substr(0, 1);
    for (const std::string_view two : kLong) {
      if (starts(two)) text = two;
    }
    if (text.size() == 1 && kShort.find(text[0]) == std::string_view::npos) {
      throw SyntaxFault(
          str("unexpected char ",
              python::repr(python::encode(python::decode(rest().substr(0, 4)).substr(0, 1))),
              " at ", python::length(source_.substr(0, at_))),
          line_);
    }
    if (text == "(" || text == "[" || text == "{")
      brackets += text == "(" ? ')' : text == "[" ? ']' : '}';
    if (text == ")" || text == "]" || text == "}") {
      if (brackets.empty()) throw SyntaxFault(str("unexpected '", text, "'"), line_);
      if (brackets.back() != text[0]) {
        throw SyntaxFault(str("unexpected '", text, "', expected '", brackets.back(), "'"), line_);
      }
      brackets.pop_back();
    }
    add(Kind::Operator, std::string(text));
    advance(text.size());
  }

  void string(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) {
      throw SyntaxFault(str("unexpected char ", python::repr(std::string(1, quote)), " at ",
                            python::length(source_.substr(0, at_))),
                        line_);
    }
    add(Kind::String, StringDecoder(source_.substr(at_ + 1, end - at_ - 1), line_).run());
    advance(end + 1 - at_);
  }

  // Digits with single underscores between them.
  size_t digits(size_t at, std::string_view allowed = "0123456789") const {
    const size_t begin = at;
    const auto is_allowed = [&](size_t i) {
      return i < source_.size() && allowed.find(source_[i]) != std::string_view::npos;
    };
    while (is_allowed(at) ||
           (at > begin && at < source_.size() && source_[at] == '_' && is_allowed(at + 1)))
      ++at;
    return at - begin;
  }

  void number() {
    if (starts("0x") || starts("0X")) return integer(2, 16, "0123456789abcdefABCDEF");
    if (starts("0o") || starts("0O")) return integer(2, 8, "01234567");
    if (starts("0b") || starts("0B")) return integer(2, 2, "01");
    const size_t whole = digits(at_);
    size_t end = at_ + whole;
    bool is_float = false;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (!after_dot && end < source_.size() && source_[end] == '.' && digits(end + 1) > 0) {
      is_float = true;
      end += 1 + digits(end + 1);
    }
    if (!after_dot && end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const size_t sign =
          end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1 : 0;
      const size_t exponent = digits(end + 1 + sign);
      is_float = is_float || exponent > 0;
      if (exponent > 0) end += 1 + sign + exponent;
    }
    if (!is_float) return integer(0, 10, "0123456789");
    std::string text(source_.substr(at_, end - at_));
    std::erase(text, '_');
    add(Kind::Float, {}, Value(std::strtod(text.c_str(), nullptr)));
    advance(end - at_);
  }

  void integer(size_t prefix, int base, std::string_view allowed) {
    size_t begin = at_ + prefix;
    if (prefix > 0 && begin < source_.size() && source_[begin] == '_') ++begin;
    size_t size = digits(begin, allowed);
    std::string text(source_.substr(begin, size));
    if (prefix > 0 && size == 0) {  // "0x" alone is the number 0 and a name
      begin = at_;
      text = "0";
      size = 1;
    } else if (prefix == 0 && text[0] == '0') {  // a number that begins with 0 has only zeros
      size = std::min(text.find_first_not_of("0_"), size);
      text.resize(size);
    }
    std::erase(text, '_');
    int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (result.ec != std::errc())
      throw SyntaxFault(str("the integer ", text, " does not fit in 64 bits"), line_);
    add(Kind::Integer, {}, Value(value));
    advance(begin + size - at_);
  }

  std::string_view source_;
  Whitespace whitespace_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const Whitespace& whitespace) {
  const std::string normalized = normalize_newlines(source, whitespace.keep_trailing_newline);
  return Lexer(normalized, whitespace).run();
}

}  // namespace tunewright::text::jinja
