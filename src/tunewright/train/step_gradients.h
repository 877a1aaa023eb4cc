#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tunewright/data/batch.h"
#include "tunewright/data/dataset.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/objectives/objective.h"
#include "tunewright/train/optimizer.h"

namespace tunewright::train {

// What bounds how many parts of a pass are computed side by side.
struct SideBySideLimits {
  int64_t threads = 1;
  double rows = 1, tokens = 0;  // of a pass, on average
  int64_t gradient_bytes = 0,
          weight_bytes = 0;  // float32 gradients of a part (0: none); the whole model
};
// The threads of one operation wait for the slowest of them each time, parts only at their end.  As
// many as leave each some hundred tokens, and whose gradients together take no more memory than
// the model's weights do.
int64_t parts_side_by_side(const SideBySideLimits& limits);
// For a run: training.parallel_passes where that says it.
int64_t parts_side_by_side(model::CausalLm& model, const data::Dataset& dataset,
                           const data::DataOptions& data, const TrainOptions& options);

// The passes of an optimizer step, each dealt into parts that are computed side by side.
struct StepParts {
  std::vector<data::Batch> parts;
  std::vector<size_t> pass_ends;  // pass i is parts [pass_ends[i - 1], pass_ends[i])

  void add(const data::Batch& pass, int64_t side_by_side);
};

// The gradients of an optimizer step, summed over its passes.
class StepGradients {
 public:
  // model and optimizer are borrowed; at most `side_by_side` parts of a pass.
  StepGradients(model::CausalLm& model, Objective objective, Optimizer& optimizer,
                int64_t side_by_side);
  ~StepGradients();

  // The summed loss of each part that has targets, in order; their gradients, divided by `weight`,
  // are the optimizer's then.  None where a stop was requested meanwhile: no gradient is left.
  // The same parts on the same number of threads give the same bits.
  std::optional<std::vector<at::Tensor>> compute(const StepParts& step, double weight, int64_t seed,
                                                 int64_t step_number);

 private:
  struct Worker;
  void clear();
  Objective objective_;
  Optimizer& optimizer_;
  std::vector<Worker> workers_;
};

}  // namespace tunewright::train
