#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::train {

struct EvalReport {
  int64_t step = 0;
  double loss = 0;
  int64_t tokens = 0;  // supervised
};
template <class V>
void fields(V& v, EvalReport& o) {
  v("step", o.step, "Steps done before it.");
  v("loss", o.loss, "Mean over the supervised tokens.");
  v("tokens", o.tokens, "Supervised tokens.");
}

// What training.on_nonfinite has done so far.
struct Setbacks {
  int64_t skipped_steps = 0;             // whose update was dropped
  int64_t rollbacks = 0;                 // of these, those that went back to a checkpoint
  int64_t in_a_row = 0;                  // since the last good step; rollbacks: to one checkpoint
  std::optional<int64_t> rollback_step;  // of the checkpoint to go back to
  std::vector<int64_t> excluded_rows;    // indices into the training set's ledger
};
template <class V>
void fields(V& v, Setbacks& o) {
  v("skipped_steps", o.skipped_steps, "Steps whose update was dropped.");
  v("rollbacks", o.rollbacks, "Of these, those that went back to a checkpoint.");
  v("in_a_row", o.in_a_row, "Since the last good step; rollbacks: to the same checkpoint.");
  v("rollback_step", o.rollback_step, "Step of the checkpoint to go back to.");
  v("excluded_rows", o.excluded_rows, "Rows left out since, as lines of the ledger.");
}

// Where a run stands, besides its tensors.  Dropout and shuffling are functions of the seed and the
// position, so there are no generators to save.
struct RunState {
  int64_t step = 0;
  int64_t epoch = 0, next_batch = 0;  // data::LoaderPosition
  int64_t updates = 0;                // of the optimizer
  std::optional<EvalReport> best, latest;
  int64_t evaluations_without_best = 0;
  Setbacks setbacks;
  bool finished = false;
  bool stopped_early = false;
  double train_seconds = 0;
  double save_seconds = 0;
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
  v("setbacks", o.setbacks, "What on_nonfinite has done.");
  v("finished", o.finished, "Nothing is left to train.");
  v("stopped_early", o.stopped_early, "Early stopping ended it.");
  v("train_seconds", o.train_seconds, "Time of all steps.");
  v("save_seconds", o.save_seconds, "Time that training waited for checkpoints.");
  v("tokens", o.tokens, "Tokens of all steps.");
  v("supervised_tokens", o.supervised_tokens, "Supervised tokens of all steps.");
  v("identity", o.identity, "Hashes and options that a resumed run must share.");
}

}  // namespace tunewright::train
