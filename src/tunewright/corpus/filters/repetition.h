#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

struct Duplicates {
  int64_t pieces = 0, duplicates = 0;
  int64_t duplicate_characters = 0;  // code points of the duplicates
};
// Pieces that equal an earlier one, those of no length too.
Duplicates count_duplicates(std::span<const std::string_view> pieces);

// The pieces between runs of at least `least` newlines; the first and the last may be empty.
void split_at_newlines(std::string_view text, size_t least, std::vector<std::string_view>& pieces);

// How much of a text its n-grams of words take up, in code points.  Memory is kept; one a thread.
class NgramShares {
 public:
  void read(std::span<const std::string_view> words);
  // Of the most frequent n-gram (the first of equals): occurrences times length with its spaces.
  int64_t top(size_t n);
  // Of the n-grams that repeat an earlier one, words run together, none counted in two.
  int64_t duplicates(size_t n);

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t epoch = 0, count = 0;
  };
  Slot& slot_of(uint64_t hash);
  void forget();

  std::string joined_, spaced_;
  std::vector<size_t> joined_at_, spaced_at_,
      characters_at_;  // where each word begins, and the end
  std::vector<uint64_t> hashes_;
  std::vector<Slot> slots_;
  uint32_t epoch_ = 0;
};

}  // namespace tunewright::corpus
