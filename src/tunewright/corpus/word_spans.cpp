#include "tunewright/corpus/word_spans.h"

#include <algorithm>

#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::vector<WordSpan> word_spans(std::string_view text) {
  std::vector<WordSpan> spans;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const auto c = text::code_point_at(text, at);
    if (text::is_word(c.value)) {
      if (!inside) spans.push_back({.begin = at, .size = 0, .lower = {}});
      spans.back().size += c.size;
      text::append_lowercase(spans.back().lower, c.value);
      inside = true;
    } else {
      inside = false;
    }
    at += c.size;
  }
  return spans;
}

std::string with_case_of(std::string_view original, std::string_view replacement) {
  std::string result(replacement);
  const bool all_upper = original.size() > 1 && std::ranges::all_of(original, is_upper);
  if (all_upper) {
    std::ranges::transform(result, result.begin(), to_upper);
  } else if (!original.empty() && is_upper(original.front()) && !result.empty()) {
    result.front() = to_upper(result.front());
  }
  return result;
}

std::string with_replacements(std::string_view text, const std::vector<Replacement>& replacements) {
  std::string result;
  size_t at = 0;
  for (const auto& replacement : replacements) {
    result += text.substr(at, replacement.begin - at);
    result += replacement.text;
    at = replacement.begin + replacement.size;
  }
  return result += text.substr(at);
}

}  // namespace tunewright::corpus
