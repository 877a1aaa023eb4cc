#pragma once
#include <cstdint>
#include <span>

#include "tunewright/metrics/classification_scores.h"

// Calibration after the fact: one or two numbers, fitted on held-out rows, that make a model say
// what it is.  Both losses are convex; Newton's method finds their minimum to machine precision.
namespace tunewright::metrics {

// Softmax of logits / temperature.
struct TemperatureFit {
  double temperature = 1;
  double loss_before = 0, loss_after = 0;  // mean -ln(probability of the right label)
  int64_t iterations = 0;
  bool at_limit = false;  // the data want it colder or hotter than the limits: every row is right
                          // (or the logits say nothing)
};
inline constexpr double kColdest = 1e-3, kHottest = 1e3;
// `logits.values`: any finite numbers; log-probabilities are logits too.  At least one row.
TemperatureFit fit_temperature(const LabelProbabilities& logits);
// The probabilities at a temperature.
LabelProbabilities with_temperature(const LabelProbabilities& logits, double temperature);

// P(positive) = 1 / (1 + exp(slope * score + intercept)), the form of Platt (1999), whose slope is
// negative where high scores speak for the positive class.
struct PlattFit {
  double slope = 0, intercept = 0;
  double loss_after = 0;  // mean negative log-likelihood of the targets
  int64_t iterations = 0;

  double probability(double score) const;
};
enum class PlattTargets {
  kSmoothed,  // (N+ + 1) / (N+ + 2) and 1 / (N- + 2): Platt, scikit-learn; always has a minimum
  kPlain      // 1 and 0: logistic regression, uncertainty-calibration on ln(p / (1 - p))
};
// By the algorithm of Lin, Lin and Weng (2007).  Without rows of both classes, and with plain
// targets on classes that a threshold separates, there is no minimum: a UserError.
PlattFit fit_platt(std::span<const double> scores, std::span<const uint8_t> positive,
                   PlattTargets targets = PlattTargets::kSmoothed);

}  // namespace tunewright::metrics
