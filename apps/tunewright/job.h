#pragma once
#include <memory>
#include <optional>
#include <string>

#include "tunewright/base/progress.h"
#include "tunewright/data/dataset.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/run_config.h"
#include "tunewright/train/plan/layout.h"

namespace tunewright::app {

// Everything that a run needs, loaded and checked before its folder is touched.
struct Job {
  RunConfig config;
  data::Dataset train;
  std::optional<data::Dataset> eval;
  std::unique_ptr<model::CausalLm> model;
  std::string base_fingerprint;

  const data::Dataset* eval_set() const { return eval ? &*eval : nullptr; }
  train::RunRows rows() const { return {.train = train, .eval = eval_set()}; }
};

// The rows alone, rendered, tokenised and proved.
Job load_rows(RunConfig config, Reporter& reporter);
// A run that cannot fit into memory is a UserError; asked before the model is loaded.
void require_memory(const Job& job);
// The model, made trainable.
void load_model(Job& job, Reporter& reporter);

}  // namespace tunewright::app
