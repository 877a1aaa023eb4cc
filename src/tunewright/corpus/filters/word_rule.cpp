#include "tunewright/corpus/filters/word_rule.h"

#include <vector>

#include "tunewright/corpus/text/characters.h"
#include "tunewright/corpus/text/english_words.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

void split_at_space(std::string_view text, std::vector<std::string_view>& words) {
  words.clear();
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const auto [point, size] = text::code_point_at(text, at);
    if ((flags_of(point) & kSpace) != 0) {
      if (start < at) words.push_back(text.substr(start, at - start));
      start = at + size;
    }
    at += size;
  }
  if (start < text.size()) words.push_back(text.substr(start));
}

}  // namespace

std::span<const std::string_view> words_of(std::string_view text, WordRule rule) {
  if (rule == WordRule::kEnglish) {
    thread_local EnglishWords english;
    english.split(text);
    return english.words();
  }
  thread_local std::vector<std::string_view> words;
  split_at_space(text, words);
  return words;
}

}  // namespace tunewright::corpus
