#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/run_state.h"

namespace tunewright::train {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Parameters under their names, as checkpoints hold them; the tensors are shared.
NamedTensors weights_of(const std::vector<model::Parameter>& parameters);

// A copy of all that a checkpoint holds, in host memory: training may go on while it is written.
struct Snapshot {
  RunState state;
  NamedTensors weights, optimizer;
};
Snapshot take_snapshot(RunState state, const NamedTensors& weights, const NamedTensors& optimizer);

// Writes weights.safetensors, optimizer.safetensors and state.json (with their hashes), atomically.
void write_checkpoint(const std::filesystem::path& folder, const Snapshot& snapshot);

// The steps of other checkpoints that the one in `folder` knows.  None where it cannot say.
struct KnownSteps {
  std::optional<int64_t> best, rollback;  // its best evaluation's; the one to roll back to
};
KnownSteps steps_known_to(const std::filesystem::path& folder);

// A checkpoint whose every file has the hash that it had when it was written.
class Checkpoint {
 public:
  // A missing, cut off or changed file is a UserError that names it.
  static Checkpoint open(const std::filesystem::path& folder);
  const RunState& state() const { return state_; }
  // Fill the given tensors.
  void restore_weights(const NamedTensors& weights) const;
  void restore_optimizer(const NamedTensors& optimizer) const;

 private:
  Checkpoint(std::filesystem::path folder, RunState state);
  std::filesystem::path folder_;
  RunState state_;
};

}  // namespace tunewright::train
