#include "tunewright/corpus/dedup/signature.h"

#include <array>
#include <cstring>
#include <numeric>

#include "tunewright/base/hash.h"
#include "tunewright/base/instruction_sets.h"
#include "tunewright/base/random.h"

namespace tunewright::corpus {
namespace {

// GCC's vector extension: sixteen lanes, which each clone splits as its registers ask.
constexpr int64_t kLanes = 16;
typedef uint32_t Words __attribute__((vector_size(64)));

TUNEWRIGHT_INLINE Words load(const uint32_t* p) {
  Words x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

// out[i] = min over x of x * factors[i] + offsets[i], for sixteen i at a time.
TUNEWRIGHT_CLONES void take_minima(std::span<const uint32_t> set, const uint32_t* factors,
                                   const uint32_t* offsets, uint32_t* out, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const Words factor = load(factors + i), offset = load(offsets + i);
    Words least = ~Words{};
    for (const uint32_t x : set) {
      const Words value = factor * x + offset;
      least = value < least ? value : least;
    }
    std::memcpy(out + i, &least, sizeof least);
  }
}

}  // namespace

MinHash::MinHash(int64_t hashes, uint64_t seed) : hashes_(hashes) {
  const auto filled = static_cast<size_t>((hashes + kLanes - 1) / kLanes * kLanes);
  Random random(seed, stream_id("minhash"));
  for (size_t i = 0; i < filled; ++i) {
    factors_.push_back(static_cast<uint32_t>(random.next()) | 1);  // odd: one value for one element
    offsets_.push_back(static_cast<uint32_t>(random.next()));
  }
}

void MinHash::sign(std::span<const uint32_t> set, std::vector<uint32_t>& signature) const {
  signature.resize(factors_.size());
  take_minima(set, factors_.data(), offsets_.data(), signature.data(), std::ssize(factors_));
}

Bands::Bands(int64_t bands, int64_t rows, int64_t arrangements, uint64_t seed) : rows_(rows) {
  std::vector<uint32_t> hashes(static_cast<size_t>(bands * rows));
  std::iota(hashes.begin(), hashes.end(), 0);
  Random random(seed, stream_id("bands"));
  for (int64_t i = 0; i < arrangements; ++i) {
    order_.insert(order_.end(), hashes.begin(), hashes.end());
    shuffle(hashes, random);
  }
}

void Bands::hash(std::span<const uint32_t> signature, std::span<uint64_t> hashes) const {
  thread_local std::vector<uint32_t> band;
  band.resize(static_cast<size_t>(rows_));
  const auto* order = order_.data();
  for (size_t i = 0; i < hashes.size(); ++i) {
    for (auto& value : band) value = signature[*order++];
    hashes[i] = fast_hash({reinterpret_cast<const char*>(band.data()), band.size() * 4});
  }
}

}  // namespace tunewright::corpus
