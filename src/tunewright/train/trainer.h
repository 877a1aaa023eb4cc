#pragma once
#include <memory>
#include <optional>

#include "tunewright/base/progress.h"
#include "tunewright/data/dataset.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/observe/run.h"
#include "tunewright/train/options.h"
#include "tunewright/train/run_state.h"

namespace tunewright::train {

struct StepReport {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;       // mean over the supervised tokens of the whole optimizer step
  double grad_norm = 0;  // before clipping
  double learning_rate = 0;
  int64_t tokens = 0, supervised_tokens = 0;  // of this step; padding does not exist
  double step_seconds = 0;                    // without evaluation and saving
  bool dropped = false;  // a number was not finite, and training.on_nonfinite goes on without it
};

enum class Outcome { kFinished, kStoppedEarly, kInterrupted };

struct TrainResult {
  Outcome outcome = Outcome::kFinished;
  int64_t steps = 0;
  std::optional<EvalReport> best;  // evaluation whose weights the model now holds
  double train_seconds = 0;
  double save_seconds = 0;                    // that training waited for checkpoints
  int64_t tokens = 0, supervised_tokens = 0;  // of all steps
  Setbacks setbacks;
};

// Mean loss over the supervised tokens of a data set, without gradient.
EvalReport evaluate(model::CausalLm& model, const data::Dataset& dataset, int64_t tokens_per_pass,
                    Reporter& reporter);
// None where a stop was requested before its end.
std::optional<EvalReport> evaluate_unless_stopped(model::CausalLm& model,
                                                  const data::Dataset& dataset,
                                                  int64_t tokens_per_pass, Reporter& reporter);

// Fine-tunes a model whose trainable_parameters() are prepared.
class Trainer {
 public:
  struct Parts {  // all borrowed
    model::CausalLm& model;
    const data::Dataset& train;
    const data::Dataset* eval;  // null: none
    observe::RunFolder& run;
    Reporter& reporter;
    Json identity =
        Json::object();  // owned: what else a resumed run must share (hash of the base model, …)
  };
  // Options out of their limits, and a model without trainable parameters, are UserErrors.
  Trainer(Parts parts, const data::DataOptions& data_options, TrainOptions options);
  ~Trainer();

  // From step 1, or exactly from the newest sound checkpoint of the run folder (none: from step 1).
  // Polls stop_requested() between blocks: then an unfinished step or evaluation is abandoned, a
  // checkpoint is written and the outcome is kInterrupted.
  // A loss or gradient that is not finite names step, rows and layer; what follows is said by
  // training.on_nonfinite, and is a UserError where that is kStop or does not help.  The weights
  // stay as they were.
  TrainResult run(bool resume);

  int64_t total_steps() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tunewright::train
