#include "tunewright/metrics/calibration_fit.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::metrics {
namespace {

constexpr int64_t kMostIterations = 200;

// Of the mean loss, as a function of the inverse temperature.
struct Derivatives {
  double loss = 0, first = 0, second = 0;
};

// Adds one row; the largest logit is taken off first, so no exponential overflows.
void add_row(std::span<const double> logits, size_t reference, double inverse, Derivatives& sum) {
  const double largest = *std::ranges::max_element(logits);
  double total = 0, mean = 0, square = 0;
  for (const double logit : logits) {
    const double shifted = logit - largest;
    const double weight = std::exp(inverse * shifted);
    total += weight;
    mean += weight * shifted;
    square += weight * shifted * shifted;
  }
  mean /= total;
  const double right = logits[reference] - largest;
  sum.loss += std::log(total) - inverse * right;
  sum.first += mean - right;
  sum.second += square / total - mean * mean;
}

Derivatives derivatives(const LabelProbabilities& logits, double inverse) {
  Derivatives sum;
  for (int64_t row = 0; row < logits.rows(); ++row) {
    const auto reference = static_cast<size_t>(logits.references[static_cast<size_t>(row)]);
    add_row(logits.row(row), reference, inverse, sum);
  }
  const auto rows = static_cast<double>(logits.rows());
  return {sum.loss / rows, sum.first / rows, sum.second / rows};
}

// ln(1 + e^x) without overflow.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

struct PlattData {
  std::vector<double> scores, targets;
};

struct PlattPoint {
  double slope = 0, intercept = 0;
};

double platt_loss(const PlattData& data, const PlattPoint& at) {
  double sum = 0;
  for (size_t i = 0; i < data.scores.size(); ++i) {
    const double x = at.slope * data.scores[i] + at.intercept;
    sum += softplus(-x) + data.targets[i] * x;  // -t ln p - (1-t) ln(1-p), p = 1 / (1 + e^x)
  }
  return sum;
}

struct PlattDerivatives {
  double slope = 0, intercept = 0;  // gradient
  double slope_slope = 0, slope_intercept = 0, intercept_intercept = 0;
};

PlattDerivatives platt_derivatives(const PlattData& data, const PlattPoint& at) {
  PlattDerivatives sum;
  for (size_t i = 0; i < data.scores.size(); ++i) {
    const double score = data.scores[i];
    const double x = at.slope * score + at.intercept;
    const double small = std::exp(-std::abs(x));
    const double less = small / (1 + small), more = 1 / (1 + small);
    const double p = x >= 0 ? less : more;
    const double curvature = less * more, error = data.targets[i] - p;
    sum.slope += error * score;
    sum.intercept += error;
    sum.slope_slope += curvature * score * score;
    sum.slope_intercept += curvature * score;
    sum.intercept_intercept += curvature;
  }
  return sum;
}

// Downhill even where the curvature is lost in rounding: a touch of the identity is added.
PlattPoint newton_direction(const PlattDerivatives& d) {
  constexpr double kRidge = 1e-12;
  const double a = d.slope_slope + kRidge, b = d.slope_intercept;
  const double c = d.intercept_intercept + kRidge;
  const double determinant = a * c - b * b;
  return {-(c * d.slope - b * d.intercept) / determinant,
          -(a * d.intercept - b * d.slope) / determinant};
}

// Scores are fitted with mean 0 and deviation 1, so that neither their size nor their place costs
// digits.
struct Scale {
  double mean = 0, deviation = 1;
};

Scale scale_of(std::span<const double> scores) {
  Scale scale;
  const auto rows = static_cast<double>(scores.size());
  for (const double score : scores) scale.mean += score / rows;
  double square = 0;
  for (const double score : scores) square += (score - scale.mean) * (score - scale.mean) / rows;
  if (square > 0) scale.deviation = std::sqrt(square);
  return scale;
}

void check_separable(std::span<const double> scores, std::span<const uint8_t> positive) {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (size_t i = 0; i < scores.size(); ++i) {
    low[positive[i] != 0] = std::min(low[positive[i] != 0], scores[i]);
    high[positive[i] != 0] = std::max(high[positive[i] != 0], scores[i]);
  }
  const bool apart = high[0] <= low[1] || high[1] <= low[0];
  const bool constant = low[0] == high[0] && low[1] == high[1] && low[0] == low[1];
  if (apart && !constant) {
    throw UserError(
        "Platt scaling: a threshold on the score separates the classes, so that plain targets have "
        "no best fit; use smoothed targets");
  }
}

struct ClassCounts {
  double positives = 0, negatives = 0;
};

ClassCounts count_classes(std::span<const uint8_t> positive) {
  ClassCounts counts;
  for (const auto flag : positive) ++(flag ? counts.positives : counts.negatives);
  if (counts.positives == 0 || counts.negatives == 0) {
    throw UserError(str("Platt scaling: needs rows of both classes, got ", counts.positives,
                        " positive and ", counts.negatives, " negative ones"));
  }
  return counts;
}

PlattData platt_data(std::span<const double> scores, std::span<const uint8_t> positive,
                     PlattTargets targets, const Scale& scale) {
  const auto [positives, negatives] = count_classes(positive);
  const bool smoothed = targets == PlattTargets::kSmoothed;
  const double high = smoothed ? (positives + 1) / (positives + 2) : 1;
  const double low = smoothed ? 1 / (negatives + 2) : 0;
  PlattData data;
  for (size_t i = 0; i < scores.size(); ++i) {
    data.scores.push_back((scores[i] - scale.mean) / scale.deviation);
    data.targets.push_back(positive[i] ? high : low);
  }
  return data;
}

// Newton's step, halved until the loss falls; none falls: the minimum is reached.
bool improve(const PlattData& data, PlattPoint& at, double& loss) {
  const auto d = platt_derivatives(data, at);
  const auto direction = newton_direction(d);
  for (double step = 1; step > 1e-12; step /= 2) {
    const PlattPoint next{at.slope + step * direction.slope,
                          at.intercept + step * direction.intercept};
    const double next_loss = platt_loss(data, next);
    if (next_loss < loss) {
      at = next;
      loss = next_loss;
      return true;
    }
  }
  return false;
}

// The loss is flat to rounding near its minimum, while the gradient still tells the way.
void polish(const PlattData& data, PlattPoint& at) {
  for (int i = 0; i < 3; ++i) {
    const auto direction = newton_direction(platt_derivatives(data, at));
    if (std::hypot(direction.slope, direction.intercept) > 1e-4) return;
    at = {at.slope + direction.slope, at.intercept + direction.intercept};
  }
}

}  // namespace

