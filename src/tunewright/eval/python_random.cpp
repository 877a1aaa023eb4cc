#include "tunewright/eval/python_random.h"

#include <bit>
#include <numeric>
#include <unordered_set>

#include "tunewright/base/error.h"

namespace tunewright::eval {

PythonRandom::PythonRandom(uint64_t seed) {
  std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
  if (seed >> 32) key.push_back(static_cast<uint32_t>(seed >> 32));
  seed_words(key);
}

// init_by_array of the reference implementation.
void PythonRandom::seed_words(const std::vector<uint32_t>& key) {
  state_[0] = 19650218u;
  for (uint32_t i = 1; i < kWords; ++i)
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  size_t i = 1, j = 0;
  const auto step = [&] {
    if (++i < kWords) return;
    state_[0] = state_[kWords - 1];
    i = 1;
  };
  for (size_t k = std::max(kWords, key.size()); k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + key[j] +
                static_cast<uint32_t>(j);
    step();
    j = (j + 1) % key.size();
  }
  for (size_t k = kWords - 1; k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) -
                static_cast<uint32_t>(i);
    step();
  }
  state_[0] = 0x80000000u;
}

uint32_t PythonRandom::next() {
  if (index_ == kWords) {
    for (size_t i = 0; i < kWords; ++i) {
      const uint32_t word = (state_[i] & 0x80000000u) | (state_[(i + 1) % kWords] & 0x7fffffffu);
      state_[i] = state_[(i + 397) % kWords] ^ (word >> 1) ^ (word & 1u ? 0x9908b0dfu : 0u);
    }
    index_ = 0;
  }
  uint32_t word = state_[index_++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

int64_t PythonRandom::below(int64_t bound) {
  const int bits = std::bit_width(static_cast<uint64_t>(bound));
  int64_t drawn = bound;
  while (drawn >= bound) drawn = next() >> (32 - bits);
  return drawn;
}

std::vector<int64_t> PythonRandom::sample(int64_t population, int64_t count) {
  TUNEWRIGHT_ASSERT(count >= 0 && count <= population && population < (int64_t{1} << 31));
  // Python keeps a set of what is drawn where that is smaller than the list of what is left.
  int64_t set_size = 21;
  if (count > 5) {
    int64_t power = 1;
    while (power < count * 3) power *= 4;
    set_size += power;
  }
  std::vector<int64_t> drawn;
  if (population <= set_size) {
    std::vector<int64_t> pool(static_cast<size_t>(population));
    std::iota(pool.begin(), pool.end(), 0);
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(below(population - i));
      drawn.push_back(pool[at]);
      pool[at] = pool[static_cast<size_t>(population - i - 1)];
    }
    return drawn;
  }
  std::unordered_set<int64_t> taken;
  while (static_cast<int64_t>(drawn.size()) < count) {
    const auto one = below(population);
    if (taken.insert(one).second) drawn.push_back(one);
  }
  return drawn;
}

}  // namespace tunewright::eval
