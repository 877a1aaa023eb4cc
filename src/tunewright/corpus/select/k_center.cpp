#include "tunewright/corpus/select/k_center.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tunewright::corpus {
namespace {

// In lanes of its own, so that the compiler may do several at once.
float squared_distance(const float* a, const float* b, int64_t dimensions) {
  constexpr int64_t kLanes = 16;
  std::array<float, kLanes> sums{};
  int64_t i = 0;
  for (; i + kLanes <= dimensions; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float difference = a[i + lane] - b[i + lane];
      sums[lane] += difference * difference;
    }
  }
  float sum = 0;
  for (; i < dimensions; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  for (const float lane : sums) sum += lane;
  return sum;
}

std::vector<float> mean_of(const Points& points) {
  std::vector<double> sums(points.dimensions);
  for (size_t i = 0; i < points.values.size(); ++i) sums[i % sums.size()] += points.values[i];
  std::vector<float> mean;
  for (const double sum : sums)
    mean.push_back(static_cast<float>(sum / static_cast<double>(points.size())));
  return mean;
}

}  // namespace

Centers greedy_k_center(const Points& points, int64_t count,
                        const std::function<void(int64_t)>& progress) {
  Centers centers;
  const auto size = points.size();
  count = std::min(count, size);
  if (count <= 0) return centers;
  const auto at = [&](int64_t i) { return points.values.data() + i * points.dimensions; };
  const auto mean = mean_of(points);
  std::vector<float> nearest(size);
  for (int64_t i = 0; i < size; ++i)
    nearest[i] = squared_distance(at(i), mean.data(), points.dimensions);
  auto next = std::ranges::min_element(nearest) - nearest.begin();
  std::ranges::fill(nearest, std::numeric_limits<float>::infinity());
  while (true) {
    centers.chosen.push_back(next);
    for (int64_t i = 0; i < size; ++i) {
      if (nearest[i] >= 0)
        nearest[i] = std::min(nearest[i], squared_distance(at(i), at(next), points.dimensions));
    }
    nearest[next] = -1;  // chosen, also where others lie at the same place
    if (progress) progress(std::ssize(centers.chosen));
    next = std::ranges::max_element(nearest) - nearest.begin();
    if (std::ssize(centers.chosen) == count) break;
  }
  centers.radius = std::sqrt(std::max(0.0F, nearest[next]));
  return centers;
}

}  // namespace tunewright::corpus
