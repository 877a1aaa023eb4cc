#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "tunewright/base/progress.h"
#include "tunewright/observe/run.h"
#include "tunewright/train/checkpoint.h"
#include "tunewright/train/checkpoint_writer.h"

namespace tunewright::train {

// The checkpoints of a run folder.
class CheckpointStore {
 public:
  struct Options {
    int64_t limit = 3;      // newest kept, with the checkpoints that they roll back to; 0: all
    bool keep_best = true;  // besides these, the best one that each of them knows
  };
  CheckpointStore(const observe::RunFolder& run, Options options);  // run borrowed

  // Starts writing; older ones that nothing needs are removed once it is durable.  Failures,
  // waiting and checking: see CheckpointWriter.
  void save(Snapshot snapshot);
  void check() { writer_.check(); }
  void wait() { writer_.wait(); }

  // The newest sound one; a damaged one is passed over with a warning.  One of another run is a
  // DifferentRun.
  std::optional<Checkpoint> newest(const Json& identity, Reporter& reporter) const;
  // Waits for what is being written; damaged or missing is a UserError.
  Checkpoint of_step(int64_t step);

 private:
  std::filesystem::path folder_of(int64_t step) const;
  void remove_old(const std::filesystem::path& written) const;

  const observe::RunFolder& run_;
  Options options_;
  CheckpointWriter writer_;
};

}  // namespace tunewright::train
