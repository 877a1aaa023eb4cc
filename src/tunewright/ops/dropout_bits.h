#pragma once
#include <cstdint>

#include "tunewright/ops/host_device.h"

// Which numbers dropout keeps: a function of seed, row and column alone, the same on every device.
namespace tunewright::ops {

// One independent stream of masks for each row (splitmix64's step).
TUNEWRIGHT_HOST_DEVICE uint64_t dropout_row_seed(uint64_t seed, int64_t row) {
  uint64_t z = seed + 0x9e3779b97f4a7c15u * (static_cast<uint64_t>(row) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// What a number's random bits must reach to be kept.
inline uint32_t dropout_threshold(float p) {
  return static_cast<uint32_t>(static_cast<double>(p) * 4294967296.0);
}

}  // namespace tunewright::ops
