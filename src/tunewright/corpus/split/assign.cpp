#include "tunewright/corpus/split/assign.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "tunewright/base/random.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kSplits = kSplitNames.size(), kTrain = 0, kValidation = 1, kTest = 2;

std::vector<uint32_t> shuffled(size_t count, Random& random) {
  std::vector<uint32_t> items(count);
  std::iota(items.begin(), items.end(), 0);
  shuffle(items, random);
  return items;
}

// The rows of each unit, one unit after the other, and where each begins.
struct Units {
  std::vector<uint32_t> rows;
  std::vector<size_t> begins;

  explicit Units(std::span<const SplitRow> all) : rows(all.size()) {
    std::iota(rows.begin(), rows.end(), 0);
    std::ranges::stable_sort(rows, {}, [&](uint32_t row) { return all[row].unit; });
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i == 0 || all[rows[i]].unit != all[rows[i - 1]].unit) begins.push_back(i);
    }
    begins.push_back(rows.size());
  }
  size_t count() const { return begins.size() - 1; }
  std::span<const uint32_t> of(size_t unit) const {
    return std::span(rows).subspan(begins[unit], begins[unit + 1] - begins[unit]);
  }
};

// What each split may still take of each stratum; below zero where a unit was too large.
class Room {
 public:
  Room(std::span<const SplitRow> rows, const SplitCounts& counts, Random& random) {
    std::vector<int64_t> left(1);
    for (const auto& row : rows) {
      if (row.stratum >= left.size()) left.resize(row.stratum + 1);
      ++left[row.stratum];
    }
    for (size_t split = 0; split < kSplits; ++split) {
      of_[split] = proportional_shares(left, counts[split], shuffled(left.size(), random));
      for (size_t i = 0; i < left.size(); ++i) left[i] -= of_[split][i];
      total_[split] = counts[split];
    }
  }

  size_t strata() const { return of_[0].size(); }
  int64_t of(size_t split, size_t stratum) const { return of_[split][stratum]; }
  int64_t total(size_t split) const { return total_[split]; }
  void take(size_t split, size_t stratum, int64_t rows) {
    of_[split][stratum] -= rows;
    total_[split] -= rows;
  }

 private:
  std::array<std::vector<int64_t>, kSplits> of_;
  SplitCounts total_{};
};

// Where a unit with so many rows of each stratum goes: a split with room for all of it, chosen at
// random by how much room it has; else the one where the most of it fits.
size_t place_unit(const std::map<uint32_t, int64_t>& unit, const Room& room, Random& random) {
  std::array<uint64_t, kSplits> weights{};
  std::array<int64_t, kSplits> fits{};
  for (size_t split = 0; split < kSplits; ++split) {
    bool all = true;
    for (const auto& [stratum, rows] : unit) {
      const auto here = room.of(split, stratum);
      all &= here >= rows;
      fits[split] += std::min(here, rows);
    }
    if (all) weights[split] = static_cast<uint64_t>(std::max<int64_t>(room.total(split), 1));
  }
  const auto sum = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  if (sum == 0) {
    const auto better = [&](size_t a, size_t b) {
      return fits[a] != fits[b] ? fits[a] < fits[b] : room.total(a) < room.total(b);
    };
    return std::ranges::max(std::array{kTrain, kValidation, kTest}, better);
  }
  auto drawn = random.below(sum);
  size_t split = 0;
  while (drawn >= weights[split]) drawn -= weights[split++];
  return split;
}

}  // namespace

SplitCounts split_counts(int64_t rows, double validation, double test) {
  const auto share = [&](double part) {
    return static_cast<int64_t>(std::ceil(part * static_cast<double>(rows)));
  };
  const auto tests = std::min(rows, share(test));
  const auto validations = std::min(rows - tests, share(validation));
  return {rows - tests - validations, validations, tests};
}

std::vector<int64_t> proportional_shares(std::span<const int64_t> classes, int64_t draws,
                                         std::span<const uint32_t> ties) {
  const auto sum = std::accumulate(classes.begin(), classes.end(), int64_t{0});
  std::vector<int64_t> shares(classes.size());
  if (sum == 0) return shares;
  std::vector<double> remainders(classes.size());
  int64_t missing = draws;
  for (size_t i = 0; i < classes.size(); ++i) {
    const double exact =
        static_cast<double>(classes[i]) / static_cast<double>(sum) * static_cast<double>(draws);
    shares[i] = static_cast<int64_t>(std::floor(exact));
    remainders[i] = exact - std::floor(exact);
    missing -= shares[i];
  }
  std::vector<uint32_t> order(ties.begin(), ties.end());
  std::ranges::stable_sort(order, std::greater<>(), [&](uint32_t i) { return remainders[i]; });
  for (const auto i : order) {
    if (missing == 0) break;
    if (shares[i] == classes[i]) continue;
    ++shares[i];
    --missing;
  }
  return shares;
}

std::vector<uint8_t> assign_at_random(std::span<const SplitRow> rows, const SplitCounts& counts,
                                      uint64_t seed) {
  Random random(seed, stream_id("split"));
  Room room(rows, counts, random);
  const Units units(rows);
  std::vector<uint8_t> splits(rows.size());

  std::vector<uint32_t> large;
  std::vector<std::vector<uint32_t>> single(room.strata());  // rows
  for (const auto unit : shuffled(units.count(), random)) {
    const auto members = units.of(unit);
    if (members.size() > 1) {
      large.push_back(unit);
    } else {
      single[rows[members.front()].stratum].push_back(members.front());
    }
  }
  std::ranges::stable_sort(large, std::greater<>(),
                           [&](uint32_t unit) { return units.of(unit).size(); });
  for (const auto unit : large) {
    std::map<uint32_t, int64_t> strata;
    for (const auto row : units.of(unit)) ++strata[rows[row].stratum];
    const auto split = place_unit(strata, room, random);
    for (const auto& [stratum, count] : strata) room.take(split, stratum, count);
    for (const auto row : units.of(unit)) splits[row] = static_cast<uint8_t>(split);
  }
  for (size_t stratum = 0; stratum < single.size(); ++stratum) {
    auto left = std::span(single[stratum]);
    for (const size_t split : {kTest, kValidation, kTrain}) {  // the last gets what is left
      const auto wanted = static_cast<size_t>(std::max<int64_t>(0, room.of(split, stratum)));
      const auto taken = split == kTrain ? left.size() : std::min(left.size(), wanted);
      for (const auto row : left.first(taken)) splits[row] = static_cast<uint8_t>(split);
      left = left.subspan(taken);
    }
  }
  return splits;
}

std::vector<uint8_t> assign_by_time(std::span<const SplitRow> rows, const SplitCounts& counts) {
  const Units units(rows);
  std::vector<double> earliest(units.count(), std::numeric_limits<double>::infinity());
  std::vector<uint32_t> order(units.count());
  std::iota(order.begin(), order.end(), 0);
  for (const auto unit : order) {
    for (const auto row : units.of(unit)) earliest[unit] = std::min(earliest[unit], rows[row].time);
  }
  std::ranges::stable_sort(order, {}, [&](uint32_t unit) { return earliest[unit]; });
  std::vector<uint8_t> splits(rows.size());
  size_t split = 0;
  int64_t room = counts[0];
  for (const auto unit : order) {
    while (room <= 0 && split + 1 < kSplits) room += counts[++split];
    for (const auto row : units.of(unit)) splits[row] = static_cast<uint8_t>(split);
    room -= std::ssize(units.of(unit));
  }
  return splits;
}

}  // namespace tunewright::corpus
