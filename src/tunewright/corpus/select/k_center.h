#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace tunewright::corpus {

// N points of D numbers, one after the other.
struct Points {
  int64_t dimensions = 0;
  std::vector<float> values;
  int64_t size() const { return dimensions == 0 ? 0 : std::ssize(values) / dimensions; }
};

struct Centers {
  std::vector<int64_t> chosen;  // in the order of choice
  double radius = 0;            // the largest distance of a point to its nearest centre
};

// Greedy k-center (Gonzalez 1985), at most twice the best radius: first the point nearest to the
// mean, then always the one furthest from all chosen; of equally far ones the first.  Euclidean.
// Time: N x count x D.  `progress` is told after each choice.
Centers greedy_k_center(const Points& points, int64_t count,
                        const std::function<void(int64_t)>& progress = nullptr);

}  // namespace tunewright::corpus
