#include "tunewright/corpus/pii/digit_groups.h"

#include <algorithm>

#include "tunewright/corpus/pii/characters.h"

namespace tunewright::corpus::pii {

bool DigitGroups::has_shape(std::initializer_list<size_t> shape) const {
  return count == shape.size() && std::equal(shape.begin(), shape.end(), sizes.begin());
}

DigitGroups DigitGroups::first(size_t groups) const {
  auto part = *this;
  part.count = groups;
  size_t kept = 0;
  for (size_t i = 0; i < groups; ++i) kept += sizes[i];
  part.digits.resize(kept);
  if (groups == 1) part.separator = '\0';
  return part;
}

DigitGroups read_digit_groups(std::string_view text, size_t begin, std::string_view separators) {
  constexpr size_t kMostDigits = 40;
  DigitGroups groups;
  size_t i = begin;
  while (groups.count < DigitGroups::kMost) {
    const size_t first = i;
    while (is_digit(at(text, i)) && groups.digits.size() < kMostDigits) groups.digits += text[i++];
    groups.sizes[groups.count] = i - first;
    groups.ends[groups.count++] = i;
    const char next = at(text, i);
    const bool goes_on = i < text.size() && one_of(separators, next) && is_digit(at(text, i + 1)) &&
                         (groups.separator == '\0' || next == groups.separator);
    if (!goes_on) break;
    if (groups.count < DigitGroups::kMost) groups.separator = next;
    ++i;
  }
  return groups;
}

bool is_whole_number(std::string_view text, size_t begin, size_t end) {
  if (!stands_alone(text, begin, end)) return false;
  const auto joins = [](char separator, char beyond) {
    return is_digit(beyond) && one_of("-.,/:", separator);
  };
  if (begin >= 2 && joins(text[begin - 1], text[begin - 2])) return false;
  return !joins(at(text, end), at(text, end + 1));
}

}  // namespace tunewright::corpus::pii
