#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tunewright {

struct DiffPart {
  enum class Kind { kSame, kRemoved, kAdded } kind = Kind::kSame;
  std::string text;
};

// The fewest words and gaps between words to take out of `before` and put in for `after`: what is
// not added, joined, is `before`; what is not removed is `after`.  For texts of a few thousand
// words: longer ones differ as a whole.
std::vector<DiffPart> word_diff(std::string_view before, std::string_view after);

}  // namespace tunewright
