#pragma once
#include <filesystem>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/corpus/build/recipe.h"

namespace tunewright::corpus {

struct BuildOptions {
  enum class Part {
    kAll,
    kJob,    // reading and the steps before the first one that compares rows, of one job's shards
    kMerge,  // what is left when all jobs have ended
  };
  Part part = Part::kAll;
  int64_t job = 0, jobs = 1;  // of kJob; jobs count from 0
  int64_t workers = 1;        // threads; the result does not depend on them
  bool overwrite = false;     // files in output_dir that no build has written
  bool needs_disk_check = true;
  StepContext context = {};  // what steps may ask of the program
};

struct BuildResult {
  bool is_stopped = false;  // by the user: what is finished is kept, and the same call goes on
  Json report;              // as report.json; null where stopped, or of a job
};

// Runs a recipe: train.jsonl, validation.jsonl and test.jsonl, README.md, report.html, report.json,
// ledger.jsonl and manifest.json in its output_dir, the same bytes from the same recipe and input.
// They replace those of an earlier build when all are there.  Work in progress lies in
// output_dir/.work, where a build of the same recipe, input and program goes on.
BuildResult build(const Recipe& recipe, const BuildOptions& options, Reporter& reporter);

}  // namespace tunewright::corpus
