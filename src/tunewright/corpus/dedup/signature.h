#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tunewright::corpus {

// MinHash (Broder 1997): the share of equal numbers in two signatures estimates the Jaccard
// similarity of the sets.  Immutable; thread-safe.
class MinHash {
 public:
  MinHash(int64_t hashes, uint64_t seed);

  // For each hash function the smallest value that an element of the set has.  Elements may come
  // more than once, and must be well mixed themselves.  `signature` is at least size() long.
  void sign(std::span<const uint32_t> set, std::vector<uint32_t>& signature) const;
  int64_t size() const { return hashes_; }

 private:
  int64_t hashes_;
  std::vector<uint32_t> factors_, offsets_;  // x * factor + offset modulo 2^32; filled up to lanes
};

// Cuts a signature into bands and gives a hash of each: rows that agree in one are candidates.
// There are `arrangements` times `bands` of them, each arrangement with the hashes in another
// order: two of them miss a pair only where both do.
class Bands {
 public:
  Bands(int64_t bands, int64_t rows, int64_t arrangements, uint64_t seed);

  void hash(std::span<const uint32_t> signature, std::span<uint64_t> hashes) const;
  int64_t size() const { return static_cast<int64_t>(order_.size()) / rows_; }

 private:
  int64_t rows_;
  std::vector<uint32_t> order_;  // of each band, the numbers of its hashes
};

}  // namespace tunewright::corpus
