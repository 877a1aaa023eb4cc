#include "tunewright/corpus/dedup/band_index.h"

#include <algorithm>
#include <bit>

#include "tunewright/base/ordered_workers.h"

namespace tunewright::corpus {
namespace {

template <class T>
std::span<char> bytes_of(std::vector<T>& items) {
  return {reinterpret_cast<char*>(items.data()), items.size() * sizeof(T)};
}

// value * count / 2^64: the range that the value falls into.
uint64_t range_of(uint64_t value, uint64_t count) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(value) * count >> 64);
}

}  // namespace

BandIndex::BandIndex(int64_t bands, const std::filesystem::path& scratch)
    : bands_(static_cast<size_t>(bands)),
      block_hashes_(bands_ * kBlockRows),
      spool_(Spool::unnamed_in(scratch)) {}

void BandIndex::add(uint32_t row, std::span<const uint64_t> hashes) {
  for (size_t band = 0; band < bands_; ++band)
    block_hashes_[band * kBlockRows + block_rows_.size()] = hashes[band];
  block_rows_.push_back(row);
  ++rows_;
  if (block_rows_.size() == kBlockRows) put_away();
}

void BandIndex::put_away() {
  block_sizes_.push_back(static_cast<uint32_t>(block_rows_.size()));
  block_rows_.resize(kBlockRows);
  for (const auto bytes : {bytes_of(block_rows_), bytes_of(block_hashes_)})
    spool_.append({bytes.data(), bytes.size()});
  block_rows_.clear();
}

template <class Use>
void BandIndex::for_each_hash(const Job& job, const RowSet& skip, const Use& use) const {
  constexpr int64_t kRowBytes = kBlockRows * sizeof(uint32_t);
  constexpr int64_t kColumnBytes = kBlockRows * sizeof(uint64_t);
  const int64_t block_bytes = kRowBytes + static_cast<int64_t>(bands_) * kColumnBytes;
  std::vector<uint32_t> rows(kBlockRows);
  std::vector<uint64_t> hashes(kBlockRows);
  for (size_t block = 0; block < block_sizes_.size(); ++block) {
    const int64_t begin = static_cast<int64_t>(block) * block_bytes;
    spool_.read(begin, bytes_of(rows));
    spool_.read(begin + kRowBytes + static_cast<int64_t>(job.band) * kColumnBytes,
                bytes_of(hashes));
    for (size_t i = 0; i < block_sizes_[block]; ++i) {
      if (range_of(hashes[i], job.of) == job.range && !skip.contains(rows[i]))
        use(Entry{hashes[i], rows[i]});
    }
  }
}

BandIndex::Buckets BandIndex::buckets_of(const Job& job, const RowSet& skip) const {
  // Hashes are spread over many small parts, each sorted in the cache.
  const auto parts = std::bit_ceil(static_cast<uint64_t>(rows_) / job.of / 1024 + 1);
  const auto part_of = [&](uint64_t hash) { return range_of(hash * job.of, parts); };
  std::vector<size_t> ends(parts + 1);
  for_each_hash(job, skip, [&](const Entry& entry) { ++ends[part_of(entry.hash) + 1]; });
  for (size_t i = 1; i <= parts; ++i) ends[i] += ends[i - 1];
  std::vector<Entry> entries(ends[parts]);
  auto next = ends;
  for_each_hash(job, skip,
                [&](const Entry& entry) { entries[next[part_of(entry.hash)]++] = entry; });

  Buckets buckets;
  for (size_t part = 0; part < parts; ++part) {
    const auto all = std::span(entries).subspan(ends[part], ends[part + 1] - ends[part]);
    std::ranges::sort(all, [](const Entry& a, const Entry& b) {
      return a.hash != b.hash ? a.hash < b.hash : a.row < b.row;
    });
    for (size_t begin = 0, end = 0; begin < all.size(); begin = end) {
      while (end < all.size() && all[end].hash == all[begin].hash) ++end;
      if (end - begin < 2) continue;
      buckets.push_back(static_cast<uint32_t>(end - begin));
      for (size_t i = begin; i < end; ++i) buckets.push_back(all[i].row);
    }
  }
  return buckets;
}

void BandIndex::for_each_band(const RowSet& skip, const Limits& limits,
                              const std::function<void(const Buckets&)>& use) {
  if (!block_rows_.empty()) put_away();
  spool_.flush();
  const auto bytes = static_cast<uint64_t>(rows_) * sizeof(Entry);
  const auto bytes_a_worker = static_cast<uint64_t>(limits.memory_bytes / limits.workers) + 1;
  const uint64_t ranges = bytes / bytes_a_worker + 1;
  OrderedWorkers<Job, Buckets> workers(limits.workers,
                                       [&](Job& job) { return buckets_of(job, skip); });
  for (size_t band = 0; band < bands_; ++band) {
    for (uint64_t range = 0; range < ranges; ++range) {
      if (workers.is_full()) use(workers.take());
      workers.put({.band = band, .range = range, .of = ranges});
    }
  }
  while (!workers.is_empty()) use(workers.take());
}

}  // namespace tunewright::corpus
