#include "tunewright/metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/error.h"

namespace tunewright::metrics {
namespace {

std::vector<double> sorted(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// Inner edges; 0 and 1 close both ends.

std::vector<double> equal_width_edges(const ReliabilityOptions& options) {
  const auto bins = static_cast<double>(options.bins);
  std::vector<double> edges;
  for (int64_t i = 1; i < options.bins; ++i) {
    // Each original rounds in its own way, which decides rows that lie on an edge.
    const auto place = static_cast<double>(i);
    edges.push_back(options.edges == BinEdges::kUpper ? place / bins : place * (1 / bins));
  }
  return edges;
}

// Between the last row of a part and the first of the next; the first parts have a row more where
// the rows do not divide.
std::vector<double> halfway_edges(const std::vector<double>& confidences, int64_t wanted_bins) {
  const auto values = sorted(confidences);
  const auto bins = std::min(static_cast<size_t>(wanted_bins), values.size());
  std::vector<double> edges;
  size_t end = 0;
  for (size_t part = 0; part + 1 < bins; ++part) {
    end += values.size() / bins + (part < values.size() % bins ? 1 : 0);
    edges.push_back((values[end - 1] + values[end]) / 2);
  }
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  // An edge at 1 is the closing one.
  while (!edges.empty() && edges.back() >= 1) edges.pop_back();
  return edges;
}

// numpy.quantile's linear interpolation, which is symmetric in its rounding.
double quantile(const std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = std::min(static_cast<size_t>(place), values.size() - 1);
  const auto above = std::min(below + 1, values.size() - 1);
  const double part = place - static_cast<double>(below), step = values[above] - values[below];
  return part >= 0.5 ? values[above] - step * (1 - part) : values[below] + step * part;
}

std::vector<double> quantile_edges(const std::vector<double>& confidences, int64_t bins) {
  const auto values = sorted(confidences);
  std::vector<double> edges;
  for (int64_t i = 1; i < bins; ++i)
    edges.push_back(quantile(values, static_cast<double>(i) * (1 / static_cast<double>(bins))));
  return edges;
}

std::vector<double> edges_of(const Forecasts& forecasts, const ReliabilityOptions& options) {
  if (options.binning == Binning::kEqualWidth) return equal_width_edges(options);
  return options.edges == BinEdges::kUpper ? halfway_edges(forecasts.confidences, options.bins)
                                           : quantile_edges(forecasts.confidences, options.bins);
}

size_t bin_of(double confidence, const std::vector<double>& edges, BinEdges closed) {
  const auto edge = closed == BinEdges::kUpper
                        ? std::lower_bound(edges.begin(), edges.end(), confidence)
                        : std::upper_bound(edges.begin(), edges.end(), confidence);
  return static_cast<size_t>(edge - edges.begin());
}

double gap(const ReliabilityBin& bin) { return std::abs(bin.accuracy - bin.confidence); }

// Rows by falling confidence.
std::vector<size_t> by_confidence(const std::vector<double>& confidences) {
  std::vector<size_t> order(confidences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return confidences[a] > confidences[b]; });
  return order;
}

}  // namespace

Forecasts top_label_forecasts(const LabelProbabilities& given) {
  Forecasts forecasts;
  for (int64_t row = 0; row < given.rows(); ++row) {
    const auto label = most_probable(given.row(row));
    forecasts.confidences.push_back(given.at(row, label));
    forecasts.outcomes.push_back(label == given.references[static_cast<size_t>(row)]);
  }
  return forecasts;
}

std::vector<ReliabilityBin> reliability(const Forecasts& forecasts,
                                        const ReliabilityOptions& options) {
  TUNEWRIGHT_ASSERT(!forecasts.confidences.empty() && options.bins > 0);
  TUNEWRIGHT_ASSERT(forecasts.confidences.size() == forecasts.outcomes.size());
  const auto edges = edges_of(forecasts, options);
  std::vector<ReliabilityBin> bins(edges.size() + 1);
  for (size_t i = 0; i < bins.size(); ++i) {
    bins[i].low = i == 0 ? 0 : edges[i - 1];
    bins[i].high = i == edges.size() ? 1 : edges[i];
  }
  for (size_t row = 0; row < forecasts.confidences.size(); ++row) {
    auto& bin = bins[bin_of(forecasts.confidences[row], edges, options.edges)];
    ++bin.rows;
    bin.confidence += forecasts.confidences[row];
    bin.accuracy += forecasts.outcomes[row] ? 1 : 0;
  }
  for (auto& bin : bins) {
    if (bin.rows == 0) continue;
    bin.confidence /= static_cast<double>(bin.rows);
    bin.accuracy /= static_cast<double>(bin.rows);
  }
  return bins;
}

double expected_calibration_error(std::span<const ReliabilityBin> bins) {
  double sum = 0;
  int64_t rows = 0;
  for (const auto& bin : bins) {
    sum += static_cast<double>(bin.rows) * gap(bin);
    rows += bin.rows;
  }
  return sum / static_cast<double>(rows);
}

double maximum_calibration_error(std::span<const ReliabilityBin> bins) {
  double largest = 0;
  for (const auto& bin : bins) largest = std::max(largest, bin.rows > 0 ? gap(bin) : 0.0);
  return largest;
}

SelectiveAccuracy selective_accuracy(const Forecasts& forecasts) {
  TUNEWRIGHT_ASSERT(!forecasts.confidences.empty());
  const auto order = by_confidence(forecasts.confidences);
  const auto rows = static_cast<double>(order.size());
  SelectiveAccuracy result;
  double right_before = 0;
  for (size_t first = 0; first < order.size();) {
    const double confidence = forecasts.confidences[order[first]];
    size_t end = first;
    double right = 0;
    for (; end < order.size() && forecasts.confidences[order[end]] == confidence; ++end)
      right += forecasts.outcomes[order[end]] ? 1 : 0;
    const double share = right / static_cast<double>(end - first);
    for (size_t i = first; i < end; ++i) {
      const auto answered = static_cast<double>(i + 1);
      const double right_so_far = right_before + share * static_cast<double>(i + 1 - first);
      result.curve.push_back({.coverage = answered / rows,
                              .accuracy = right_so_far / answered,
                              .confidence = confidence});
    }
    right_before += right;
    first = end;
  }
  for (const auto& point : result.curve) result.area += point.accuracy / rows;
  result.most_confident_tenth = result.curve[static_cast<size_t>(0.1 * rows)].accuracy;
  return result;
}

}  // namespace tunewright::metrics
