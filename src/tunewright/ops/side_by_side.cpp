#include "tunewright/ops/side_by_side.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <exception>
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

}  // namespace

void side_by_side(int64_t count, const std::function<void(int64_t)>& body) {
  if (count <= 1) {
    if (count == 1) body(0);
    return;
  }
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
