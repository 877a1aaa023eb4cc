#pragma once
#include <filesystem>
#include <vector>

#include "tunewright/corpus/build/input.h"
#include "tunewright/corpus/build/pass.h"
#include "tunewright/corpus/build/row_names.h"

namespace tunewright::corpus {

// Reading, mapping and the steps before the first one that compares rows: what the jobs of an array
// do, each on its own shards.
struct FirstStageOptions {
  std::filesystem::path folder;
  int64_t workers = 1;
  int64_t job = 0, jobs = 1;
};

// Makes the shards of this job that are not finished yet.
void run_first_stage(const Input& input, const Chain& chain, const FirstStageOptions& options,
                     Reporter& reporter);

struct FirstStageResult {
  RowNames names;
  StageShards shards = {};
  // Of each shard; then, last, how many source rows there are.
  std::vector<int64_t> first_origins = {};
  std::vector<UnitReport> units = {};
  StepTally reading = {};
  TextTally texts = {};
};
// All shards, in the order of the input.  One that is missing is a UserError: a job has not
// finished.  So is an input without any row that can be read.
FirstStageResult gather_first_stage(const Input& input, const std::filesystem::path& folder);

}  // namespace tunewright::corpus
