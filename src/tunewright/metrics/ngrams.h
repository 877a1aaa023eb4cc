#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tunewright::metrics {

// Numbers pairs of numbers 0, 1, 2, … as they are first seen.  A hash table whose clearing costs
// nothing.
class PairNumbers {
 public:
  PairNumbers();
  uint32_t number(uint32_t first, uint32_t second);
  void clear();
  uint32_t size() const { return size_; }

 private:
  struct Slot {
    uint64_t pair = 0;
    uint32_t number = 0;
    uint32_t round = 0;  // of clearing: of an earlier one, the slot is free
  };
  void grow();

  std::vector<Slot> slots_;
  uint32_t size_ = 0, round_ = 1;
};

// Numbers words as they are first seen.
class WordNumbers {
 public:
  // The words' text has to live until clear().
  std::vector<uint32_t> numbers(std::span<const std::string_view> words);
  void clear() { numbers_.clear(); }

 private:
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

// The n-grams of a sequence: at(n)[i] stands for items i … i + n - 1, the same number for the same
// n-gram of every sequence that went through one NgramNumbers since it was cleared.
struct Ngrams {
  std::vector<std::vector<uint32_t>> orders;
  const std::vector<uint32_t>& at(size_t n) const& { return orders[n - 1]; }
  std::vector<uint32_t> at(size_t n) && { return std::move(orders[n - 1]); }
};

class NgramNumbers {
 public:
  explicit NgramNumbers(size_t max_order) : tables_(max_order) {}
  Ngrams of(std::span<const uint32_t> items);
  uint32_t distinct(size_t n) const { return tables_[n - 1].size(); }
  void clear();

 private:
  std::vector<PairNumbers> tables_;
};

// How often n-grams are there, and how many of others find one: each may be found as often as it is
// there.
class NgramBag {
 public:
  // As often as in `ngrams`, or as it was where that is more.
  void raise_to(std::span<const uint32_t> ngrams);
  int64_t matches(std::span<const uint32_t> ngrams);
  void clear();

 private:
  std::vector<uint32_t> counts_, used_;
};

}  // namespace tunewright::metrics