TemperatureFit fit_temperature(const LabelProbabilities& logits) {
  TUNEWRIGHT_ASSERT(logits.rows() > 0);
  double low = 1 / kHottest, high = 1 / kColdest, inverse = 1;
  TemperatureFit fit{.loss_before = derivatives(logits, 1).loss};
  // The slope only rises with the inverse temperature: a bound where it still falls is the answer.
  for (const double bound : {low, high}) {
    const double slope = derivatives(logits, bound).first;
    if (bound == low ? slope < 0 : slope > 0) continue;
    fit.temperature = 1 / bound;
    fit.loss_after = derivatives(logits, bound).loss;
    fit.at_limit = true;
    return fit;
  }
  Derivatives at = derivatives(logits, inverse);
  for (; fit.iterations < kMostIterations; ++fit.iterations) {
    (at.first > 0 ? high : low) = inverse;
    double next = inverse - at.first / at.second;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    const bool settled = std::abs(next - inverse) <= 1e-13 * inverse;
    inverse = next;
    at = derivatives(logits, inverse);
    if (settled || at.first == 0) break;
  }
  fit.temperature = 1 / inverse;
  fit.loss_after = at.loss;
  return fit;
}

LabelProbabilities with_temperature(const LabelProbabilities& logits, double temperature) {
  TUNEWRIGHT_ASSERT(temperature > 0);
  auto result = logits;
  for (int64_t row = 0; row < logits.rows(); ++row) {
    const auto values =
        std::span(result.values)
            .subspan(static_cast<size_t>(row * logits.labels), static_cast<size_t>(logits.labels));
    const double largest = *std::ranges::max_element(values);
    double total = 0;
    for (auto& value : values) total += value = std::exp((value - largest) / temperature);
    for (auto& value : values) value /= total;
  }
  return result;
}

double PlattFit::probability(double score) const {
  return 1 / (1 + std::exp(slope * score + intercept));
}

PlattFit fit_platt(std::span<const double> scores, std::span<const uint8_t> positive,
                   PlattTargets targets) {
  TUNEWRIGHT_ASSERT(scores.size() == positive.size());
  const auto scale = scale_of(scores);
  const auto data = platt_data(scores, positive, targets, scale);
  if (targets == PlattTargets::kPlain) check_separable(scores, positive);
  const auto [positives, negatives] = count_classes(positive);
  PlattPoint at{0, std::log((negatives + 1) / (positives + 1))};
  double loss = platt_loss(data, at);
  PlattFit fit;
  while (fit.iterations < kMostIterations && improve(data, at, loss)) ++fit.iterations;
  polish(data, at);
  fit.slope = at.slope / scale.deviation;
  fit.intercept = at.intercept - fit.slope * scale.mean;
  fit.loss_after = platt_loss(data, at) / static_cast<double>(scores.size());
  return fit;
}

}  // namespace tunewright::metrics
