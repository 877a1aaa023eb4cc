#include "tunewright/corpus/labels/minimize.h"

#include <cmath>
#include <deque>

namespace tunewright::corpus {
namespace {

using Vector = std::vector<double>;

constexpr size_t kHistory = 6;
constexpr int kMaxHalvings = 40;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(Vector& to, double scale, const Vector& what) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += scale * what[i];
}

Vector difference(const Vector& a, const Vector& b) {
  Vector result = a;
  add_scaled(result, -1, b);
  return result;
}

struct Pair {
  Vector step, turn;  // of the place and of the gradient
  double curvature = 0;
};

// The gradient times the inverse of the curvature that the last steps have shown, turned downhill.
Vector direction(const Vector& gradient, const std::deque<Pair>& history) {
  Vector d = gradient;
  std::vector<double> weights(history.size());
  for (size_t i = history.size(); i-- > 0;) {
    weights[i] = dot(history[i].step, d) / history[i].curvature;
    add_scaled(d, -weights[i], history[i].turn);
  }
  if (!history.empty()) {
    const auto& last = history.back();
    const double scale = last.curvature / dot(last.turn, last.turn);
    for (auto& value : d) value *= scale;
  }
  for (size_t i = 0; i < history.size(); ++i) {
    const double weight = dot(history[i].turn, d) / history[i].curvature;
    add_scaled(d, weights[i] - weight, history[i].step);
  }
  for (auto& value : d) value = -value;
  return d;
}

bool is_flat(const Vector& gradient, double tolerance) {
  for (const double value : gradient) {
    if (std::abs(value) > tolerance) return false;
  }
  return true;
}

}  // namespace

void minimize(const Objective& objective, std::vector<double>& x, double tolerance,
              int64_t max_iterations) {
  Vector gradient(x.size());
  double value = objective(x, gradient);
  std::deque<Pair> history;
  for (int64_t i = 0; i < max_iterations && !is_flat(gradient, tolerance); ++i) {
    const auto way = direction(gradient, history);
    const double slope = dot(way, gradient);
    double length = history.empty() ? 1 / std::max(1.0, std::sqrt(dot(gradient, gradient))) : 1;
    Vector next, next_gradient(x.size());
    double next_value = value;
    bool gained = false;
    for (int halving = 0; halving < kMaxHalvings && !gained; ++halving, length /= 2) {
      next = x;
      add_scaled(next, length, way);
      next_value = objective(next, next_gradient);
      gained = next_value <= value + 1e-4 * length * slope;
    }
    if (!gained) return;  // as near as the arithmetic allows
    Pair pair{difference(next, x), difference(next_gradient, gradient), 0};
    pair.curvature = dot(pair.step, pair.turn);
    if (pair.curvature > 0) history.push_back(std::move(pair));
    if (history.size() > kHistory) history.pop_front();
    x = std::move(next);
    gradient = std::move(next_gradient);
    value = next_value;
  }
}

}  // namespace tunewright::corpus
