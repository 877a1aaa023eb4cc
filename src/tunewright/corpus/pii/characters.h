#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Classes of bytes, and the borders of words in UTF-8.
namespace tunewright::corpus::pii {

inline constexpr uint8_t kDigit = 1, kUpper = 2, kLower = 4, kHexLetter = 8, kUnderscore = 16;
inline constexpr uint8_t kLetter = kUpper | kLower;
inline constexpr uint8_t kAlnum = kDigit | kLetter;
inline constexpr uint8_t kWord = kAlnum | kUnderscore;

inline constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = kDigit;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = kUpper;
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = kLower;
  for (const char c : {'a', 'b', 'c', 'd', 'e', 'f', 'A', 'B', 'C', 'D', 'E', 'F'})
    classes[static_cast<size_t>(c)] |= kHexLetter;
  classes['_'] = kUnderscore;
  return classes;
}();

inline uint8_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (class_of(c) & kLetter) != 0; }
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_alnum(char c) { return (class_of(c) & kAlnum) != 0; }
inline bool is_hex(char c) { return (class_of(c) & (kDigit | kHexLetter)) != 0; }
inline bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
inline char lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
inline char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

inline bool one_of(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

// The byte at `at`; '\0' outside of the text.
inline char at(std::string_view text, size_t at) { return at < text.size() ? text[at] : '\0'; }

// Whether the character that ends before `at`, or begins there, is a letter, a digit or '_'.
bool is_word_before(std::string_view text, size_t at);
bool is_word_at(std::string_view text, size_t at);
// A word's border on both sides.
inline bool stands_alone(std::string_view text, size_t begin, size_t end) {
  return !is_word_before(text, begin) && !is_word_at(text, end);
}

// The end of the run of ASCII letters, digits and '_' from `begin` on.
inline size_t word_end(std::string_view text, size_t begin) {
  while (begin < text.size() && (class_of(text[begin]) & kWord) != 0) ++begin;
  return begin;
}

// The ASCII digits of `text`, and nothing else of it.
std::string digits_of(std::string_view text);

}  // namespace tunewright::corpus::pii
