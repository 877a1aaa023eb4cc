#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// Half-open, in bytes of one text.
struct ByteRange {
  uint32_t begin = 0, end = 0;
  bool operator==(const ByteRange&) const = default;
};

// Texts, one after the other, whose repeated substrings are found by a suffix array: five and a
// quarter bytes of memory a byte of text.
class RepeatShard {
 public:
  // Most bytes of all texts together, with one more for each.
  static constexpr int64_t kMostBytes = (int64_t{1} << 31) - 2;

  void add(std::string_view valid_utf8);
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size()); }
  int64_t texts() const { return static_cast<int64_t>(ends_.size()); }
  void clear();

  enum class Keep {
    kFirst,  // occurrence of each substring stays
    kNone    // all occurrences go, as the ranges of Lee et al. 2022 (deduplicate-text-datasets) say
  };
  // For each text what to remove: the bytes of all substrings of `least` bytes or more that occur
  // twice or more, merged, and narrowed to whole characters.
  std::vector<std::vector<ByteRange>> ranges(int64_t least, Keep keep) const;

 private:
  std::string bytes_;           // each text, and a byte that no UTF-8 has
  std::vector<uint32_t> ends_;  // of the texts, where that byte stands
};

}  // namespace tunewright::corpus
