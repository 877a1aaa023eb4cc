#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <unordered_map>
#include <vector>

#include "tunewright/base/spool.h"

namespace tunewright::corpus {

// Sets of shingles, sorted, on disk: set i is the i-th that was added.
class ShingleStore {
 public:
  explicit ShingleStore(const std::filesystem::path& scratch)
      : spool_(Spool::unnamed_in(scratch)) {}

  void add(std::span<const uint64_t> set);
  void flush() { spool_.flush(); }

  uint32_t size() const { return static_cast<uint32_t>(ends_.size() - 1); }
  int64_t set_size(uint32_t i) const { return ends_[i + 1] - ends_[i]; }
  // Thread-safe while nobody adds.
  std::vector<uint64_t> load(uint32_t i) const;

 private:
  Spool spool_;
  std::vector<int64_t> ends_ = {0};  // in elements
};

// Compares sets, and keeps some of them loaded.  For one thread.
class ShingleReader {
 public:
  explicit ShingleReader(const ShingleStore& store) : store_(store) {}

  // The Jaccard similarity of two sets that are not empty.
  double jaccard(uint32_t a, uint32_t b);
  // The same where it is at least `threshold`, else anything below that.
  double jaccard_from(uint32_t a, uint32_t b, double threshold);

 private:
  const std::vector<uint64_t>& get(uint32_t i);
  const ShingleStore& store_;
  std::unordered_map<uint32_t, std::vector<uint64_t>> loaded_;
  int64_t loaded_elements_ = 0;
};

}  // namespace tunewright::corpus
