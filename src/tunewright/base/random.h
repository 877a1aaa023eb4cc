#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tunewright {

// A counter-based generator (Philox 4x32-10; Salmon et al. 2011): the same seed and stream give the
// same numbers on every machine, and the whole state is two integers.
class Random {
 public:
  // Streams of one seed are independent: one for shuffling, one for dropout, ….
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint64_t next();                 // 64 uniform bits
  double uniform();                // [0, 1)
  uint64_t below(uint64_t bound);  // [0, bound), without bias
  double normal();                 // mean 0, deviation 1

  // The position in the stream; seek() continues from there exactly.
  uint64_t position() const { return position_; }
  void seek(uint64_t position) { position_ = position; }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t position_ = 0;  // of the next 64-bit number
};

// A number for a named stream ("shuffle", "dropout").
uint64_t stream_id(std::string_view name);

// Fisher-Yates.
template <class T>
void shuffle(std::vector<T>& items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

}  // namespace tunewright
