#include "tunewright/metrics/subsequence.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "tunewright/base/error.h"

namespace tunewright::metrics {

int64_t common_subsequence_length(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  const size_t words = (a.size() + 63) / 64;
  std::unordered_map<uint32_t, size_t> index;  // of an item of `a` in `places`
  std::vector<uint64_t> places;                // bit i: the item is at a[i]
  for (size_t i = 0; i < a.size(); ++i) {
    const auto [it, is_new] = index.try_emplace(a[i], places.size());
    if (is_new) places.resize(places.size() + words);
    places[it->second + i / 64] |= uint64_t{1} << (i % 64);
  }
  // Bit i is 0 where the table's column grows at a[i].
  std::vector<uint64_t> flat(words, ~uint64_t{0});
  for (const auto item : b) {
    const auto it = index.find(item);
    if (it == index.end()) continue;
    bool carry = false;
    for (size_t w = 0; w < words; ++w) {
      const auto old = flat[w], hits = old & places[it->second + w];
      auto sum = old + hits;
      const bool overflow = sum < old;
      sum += carry;
      carry = overflow || (carry && sum == 0);
      flat[w] = sum | (old - hits);
    }
  }
  int64_t length = 0;
  for (const auto bits : flat) length += std::popcount(~bits);
  return length;
}

std::vector<size_t> common_subsequence(std::span<const uint32_t> reference,
                                       std::span<const uint32_t> candidate) {
  const size_t rows = reference.size(), width = candidate.size() + 1;
  TUNEWRIGHT_ASSERT((rows + 1) * width <= kMaxTableCells);
  std::vector<uint16_t> table((rows + 1) * width);  // the shorter side has fewer than 2^14 items
  for (size_t i = 1; i <= rows; ++i) {
    const auto* above = &table[(i - 1) * width];
    auto* row = &table[i * width];
    for (size_t j = 1; j < width; ++j)
      row[j] = reference[i - 1] == candidate[j - 1] ? static_cast<uint16_t>(above[j - 1] + 1)
                                                    : std::max(above[j], row[j - 1]);
  }
  std::vector<size_t> positions;
  for (size_t i = rows, j = width - 1; i > 0 && j > 0;) {
    if (reference[i - 1] == candidate[j - 1]) {
      positions.push_back(--i);
      --j;
    } else if (table[i * width + j - 1] > table[(i - 1) * width + j]) {
      --j;
    } else {
      --i;
    }
  }
  std::reverse(positions.begin(), positions.end());
  return positions;
}

}  // namespace tunewright::metrics
