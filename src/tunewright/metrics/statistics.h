#pragma once
#include <cstdint>
#include <span>
#include <vector>

// Tests and intervals with closed forms.
namespace tunewright::metrics {

// A figure and the interval that holds its true value with the given confidence.
struct Interval {
  double value = 0, low = 0, high = 0;
};

// Wilson's interval of a share (1927): right near 0 and 1 too, where the normal one is not.
// rows > 0.
Interval wilson_interval(int64_t successes, int64_t rows, double confidence = 0.95);

// McNemar's test of two models on the same rows, where only the rows count that one of them has
// right.  Two-sided.
struct McNemar {
  int64_t only_candidate = 0, only_baseline = 0;    // rows that this one alone has right
  double exact_p = 1;                               // binomial; 1 where the models never differ
  double corrected_statistic = 0, corrected_p = 1;  // chi-squared with Edwards' correction
};
McNemar mcnemar(int64_t only_candidate, int64_t only_baseline);

// Holm's correction (1979) for several tests at once: p-values that are, each, to be compared with
// the wanted error rate of the whole family.  In the order given; a NaN (a test that could not be
// made) stays one and does not count.
std::vector<double> holm(std::span<const double> p_values);

double normal_cdf(double z);
// -inf at 0, +inf at 1.
double normal_quantile(double probability);

}  // namespace tunewright::metrics
