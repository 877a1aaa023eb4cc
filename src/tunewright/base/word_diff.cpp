#include "tunewright/base/word_diff.h"

#include <algorithm>
#include <cstdint>

namespace tunewright {
namespace {

using Words = std::vector<std::string_view>;
constexpr size_t kMostCells = 4'000'000;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Runs of white space and of other characters, in turn.
Words words_of(std::string_view text) {
  Words words;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin + 1;
    while (end < text.size() && is_space(text[end]) == is_space(text[begin])) ++end;
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

void add(std::vector<DiffPart>& parts, DiffPart::Kind kind, std::string_view text) {
  if (parts.empty() || parts.back().kind != kind) parts.push_back({kind, ""});
  parts.back().text += text;
}

// lengths[i * width + j]: of the longest common subsequence of before[i…] and after[j…].
std::vector<uint16_t> common_lengths(const Words& before, const Words& after) {
  const size_t width = after.size() + 1;
  std::vector<uint16_t> lengths((before.size() + 1) * width);
  for (size_t i = before.size(); i-- > 0;) {
    for (size_t j = after.size(); j-- > 0;) {
      auto& here = lengths[i * width + j];
      here = before[i] == after[j]
                 ? static_cast<uint16_t>(lengths[(i + 1) * width + j + 1] + 1)
                 : std::max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  return lengths;
}

}  // namespace

std::vector<DiffPart> word_diff(std::string_view before, std::string_view after) {
  using enum DiffPart::Kind;
  const auto old_words = words_of(before), new_words = words_of(after);
  std::vector<DiffPart> parts;
  const size_t width = new_words.size() + 1;
  if ((old_words.size() + 1) * width > kMostCells) {
    add(parts, kRemoved, before);
    add(parts, kAdded, after);
    return parts;
  }
  const auto lengths = common_lengths(old_words, new_words);
  size_t i = 0, j = 0;
  while (i < old_words.size() || j < new_words.size()) {
    const bool both = i < old_words.size() && j < new_words.size();
    if (both && old_words[i] == new_words[j]) {
      add(parts, kSame, old_words[i]);
      ++i, ++j;
    } else if (j == new_words.size() ||
               (both && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      add(parts, kRemoved, old_words[i++]);
    } else {
      add(parts, kAdded, new_words[j++]);
    }
  }
  return parts;
}

}  // namespace tunewright
