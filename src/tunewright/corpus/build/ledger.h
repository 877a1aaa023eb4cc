#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tunewright/corpus/build/pass.h"
#include "tunewright/corpus/build/row_names.h"

namespace tunewright::corpus {

struct LedgerInput {
  const StageShards& first;                // hold the names of the source rows
  std::vector<const StageShards*> events;  // of each stage, in order
  std::vector<bool> is_sorted;             // of each stage: its events lie in the order of the rows
  const std::vector<uint8_t>& fates;       // of each source row: 0 gone, else 1 + its split
  const std::vector<std::string>& splits;
  const std::vector<std::string>& steps;  // names by number; 0 is reading
};

struct LedgerCounts {
  int64_t rows = 0, kept = 0, changed = 0, dropped = 0;
};

// A line a source row: what became of it, and the first step that dropped it.  `names` gets the
// names of the rows whose numbers it holds.
LedgerCounts write_ledger(const LedgerInput& input, const std::filesystem::path& path,
                          std::map<int64_t, RowName>& names, Reporter& reporter);

}  // namespace tunewright::corpus
