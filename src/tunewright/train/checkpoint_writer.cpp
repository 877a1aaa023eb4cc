#include "tunewright/train/checkpoint_writer.h"

#include <chrono>
#include <utility>

namespace tunewright::train {

CheckpointWriter::CheckpointWriter(WhenDurable when_durable)
    : when_durable_(std::move(when_durable)) {}

void CheckpointWriter::start(std::filesystem::path folder, Snapshot snapshot) {
  wait();
  in_flight_ = std::async(std::launch::async,
                          [this, folder = std::move(folder), snapshot = std::move(snapshot)] {
                            write_checkpoint(folder, snapshot);
                            when_durable_(folder);
                          });
}

void CheckpointWriter::check() {
  const bool ended = in_flight_.valid() &&
                     in_flight_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (ended) in_flight_.get();
}

void CheckpointWriter::wait() {
  if (in_flight_.valid()) in_flight_.get();
}

}  // namespace tunewright::train
