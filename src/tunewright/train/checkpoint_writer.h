#pragma once
#include <filesystem>
#include <functional>
#include <future>

#include "tunewright/train/checkpoint.h"

namespace tunewright::train {

// Writes checkpoints beside training: one at a time, each on a thread of its own.  Used from one
// thread.
class CheckpointWriter {
 public:
  using WhenDurable = std::function<void(const std::filesystem::path& folder)>;
  // `when_durable` runs on the writing thread after each.
  explicit CheckpointWriter(WhenDurable when_durable);
  // Waits; a failure that nobody has asked for is lost.
  ~CheckpointWriter() = default;

  // Waits for the write before it, whose failure it throws.
  void start(std::filesystem::path folder, Snapshot snapshot);
  // Throws what a write that has ended failed with (a full disk: a UserError); never waits.
  void check();
  // Waits until what was started is durable; throws what it failed with.
  void wait();

 private:
  WhenDurable when_durable_;
  std::future<void> in_flight_;
};

}  // namespace tunewright::train
