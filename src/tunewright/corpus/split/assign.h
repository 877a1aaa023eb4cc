#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tunewright::corpus {

inline constexpr std::array kSplitNames = {"train", "validation", "test"};
using SplitCounts = std::array<int64_t, kSplitNames.size()>;

// How many of `rows` each split gets: as scikit-learn's train_test_split rounds, test and
// validation up, train gets what is left.
SplitCounts split_counts(int64_t rows, double validation, double test);

// `draws` (<= the sum of `classes`) shared out among classes in proportion to their sizes; where
// the shares are no whole numbers, the largest remainders get one more, the earliest in `ties`
// first: scikit-learn's _approximate_mode.  `ties` is a permutation of the classes.
std::vector<int64_t> proportional_shares(std::span<const int64_t> classes, int64_t draws,
                                         std::span<const uint32_t> ties);

// Rows that must stay together are a unit.
struct SplitRow {
  uint32_t unit = 0;     // the number of a row that stands for it
  uint32_t stratum = 0;  // from 0
  double time = 0;
};

// The split of each row, in proportion to `counts` (whose sum is the number of rows) in each
// stratum: exactly, where the units are single rows; else as near as units that are never divided
// allow.  Large units are placed first, at random where they fit.
std::vector<uint8_t> assign_at_random(std::span<const SplitRow> rows, const SplitCounts& counts,
                                      uint64_t seed);

// The earliest rows are for training, the latest for the test; a unit counts where its earliest row
// stands.
std::vector<uint8_t> assign_by_time(std::span<const SplitRow> rows, const SplitCounts& counts);

}  // namespace tunewright::corpus
