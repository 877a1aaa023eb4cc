#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tunewright/data/batch.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/objectives/objective.h"
#include "tunewright/train/optimizer.h"

namespace tunewright::train {

// What bounds the passes of a step that are computed side by side.
struct SideBySideLimits {
  int64_t threads = 1;
  double rows = 1, tokens = 0;                   // of a micro-batch, on average
  int64_t gradient_bytes = 0, weight_bytes = 0;  // float32 gradients of a pass; the whole model
};
// How many: the threads of one operation wait for the slowest of them each time, passes only at
// their end.  As many as leave each pass some hundred tokens, and whose gradients together take no
// more memory than the model's weights do.
int64_t passes_side_by_side(const SideBySideLimits& limits);

// The gradients of an optimizer step, summed over its passes.
class StepGradients {
 public:
  // model and optimizer are borrowed; `side_by_side` passes run at the same time.
  StepGradients(model::CausalLm& model, Objective objective, Optimizer& optimizer,
                int64_t side_by_side);
  ~StepGradients();

  // The summed loss of each pass that has targets, in order; their gradients, divided by `weight`,
  // are the optimizer's then.  None where a stop was requested meanwhile: no gradient is left.
  // The same passes on the same number of threads give the same bits.
  std::optional<std::vector<at::Tensor>> compute(const std::vector<data::Batch>& passes,
                                                 double weight, int64_t seed, int64_t step);

 private:
  struct Worker;
  void clear();
  Objective objective_;
  Optimizer& optimizer_;
  std::vector<Worker> workers_;
};

}  // namespace tunewright::train
