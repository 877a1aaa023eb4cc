#include "tunewright/corpus/dedup/words.h"

#include <unicode/uchar.h>

#include <array>

#include "tunewright/base/hash.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

constexpr std::array<bool, 256> word_bytes() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c) {
    table[static_cast<size_t>(c)] =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  return table;
}
constexpr auto kWordBytes = word_bytes();
bool is_word_byte(char c) { return kWordBytes[static_cast<unsigned char>(c)]; }

// \w of every character; asked of ICU once, as that takes three looks into its tables.
bool is_word_character(char32_t c) {
  static const auto table = [] {
    std::vector<bool> is_word(0x110000);
    for (char32_t point = 0; point < is_word.size(); ++point)
      is_word[point] = text::python::is_word(point);
    return is_word;
  }();
  return table[c];
}

char lower_byte(char c) { return static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0)); }

// Characters whose lower case is not one character, or depends on those around it.
bool has_special_case(std::string_view text) {
  constexpr std::string_view kCapitalSigma = "\u03A3", kCapitalIWithDot = "\u0130";
  return text.find(kCapitalSigma) != text.npos || text.find(kCapitalIWithDot) != text.npos;
}

// Copies ASCII from `at` on, lowered; returns where it ends.
size_t lower_ascii(std::string_view text, size_t at, std::string& lowered) {
  size_t end = at;
  while (end < text.size() && is_ascii(text[end])) ++end;
  const auto from = lowered.size();
  lowered.resize(from + (end - at));
  for (size_t i = at; i < end; ++i) lowered[from + (i - at)] = lower_byte(text[i]);
  return end;
}

void lower(std::string_view text, std::string& lowered) {
  lowered.clear();
  size_t at = lower_ascii(text, 0, lowered);
  if (at == text.size()) return;
  if (has_special_case(text)) {
    lowered = text::python::lower(text);
    return;
  }
  while (at < text.size()) {
    const auto [c, size] = text::code_point_at(text, at);
    text::append_utf8(lowered, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
    at = lower_ascii(text, at + size, lowered);
  }
}

// Bytes of the character of a word that starts at `at`; 0: there is none.
size_t word_character_bytes(std::string_view text, size_t at) {
  if (is_ascii(text[at])) return is_word_byte(text[at]) ? 1 : 0;
  const auto [c, size] = text::code_point_at(text, at);
  return is_word_character(c) ? size : 0;
}

size_t end_of_word(std::string_view text, size_t at) {
  while (at < text.size()) {
    const auto size = word_character_bytes(text, at);
    if (size == 0) break;
    at += size;
  }
  return at;
}

template <class Use>
void for_each_lower_word(std::string_view text, std::string& lowered, const Use& use) {
  lower(text, lowered);
  for (size_t at = 0; at < lowered.size();) {
    const auto end = end_of_word(lowered, at);
    if (end > at) {
      use(std::string_view(lowered).substr(at, end - at));
      at = end;
    } else {
      at += is_ascii(lowered[at]) ? 1 : text::code_point_at(lowered, at).size;
    }
  }
}

}  // namespace

void lower_words(std::string_view text, std::string& lowered,
                 std::vector<std::string_view>& words) {
  words.clear();
  for_each_lower_word(text, lowered, [&](std::string_view word) { words.push_back(word); });
}

void hash_words(std::string_view text, std::string& lowered, std::vector<uint64_t>& hashes) {
  hashes.clear();
  for_each_lower_word(text, lowered,
                      [&](std::string_view word) { hashes.push_back(fast_hash(word)); });
}

void hash_shingles(const std::vector<uint64_t>& words, int64_t size,
                   std::vector<uint64_t>& shingles) {
  // A polynomial in an odd factor, so that the order counts, and the finalizer of MurmurHash3.
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15, kMix1 = 0xFF51AFD7ED558CCD,
                     kMix2 = 0xC4CEB9FE1A85EC53;
  const auto width = static_cast<size_t>(size);
  shingles.clear();
  if (words.size() < width) return;
  shingles.resize(words.size() - width + 1);
  for (size_t i = 0; i < shingles.size(); ++i) {
    uint64_t h = 0;
    for (size_t k = 0; k < width; ++k) h = h * kFactor + words[i + k];
    h = (h ^ h >> 33) * kMix1;
    h = (h ^ h >> 33) * kMix2;
    shingles[i] = h ^ h >> 33;
  }
}

}  // namespace tunewright::corpus
