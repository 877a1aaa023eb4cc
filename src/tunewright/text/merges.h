#pragma once
#include <cstdint>
#include <vector>

#include "tunewright/text/word_cache.h"

namespace tunewright::text {

// The ranked merges of a byte-pair encoding.
class Merges {
 public:
  explicit Merges(size_t count);

  // Two tokens become `id`; lower ranks go first.  The last word on a pair counts.
  void add(int32_t left, int32_t right, uint32_t rank, int32_t id);

  // Merges the tokens from `first` on in place, the lowest rank first, of equals the leftmost.
  void apply(std::vector<Token>& tokens, size_t first) const;

 private:
  struct Slot {
    uint64_t pair;
    uint32_t rank;
    int32_t id;
  };
  static uint64_t key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t start(uint64_t pair) const {
    return static_cast<size_t>(pair * 0x9E3779B97F4A7C15ULL >> shift_);
  }
  const Slot* find(int32_t left, int32_t right) const;
  size_t apply_short(Token* tokens, size_t count) const;
  size_t apply_long(Token* tokens, size_t count) const;

  std::vector<Slot> slots_;  // open addressing; a power of two, at most half full
  int shift_;
};

}  // namespace tunewright::text
