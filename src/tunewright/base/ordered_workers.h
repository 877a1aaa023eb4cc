#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tunewright {

// Does jobs on threads of its own and gives their results in the order in which the jobs were put,
// so that what comes out never depends on the number of threads.  For one caller's thread.
template <class Job, class Result>
class OrderedWorkers {
 public:
  using Work = std::function<Result(Job&)>;

  // `work` is called from several threads at once.
  OrderedWorkers(int64_t threads, Work work) : work_(std::move(work)) {
    most_ = 2 * static_cast<size_t>(threads) + 2;
    for (int64_t i = 0; i < threads; ++i)
      threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }

  // Jobs not yet begun are left undone.
  ~OrderedWorkers() {
    for (auto& thread : threads_) thread.request_stop();
    waiting_changed_.notify_all();
  }

  // So many jobs are under way that a result should be taken before the next is put: what bounds
  // the memory.
  bool is_full() const { return results_.size() >= most_; }
  bool is_empty() const { return results_.empty(); }

  void put(Job job) {
    Task task{.job = std::move(job)};
    results_.push_back(task.result.get_future());
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(task));
    }
    waiting_changed_.notify_one();
  }

  // Waits for the oldest job's result; what the job threw is thrown here.
  Result take() {
    auto result = std::move(results_.front());
    results_.pop_front();
    return result.get();
  }

 private:
  struct Task {
    Job job;
    std::promise<Result> result;
  };

  void serve(const std::stop_token& stop) {
    while (true) {
      std::unique_lock lock(mutex_);
      waiting_changed_.wait(lock, stop, [&] { return !waiting_.empty(); });
      if (stop.stop_requested()) return;
      auto task = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      try {
        task.result.set_value(work_(task.job));
      } catch (...) {
        task.result.set_exception(std::current_exception());
      }
    }
  }

  Work work_;
  size_t most_ = 0;
  std::deque<std::future<Result>> results_;
  std::mutex mutex_;
  std::condition_variable_any waiting_changed_;
  std::deque<Task> waiting_;
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

}  // namespace tunewright
