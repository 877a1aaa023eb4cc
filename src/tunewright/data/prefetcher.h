#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "tunewright/data/dataset.h"

namespace tunewright::data {

// A loader whose micro-batches are read and laid out ahead, on a thread of their own, so that a
// step never waits for them.  What it gives, and the positions, are exactly the loader's.
class Prefetcher {
 public:
  struct Options {
    int64_t tokens_per_pass = 0;  // a larger micro-batch comes in parts; 0: in one
    int64_t ahead = 2;            // micro-batches that are kept ready
  };
  Prefetcher(const Dataset& dataset, Loader::Options loader, Options options);  // dataset borrowed
  ~Prefetcher();

  // The next micro-batch, in parts of at most tokens_per_pass.
  std::vector<Batch> next();
  // Behind the micro-batch that was given last, however many are ready.
  LoaderPosition position() const { return position_; }
  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  void seek(LoaderPosition position);  // a position past the epoch's end is a UserError
  // From here on leaves examples of these ledger rows out (few, ascending); a micro-batch of
  // nothing else has no parts.
  void exclude(std::vector<int64_t> rows);

 private:
  struct Ready {
    std::vector<Batch> parts;
    LoaderPosition position;
    int64_t batches_per_epoch = 0;
    std::exception_ptr error;
  };
  Ready prepare();
  void work(const std::stop_token& stop);
  void start();
  void stop();

  Loader loader_;  // the thread's while it runs
  Options options_;
  std::vector<int64_t> excluded_rows_;
  LoaderPosition position_;
  int64_t batches_per_epoch_ = 0;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Ready> ready_;
  std::jthread thread_;
};

}  // namespace tunewright::data
