#include "tunewright/corpus/pii/context.h"

#include <algorithm>

#include "tunewright/corpus/pii/characters.h"

namespace tunewright::corpus::pii {
namespace {

constexpr int kWords = 5;            // as many as presidio looks at
constexpr size_t kReachBytes = 100;  // and so far at most, whatever the words are

bool is_same(std::string_view word, std::string_view known) {
  if (word.size() == known.size() + 1 && lower(word.back()) == 's') word.remove_suffix(1);
  return std::ranges::equal(word, known, {}, lower);
}

}  // namespace

bool has_context(std::string_view text, size_t begin, std::span<const std::string_view> words) {
  const size_t least = begin > kReachBytes ? begin - kReachBytes : 0;
  size_t end = begin;
  for (int i = 0; i < kWords; ++i) {
    while (end > least && !is_alnum(text[end - 1])) --end;
    size_t first = end;
    while (first > least && is_alnum(text[first - 1])) --first;
    if (first == end) return false;
    const auto word = text.substr(first, end - first);
    if (std::ranges::any_of(words, [&](auto known) { return is_same(word, known); })) return true;
    end = first;
  }
  return false;
}

}  // namespace tunewright::corpus::pii
