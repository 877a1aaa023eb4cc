#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace tunewright::corpus::pii {

// Whether one of `words` (in lower case) is among the few whole words before `begin`, on the same
// line or the one before; a plural 's' does not matter.  "lic" is not in "public".
bool has_context(std::string_view text, size_t begin, std::span<const std::string_view> words);

// More by 0.35, and at least 0.45: above what a form alone gives a number (0.4), so that of two
// entities that fit a number the one whose word stands before it wins.
inline double with_context(double score) {
  constexpr double kMore = 0.35, kLeast = 0.45;
  return std::clamp(score + kMore, kLeast, 1.0);
}

}  // namespace tunewright::corpus::pii
