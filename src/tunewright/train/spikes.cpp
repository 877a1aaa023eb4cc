#include "tunewright/train/spikes.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tunewright::train {
namespace {

constexpr size_t kWindow = 64, kLeast = 16;
constexpr double kDeviations = 10, kOfNormal = 1.4826, kLeastShare = 0.05;

// The upper one of two.
double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

SpikeDetector::Spike limit_of(const std::deque<double>& recent) {
  const double center = median({recent.begin(), recent.end()});
  std::vector<double> distances;
  for (const double value : recent) distances.push_back(std::abs(value - center));
  const double deviation =
      std::max(kOfNormal * median(std::move(distances)), kLeastShare * std::abs(center));
  return {.median = center, .limit = center + kDeviations * deviation};
}

}  // namespace

std::optional<SpikeDetector::Spike> SpikeDetector::judge(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  std::optional<Spike> spike;
  if (recent_.size() >= kLeast) spike = limit_of(recent_);
  recent_.push_back(value);
  if (recent_.size() > kWindow) recent_.pop_front();
  return spike && value > spike->limit ? spike : std::nullopt;
}

}  // namespace tunewright::train
