#pragma once
#include <functional>
#include <span>
#include <vector>

namespace tunewright::corpus {

// The value at `x`, and its gradient into `gradient`.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

// Finds the least value of a smooth convex function from `x` on, in place: L-BFGS (Nocedal 1980),
// until no entry of the gradient is above `tolerance`, or nothing is gained any more.
void minimize(const Objective& objective, std::vector<double>& x, double tolerance,
              int64_t max_iterations = 1000);

}  // namespace tunewright::corpus
