#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/optimizer.h"
#include "tunewright/train/trainer.h"

namespace tunewright::train {

// Where a run stands, besides its tensors.  Dropout and shuffling are functions of the seed and the
// position, so there are no generators to save.
struct RunState {
  int64_t step = 0;
  int64_t epoch = 0, next_batch = 0;  // data::LoaderPosition
  int64_t updates = 0;                // of the optimizer
  std::optional<EvalReport> best, latest;
  int64_t evaluations_without_best = 0;
  bool finished = false;
  bool stopped_early = false;
  double train_seconds = 0;
  int64_t tokens = 0, supervised_tokens = 0;
  Json identity = Json::object();  // what a resumed run must share: hashes and options
};

template <class V>
void fields(V& v, RunState& o) {
  v("step", o.step, "Optimizer steps done.");
  v("epoch", o.epoch, "Epoch of the next micro-batch.");
  v("next_batch", o.next_batch, "Micro-batches of this epoch already taken.");
  v("updates", o.updates, "Updates the optimizer has made.");
  v("best", o.best, "Evaluation with the lowest loss.");
  v("latest", o.latest, "Latest evaluation.");
  v("evaluations_without_best", o.evaluations_without_best,
    "Since the best one: for early stopping.");
  v("finished", o.finished, "Nothing is left to train.");
  v("stopped_early", o.stopped_early, "Early stopping ended it.");
  v("train_seconds", o.train_seconds, "Time of all steps.");
  v("tokens", o.tokens, "Tokens of all steps.");
  v("supervised_tokens", o.supervised_tokens, "Supervised tokens of all steps.");
  v("identity", o.identity, "Hashes and options that a resumed run must share.");
}

// Writes weights.safetensors, optimizer.safetensors and state.json (with their hashes), atomically.
void write_checkpoint(const std::filesystem::path& folder, const RunState& state,
                      const std::vector<model::Parameter>& parameters, const Optimizer& optimizer);

// The step of the best evaluation that the checkpoint in `folder` knows; none where it cannot say.
std::optional<int64_t> best_step_of(const std::filesystem::path& folder);

// A checkpoint whose every file has the hash that it had when it was written.
class Checkpoint {
 public:
  // A missing, cut off or changed file is a UserError that names it.
  static Checkpoint open(const std::filesystem::path& folder);
  const RunState& state() const { return state_; }
  void restore_weights(const std::vector<model::Parameter>& parameters) const;
  void restore_optimizer(Optimizer& optimizer) const;

 private:
  Checkpoint(std::filesystem::path folder, RunState state);
  std::filesystem::path folder_;
  RunState state_;
};

}  // namespace tunewright::train
