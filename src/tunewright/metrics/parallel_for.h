#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "tunewright/base/system.h"

namespace tunewright::metrics {

// Calls work(i, scratch) for every i below `count`, in any order, on `threads` threads (0: one a
// core); each thread has one scratch.  What `work` writes must be i's own.  What it throws is
// thrown here.
template <class Scratch>
void parallel_for(int64_t count, int64_t threads,
                  const std::function<void(int64_t, Scratch&)>& work) {
  constexpr int64_t kBlock = 16;
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto serve = [&] {
    try {
      Scratch scratch;
      for (int64_t first; (first = next.fetch_add(kBlock)) < count;) {
        for (int64_t i = first; i < std::min(first + kBlock, count); ++i) work(i, scratch);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = count;
    }
  };
  {
    const int64_t wanted = threads > 0 ? threads : core_count();
    std::vector<std::jthread> others;
    for (int64_t i = 1; i < std::min(wanted, count / kBlock + 1); ++i) others.emplace_back(serve);
    serve();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tunewright::metrics
