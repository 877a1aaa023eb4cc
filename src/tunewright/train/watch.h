#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/data/dataset.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/doctor.h"
#include "tunewright/train/spikes.h"

namespace tunewright::train {

// The figures of an optimizer step, on the host.
struct StepFigures {
  int64_t step;                            // counted from 0
  const std::vector<data::Batch>& passes;  // borrowed
  double weight;                           // divisor of the loss
  std::vector<double> pass_losses;         // sums of the passes that have targets
  double grad_norm;

  double loss_sum() const;
  double loss() const;  // mean; 0 without targets
  bool finite() const;
};

// Watches the figures of a run's steps, and finds rows and layers where they are wrong: only then
// does it compute anything.
class Watch {
 public:
  // All borrowed; `seed` is that of the run.
  Watch(model::CausalLm& model, Objective objective, const data::Dataset& dataset, int64_t seed);

  // The figures of steps that are done already.
  void remember(double loss, double grad_norm);
  // A sentence about a loss or a norm that stands out above those before it (see SpikeDetector).
  // `gradients`: those of `parameters`, in order.
  std::optional<std::string> spike(const StepFigures& figures,
                                   const std::vector<model::Parameter>& parameters,
                                   const std::vector<at::Tensor>& gradients);

  struct BadStep {
    std::string said;  // step, what, rows, layer and dtype
    Finding finding;
    bool rows_to_blame;  // other rows of the step are sound
  };
  // Of figures that are not finite.  Clears .grad of the model.
  BadStep examine(const StepFigures& figures);

 private:
  std::vector<SuspectPass> suspects(const StepFigures& figures) const;
  std::string highest_rows(const StepFigures& figures) const;
  std::string describe_rows(const std::vector<int64_t>& rows) const;

  model::CausalLm& model_;
  Objective objective_;
  const data::Dataset& dataset_;
  int64_t seed_;
  SpikeDetector losses_, norms_;
};

}  // namespace tunewright::train
