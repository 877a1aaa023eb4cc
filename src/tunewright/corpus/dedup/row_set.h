#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tunewright::corpus {

// A set of row numbers: a bit a row, and once it is complete the place of each among the others, so
// that what belongs to them fits into a plain array.
class RowSet {
 public:
  void insert(uint32_t row);
  bool contains(int64_t row) const;

  // No insertion after this.
  void freeze();
  // After freeze(): how many rows of the set are smaller, how many there are, and all of them.
  uint32_t index(uint32_t row) const;
  uint32_t size() const { return size_; }
  template <class Use>
  void for_each(const Use& use) const {
    for (size_t word = 0; word < bits_.size(); ++word) {
      for (uint64_t left = bits_[word]; left != 0; left &= left - 1)
        use(static_cast<uint32_t>(64 * word) + static_cast<uint32_t>(__builtin_ctzll(left)));
    }
  }

 private:
  std::vector<uint64_t> bits_;
  std::vector<uint32_t> before_;  // rows before each group of 8 words
  uint32_t size_ = 0;
};

// Steps that compare rows number them in 32 bits; a row beyond is a UserError.
uint32_t checked_row(int64_t row);

}  // namespace tunewright::corpus
