#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/build/pass.h"
#include "tunewright/corpus/build/recipe.h"
#include "tunewright/corpus/build/row_names.h"

namespace tunewright::corpus {

// A step that compares rows, and those after it that do not: they are one way over the rows.
struct StagePlan {
  size_t begin = 0, end = 0;  // steps of the recipe
};
// The first stage, which begins with reading, has no step that compares.
std::vector<StagePlan> plan_stages(const std::vector<NamedStep>& steps);
std::vector<ChainStep> chain_of(const std::vector<NamedStep>& steps, const StagePlan& plan);

struct StageOptions {
  std::filesystem::path folder;
  size_t number = 1;  // of the stage
  StagePlan plan;
  int64_t workers = 1;
  const RowNames& names;  // of the source rows
};

struct StageResult {
  StageShards shards;  // what came out
  // Of the shards that hold its events, with the numbers their origins count from; in the order of
  // the source rows only where no stage before has ordered them otherwise.
  StageShards judged;
  bool is_ordered = false;  // the rows come out in another order than they went in
  Json summary = Json::object();
};

// Takes up where an earlier run has stopped: at the first shard that is missing.  The rows that
// came in are removed once those that come out are all there.
StageResult run_stage(std::vector<NamedStep>& steps, const StageShards& input,
                      const StageOptions& options, Reporter& reporter);

}  // namespace tunewright::corpus
