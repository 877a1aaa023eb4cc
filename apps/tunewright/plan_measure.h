#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/job.h"
#include "tunewright/model/size.h"
#include "tunewright/train/plan/forecast.h"

namespace tunewright::app {

// What is known of a run without measuring.
struct Survey {
  train::RunLayout layout;
  std::vector<data::PassLayout> passes, evaluation;  // that stand for the others
  model::ModelSize size;
  train::Load load;
  train::MemoryFloor floor;
  int64_t longest_example = 0;  // tokens
};
Survey survey(const Job& job);

// What `job` will take, from measurements of models of a few of its blocks, each in a process of
// its own so that nothing else counts.  None where even the smallest would not fit into memory.
std::optional<train::Measurement> measure(const Job& job, const Survey& survey, Reporter& reporter);

// The work of such a process: reads what to do from `request` and writes what it found beside it.
int measure_here(const std::filesystem::path& request);

}  // namespace tunewright::app
