#include "tunewright/data/prefetcher.h"

#include <algorithm>
#include <utility>

namespace tunewright::data {

Prefetcher::Prefetcher(const Dataset& dataset, Loader::Options loader, Options options)
    : loader_(dataset, loader),
      options_(options),
      position_(loader_.position()),
      batches_per_epoch_(loader_.batches_per_epoch()) {}

Prefetcher::~Prefetcher() { stop(); }

Prefetcher::Ready Prefetcher::prepare() {
  const auto examples = loader_.next();
  std::vector<const Example*> views;
  for (const auto& example : examples) {
    if (!std::ranges::binary_search(excluded_rows_, example.row)) views.push_back(&example);
  }
  Ready ready{.position = loader_.position(), .batches_per_epoch = loader_.batches_per_epoch()};
  if (views.empty()) return ready;
  if (options_.tokens_per_pass == 0) {
    ready.parts.push_back(make_batch(views));
  } else {
    ready.parts = split_batch(views, options_.tokens_per_pass);
  }
  return ready;
}

void Prefetcher::work(const std::stop_token& stop) {
  for (bool sound = true; sound;) {
    Ready ready;
    try {
      ready = prepare();
    } catch (...) {
      ready.error = std::current_exception();
      sound = false;
    }
    std::unique_lock lock(mutex_);
    const auto has_room = [&] { return static_cast<int64_t>(ready_.size()) < options_.ahead; };
    if (!changed_.wait(lock, stop, has_room) || stop.stop_requested()) return;
    ready_.push_back(std::move(ready));
    changed_.notify_all();
  }
}

void Prefetcher::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void Prefetcher::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  ready_.clear();
}

std::vector<Batch> Prefetcher::next() {
  if (!thread_.joinable()) start();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  if (ready_.front().error) std::rethrow_exception(ready_.front().error);  // at each further call
  auto ready = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  position_ = ready.position;
  batches_per_epoch_ = ready.batches_per_epoch;
  return std::move(ready.parts);
}

void Prefetcher::seek(LoaderPosition position) {
  stop();
  loader_.seek(position);
  position_ = loader_.position();
  batches_per_epoch_ = loader_.batches_per_epoch();
}

void Prefetcher::exclude(std::vector<int64_t> rows) {
  if (rows == excluded_rows_) return;
  stop();
  excluded_rows_ = std::move(rows);
  seek(position_);
}

}  // namespace tunewright::data
