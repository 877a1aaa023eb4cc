#include "tunewright/ops/side_by_side.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tunewright::ops {
namespace {

// Sets how many threads the operations of the calling thread take, and puts it back.
class ThreadShare {
 public:
  explicit ThreadShare(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~ThreadShare() { at::set_num_threads(before_); }
  ThreadShare(const ThreadShare&) = delete;
  ThreadShare& operator=(const ThreadShare&) = delete;

 private:
  int before_;
};

// MKL chooses the kernel of a vector function at its first call in the process, and does so without
// a lock: two threads that both make it can get the kernel of lowest accuracy (cosines off by
// 1.5e-4, seen in 1 process of 30).  So the first calls are made here, by one thread.
void choose_vector_kernels() {
  static std::once_flag chosen;
  std::call_once(chosen, [] {
    const c10::InferenceMode guard;
    for (const auto type : {at::kFloat, at::kDouble}) {
      const auto values = at::full({64}, 0.5, type);
      for (const auto function : {at::cos, at::sin, at::exp, at::log, at::tanh, at::erf, at::sqrt})
        function(values);
    }
  });
}

}  // namespace

void side_by_side(int64_t count, const std::function<void(int64_t)>& body) {
  if (count <= 1) {
    if (count == 1) body(0);
    return;
  }
  choose_vector_kernels();
  const int share = std::max(at::get_num_threads() / static_cast<int>(count), 1);
  const ThreadShare caller(share);  // the number is partly the process's: put back when all is done
  std::vector<std::exception_ptr> errors(static_cast<size_t>(count));
  {
    std::vector<std::jthread> threads;
    for (int64_t i = 0; i < count; ++i) {
      threads.emplace_back([&body, &error = errors[static_cast<size_t>(i)], i, share] {
        at::set_num_threads(share);
        try {
          body(i);
        } catch (...) {
          error = std::current_exception();
        }
      });
    }
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace tunewright::ops
