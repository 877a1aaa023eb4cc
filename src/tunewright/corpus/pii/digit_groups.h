#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tunewright::corpus::pii {

// A number as it is written: groups of digits with one and the same separator between them.
struct DigitGroups {
  static constexpr size_t kMost = 6;
  std::array<size_t, kMost> sizes{};
  std::array<size_t, kMost> ends{};  // of each group, in the text
  size_t count = 0;
  char separator = '\0';  // none where there is one group
  std::string digits;

  bool has_shape(std::initializer_list<size_t> shape) const;
  // The first `groups` groups of it.
  DigitGroups first(size_t groups) const;
};

// From `begin` on, which is a digit; separators are one of `separators`.
DigitGroups read_digit_groups(std::string_view text, size_t begin, std::string_view separators);

// No digit, letter or '_' on either side, and no separator with a digit behind it: the number is
// not a part of a longer one, or of a decimal fraction.
bool is_whole_number(std::string_view text, size_t begin, size_t end);

}  // namespace tunewright::corpus::pii
