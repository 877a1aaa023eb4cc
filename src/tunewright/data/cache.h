#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "tunewright/base/progress.h"
#include "tunewright/data/dataset.h"

namespace tunewright::data {

// Prepared data sets on disk, each in a folder named by its key: examples.bin, index.bin,
// ledger.jsonl and entry.json with their checksums.  Entries are written atomically; removing any
// of them, or the whole folder, is safe at any time.
class Cache {
 public:
  Cache(std::filesystem::path folder, int64_t limit_bytes)
      : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

  // The entry of `key`, verified.  A damaged one is removed, which `reporter` is told; none is no
  // error.
  std::optional<Dataset> find(const std::string& key, Reporter& reporter) const;

  // Calls `fill` with a data set whose files lie in a new entry, and keeps the entry once it
  // returns.  Entries used longest ago go where all together exceed the limit.
  Dataset make(const std::string& key, const std::function<void(Dataset&)>& fill) const;

  // False where the folder cannot be made or written.
  bool is_usable() const;

 private:
  void remove_unused(const std::string& kept) const;
  std::filesystem::path folder_;
  int64_t limit_bytes_;
};

}  // namespace tunewright::data
