#include "tunewright/corpus/dedup/row_set.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kGroupWords = 8;

uint32_t count(uint64_t bits) { return static_cast<uint32_t>(std::popcount(bits)); }

}  // namespace

void RowSet::insert(uint32_t row) {
  const size_t word = row / 64;
  if (word >= bits_.size()) bits_.resize(std::max(word + 1, bits_.size() + bits_.size() / 2));
  bits_[word] |= uint64_t{1} << row % 64;
}

bool RowSet::contains(int64_t row) const {
  const auto word = static_cast<size_t>(row / 64);
  return word < bits_.size() && (bits_[word] >> row % 64 & 1) != 0;
}

void RowSet::freeze() {
  before_.clear();
  size_ = 0;
  for (size_t word = 0; word < bits_.size(); ++word) {
    if (word % kGroupWords == 0) before_.push_back(size_);
    size_ += count(bits_[word]);
  }
}

uint32_t RowSet::index(uint32_t row) const {
  const size_t word = row / 64;
  uint32_t index = before_[word / kGroupWords];
  for (size_t i = word - word % kGroupWords; i < word; ++i) index += count(bits_[i]);
  return index + count(bits_[word] & ((uint64_t{1} << row % 64) - 1));
}

uint32_t checked_row(int64_t row) {
  if (row >= std::numeric_limits<uint32_t>::max()) {
    throw UserError(str("row ", row, ": a step that compares rows takes at most ",
                        std::numeric_limits<uint32_t>::max(), " of them; split the file"));
  }
  return static_cast<uint32_t>(row);
}

}  // namespace tunewright::corpus
