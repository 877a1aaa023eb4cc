#pragma once
#include <cstdint>
#include <vector>

#include "tunewright/data/layout.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

// How training deals out its rows.
data::Loader::Options loader_options(const data::DataOptions& data, const TrainOptions& options);

// What a run will do, known from its rows' lengths alone.
struct RunLayout {
  int64_t total_steps = 0;
  // The passes of each step that have something to predict.  Of a very long run only the first
  // steps, as the others are like them.
  std::vector<std::vector<data::PassLayout>> steps;
  std::vector<data::PassLayout> evaluation;  // of one evaluation
  int64_t evaluations = 0;
  int64_t saves = 0;                  // each evaluation taken for the best so far
  bool saves_while_training = false;  // a checkpoint before the last step's

  int64_t tokens() const;  // of `steps`
  int64_t passes() const;
  bool several_passes() const;  // in some step
};

struct RunRows {
  const data::Dataset& train;
  const data::Dataset* eval = nullptr;  // null: none
};
// `most_examples`: after so many, counted once an epoch, steps are the first of a long run.
RunLayout lay_out_run(const RunRows& rows, const data::DataOptions& data,
                      const TrainOptions& options, int64_t most_examples = 4'000'000);

// Some passes that stand for all: first the one of most tokens, then, each once, those at a few
// places of the order by tokens, and the one with the most targets.
std::vector<data::PassLayout> representative(const std::vector<data::PassLayout>& passes);
std::vector<data::PassLayout> passes_of(const RunLayout& layout);

}  // namespace tunewright::train
