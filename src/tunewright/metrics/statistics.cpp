#include "tunewright/metrics/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "tunewright/base/error.h"

namespace tunewright::metrics {

Interval wilson_interval(int64_t successes, int64_t rows, double confidence) {
  TUNEWRIGHT_ASSERT(rows > 0 && successes >= 0 && successes <= rows);
  const double z = normal_quantile(1 - (1 - confidence) / 2);
  const auto n = static_cast<double>(rows);
  const double share = static_cast<double>(successes) / n;
  const double shrink = 1 + z * z / n;
  const double centre = (share + z * z / (2 * n)) / shrink;
  const double half = z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / shrink;
  return {
      .value = share, .low = std::max(0.0, centre - half), .high = std::min(1.0, centre + half)};
}

McNemar mcnemar(int64_t only_candidate, int64_t only_baseline) {
  TUNEWRIGHT_ASSERT(only_candidate >= 0 && only_baseline >= 0);
  McNemar test{.only_candidate = only_candidate, .only_baseline = only_baseline};
  const auto differing = static_cast<double>(only_candidate + only_baseline);
  if (differing == 0) return test;
  const auto fewer = static_cast<double>(std::min(only_candidate, only_baseline));
  const boost::math::binomial_distribution<double> coin(differing, 0.5);
  test.exact_p = std::min(1.0, 2 * boost::math::cdf(coin, fewer));
  const double distance = std::abs(static_cast<double>(only_candidate - only_baseline)) - 1;
  test.corrected_statistic = distance * distance / differing;
  // The upper tail of chi-squared with one degree of freedom.
  test.corrected_p = std::erfc(std::sqrt(test.corrected_statistic / 2));
  return test;
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p_values.size(); ++i) {
    if (!std::isnan(p_values[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.begin(), p_values.end());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const auto tests_left = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, tests_left * p_values[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double normal_quantile(double probability) {
  TUNEWRIGHT_ASSERT(probability >= 0 && probability <= 1);
  if (probability == 0) return -std::numeric_limits<double>::infinity();
  if (probability == 1) return std::numeric_limits<double>::infinity();
  return boost::math::quantile(boost::math::normal_distribution<double>(), probability);
}

}  // namespace tunewright::metrics
