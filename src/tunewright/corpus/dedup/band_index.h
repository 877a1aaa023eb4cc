#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "tunewright/base/spool.h"
#include "tunewright/corpus/dedup/row_set.h"

namespace tunewright::corpus {

// The band hashes of all rows, on disk, a column a band; finds the rows that share one.
class BandIndex {
 public:
  BandIndex(int64_t bands, const std::filesystem::path& scratch);

  // Rows grow from call to call.
  void add(uint32_t row, std::span<const uint64_t> hashes);

  struct Limits {
    int64_t workers = 1;
    int64_t memory_bytes = 0;  // for all workers together
  };
  // Buckets, one after the other: the number of its rows (two or more), then the rows, growing.
  using Buckets = std::vector<uint32_t>;
  // Calls `use` with the buckets of one band after the other, rows in `skip` left out.  A band
  // whose hashes outgrow the memory comes in several calls.
  void for_each_band(const RowSet& skip, const Limits& limits,
                     const std::function<void(const Buckets&)>& use);

  int64_t rows() const { return rows_; }

 private:
  static constexpr size_t kBlockRows = 8192;
  struct Entry {
    uint64_t hash = 0;
    uint32_t row = 0;
  };
  // A share of the hashes of one band: those whose value, cut into `of` ranges, is in `range`.
  struct Job {
    size_t band = 0;
    uint64_t range = 0, of = 1;
  };

  void put_away();
  template <class Use>
  void for_each_hash(const Job& job, const RowSet& skip, const Use& use) const;
  Buckets buckets_of(const Job& job, const RowSet& skip) const;

  size_t bands_;
  std::vector<uint32_t> block_rows_;
  std::vector<uint64_t> block_hashes_;  // [bands, kBlockRows]
  Spool spool_;
  std::vector<uint32_t> block_sizes_;
  int64_t rows_ = 0;
};

}  // namespace tunewright::corpus
