#include "tunewright/eval/python_literal.h"

#include <algorithm>
#include <charconv>

#include "tunewright/text/python_text.h"

namespace tunewright::eval {
namespace {

constexpr int kMostNested = 100;

// The text is not a literal.
struct NotALiteral {};

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  Json read_all() {
    Json value = read_value(0);
    skip_space();
    if (at_ != text_.size()) throw NotALiteral();
    return value;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool accept(char c) {
    skip_space();
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool accept_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n\f").find(peek()) != std::string_view::npos)
      ++at_;
  }

  Json read_value(int depth) {
    if (depth > kMostNested) throw NotALiteral();
    skip_space();
    const char c = peek();
    if (c == '[' || c == '(') return read_list(c == '[' ? ']' : ')', depth);
    if (c == '{') return read_dict(depth);
    if (c == '\'' || c == '"') return read_strings();
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    if (accept_word("None")) return nullptr;
    return read_number();
  }

  Json read_list(char end, int depth) {
    ++at_;
    Json list = Json::array();
    bool comma = false;
    while (!accept(end)) {
      if (!list.empty() && !comma) throw NotALiteral();
      list.push_back(read_value(depth + 1));
      comma = accept(',');
    }
    // (x) is x; (x,) is a tuple.
    if (end == ')' && list.size() == 1 && !comma) return list[0];
    return list;
  }

  Json read_dict(int depth) {
    ++at_;
    Json dict = Json::object();
    bool comma = true;
    while (!accept('}')) {
      if (!comma) throw NotALiteral();
      const Json key = read_value(depth + 1);
      if (!key.is_string() || !accept(':')) throw NotALiteral();
      dict[key.get<std::string>()] = read_value(depth + 1);
      comma = accept(',');
    }
    return dict;
  }

  // Neighbouring strings are one.
  Json read_strings() {
    std::string all;
    for (skip_space(); peek() == '\'' || peek() == '"'; skip_space()) all += read_string();
    return all;
  }

  std::string read_string() {
    const char quote = text_[at_++];
    std::string out;
    while (peek() != quote) {
      if (at_ >= text_.size() || peek() == '\n') throw NotALiteral();
      if (peek() == '\\') {
        ++at_;
        read_escape(out);
      } else {
        out += text_[at_++];
      }
    }
    ++at_;
    return out;
  }

  void read_escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
    if (at_ >= text_.size()) throw NotALiteral();
    const char c = text_[at_++];
    if (const auto known = kLetters.find(c); known != std::string_view::npos) {
      out += kMeanings[known];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      text::python::append(out, read_hex(c == 'x' ? 2 : c == 'u' ? 4 : 8));
    } else if (c != '\n') {
      throw NotALiteral();
    }
  }

  char32_t read_hex(size_t digits) {
    unsigned value = 0;
    const auto word = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
    if (error != std::errc() || word.size() != digits || end != word.data() + digits)
      throw NotALiteral();
    at_ += digits;
    return value;
  }

  Json read_number() {
    const auto begin = at_;
    const auto belongs = [](char c) {
      return (c >= '0' && c <= '9') || std::string_view("+-.eE").find(c) != std::string_view::npos;
    };
    while (at_ < text_.size() && belongs(peek())) ++at_;
    const auto word = text_.substr(begin, at_ - begin);
    const char* end = word.data() + word.size();
    int64_t whole = 0;
    if (const auto r = std::from_chars(word.data(), end, whole);
        r.ec == std::errc() && r.ptr == end)
      return whole;
    double number = 0;
    if (const auto r = std::from_chars(word.data(), end, number);
        r.ec == std::errc() && r.ptr == end && !word.empty())
      return number;
    throw NotALiteral();
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<Json> python_literal(std::string_view text) {
  try {
    return LiteralReader(text).read_all();
  } catch (const NotALiteral&) {
    return std::nullopt;
  }
}

}  // namespace tunewright::eval
