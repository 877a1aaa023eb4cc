#pragma once
#include <cstdint>
#include <functional>

namespace tunewright::ops {

// Runs body(0) … body(count - 1) at the same time, each on a thread of its own whose operations
// take an equal share of the caller's threads.  Returns when all have; then the exception of the
// first body that threw one goes on.  Gradient mode and the like are those of a new thread.
// With count 1 the caller runs the body itself.
void side_by_side(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace tunewright::ops
