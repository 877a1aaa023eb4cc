#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "tunewright/corpus/build/pass.h"

namespace tunewright::corpus {

struct ReorderOptions {
  std::filesystem::path folder;        // for what outgrows memory
  std::function<Shard(size_t)> shard;  // the i-th that comes out
};

// Rows by the order of the input rows they come from: those of row i of the stage's input stand at
// the place where `order`, which has every kept row, has i.  Memory: 16 bytes a row, and one shard.
std::vector<Shard> reorder(const StageShards& judged, const std::vector<int64_t>& order,
                           const ReorderOptions& options, const PassView& view);

}  // namespace tunewright::corpus
