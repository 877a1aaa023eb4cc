#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tunewright/base/hash.h"
#include "tunewright/base/spool.h"

namespace tunewright::corpus {

// A key that came once more than it may.
struct Repeat {
  Hash128 key;
  uint64_t position = 0;   // of this one
  uint64_t last_kept = 0;  // of the last one that may stay; the first where one may
};

// Finds the keys that come more than once: 24 bytes a key in memory up to a limit, on disk beyond
// it.  Keys are sorted into parts by their bits, and a table is made of one part at a time.
class Repeats {
 public:
  // Beyond `memory_bytes` the keys go to an unnamed file in `scratch`.
  Repeats(std::filesystem::path scratch, int64_t memory_bytes);

  // Positions grow from call to call.
  void add(const Hash128& key, uint64_t position);

  // Calls `use` with the repeats of each part of the keys, where the first `keep` (>= 1) of a key
  // are none; all of a key are in one part, in the order of their positions.  The keys are gone
  // after it.
  void finish(int64_t keep, int64_t workers,
              const std::function<void(const std::vector<Repeat>&)>& use);

  int64_t size() const { return size_; }

 private:
  static constexpr size_t kParts = 256, kBlockEntries = 1024;
  struct Entry {
    Hash128 key;
    uint64_t position = 0;
  };
  using Block = std::array<Entry, kBlockEntries>;
  struct Part {
    std::unique_ptr<Block> filling;
    size_t filled = 0;
    std::vector<std::unique_ptr<Block>> in_memory;  // full ones, older than those on disk
    std::vector<int64_t> on_disk;                   // offsets of full ones
  };

  void put_away(Part& part);
  std::vector<Entry> load(Part& part) const;
  std::vector<Repeat> repeats_of(Part& part, int64_t keep) const;

  std::filesystem::path scratch_;
  int64_t blocks_left_;  // that may be kept in memory
  std::array<Part, kParts> parts_;
  std::optional<Spool> spool_;
  int64_t size_ = 0;
};

}  // namespace tunewright::corpus
