#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "tunewright/base/progress.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct RunStepOptions {
  std::filesystem::path in, out;
  std::filesystem::path ledger;  // empty: none
  std::string label;             // of the progress bar
  int64_t workers = 1;           // threads; the result does not depend on them
};

struct StepCounts {
  int64_t rows = 0;  // of the input
  int64_t kept = 0, changed = 0, dropped = 0;
  int64_t added = 0;  // rows that the step made from others
  int64_t written =
      0;  // rows of the output: kept and changed ones with their copies, and the added
  // What decided, most frequent first: the reasons up to their first number ("mean_word_length").
  std::vector<std::pair<std::string, int64_t>> reasons;
};

// Runs one step over a file of JSON Lines.  Rows that cannot be read are dropped with their reason;
// an input without any readable row is a UserError.  The output and the ledger are written
// atomically; memory stays bounded by what the step keeps.
StepCounts run_step(Step& step, const RunStepOptions& options, Reporter& reporter);

}  // namespace tunewright::corpus
