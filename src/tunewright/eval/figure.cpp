#include "tunewright/eval/figure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "tunewright/base/error.h"

namespace tunewright::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The rows of a figure, each with its values from the figure's column on.
using Values = std::vector<const double*>;

double sum_of(const Values& rows, size_t column) {
  double sum = 0;
  for (const double* row : rows) sum += row[column];
  return sum;
}

double mean(const Values& rows, size_t column = 0) {
  return rows.empty() ? kNone : sum_of(rows, column) / static_cast<double>(rows.size());
}

double median(const Values& rows) {
  if (rows.empty()) return kNone;
  std::vector<double> sorted;
  for (const double* row : rows) sorted.push_back(*row);
  std::ranges::sort(sorted);
  return sorted[sorted.size() / 2];
}

double weighted_mean(const Values& rows) { return sum_of(rows, 0) / sum_of(rows, 1); }

// scikit-learn's f1_score of the positive class 1, 0 where undefined.
double binary_f1(const Values& rows) {
  double both = 0, either = 0;
  for (const double* row : rows) {
    both += row[0] == 1 && row[1] == 1;
    either += (row[0] == 1) + (row[1] == 1);
  }
  if (rows.empty()) return kNone;
  return either == 0 ? 0 : 2 * both / either;
}

// Of any number of classes (Gorodkin 2004); 0 where undefined, as scikit-learn gives it.
double matthews(const Values& rows) {
  if (rows.empty()) return kNone;
  std::map<double, double> right, predicted;
  double correct = 0;
  for (const double* row : rows) {
    ++right[row[0]];
    ++predicted[row[1]];
    correct += row[0] == row[1];
  }
  const auto count = static_cast<double>(rows.size());
  double shared = 0, right_squares = 0, predicted_squares = 0;
  for (const auto& [label, times] : right) {
    right_squares += times * times;
    if (const auto it = predicted.find(label); it != predicted.end()) shared += times * it->second;
  }
  for (const auto& [label, times] : predicted) predicted_squares += times * times;
  const double spread = (count * count - right_squares) * (count * count - predicted_squares);
  return spread == 0 ? 0 : (correct * count - shared) / std::sqrt(spread);
}

// --- BBQ: right, biased, known, disambiguated

Values rows_where(const Values& rows, bool disambiguated) {
  Values kept;
  for (const double* row : rows) {
    if ((row[3] != 0) == disambiguated) kept.push_back(row);
  }
  return kept;
}

double bias(const Values& rows) {
  if (rows.empty()) return kNone;
  const double biased = sum_of(rows, 1);
  return biased == 0 ? 0 : 2 * (biased / sum_of(rows, 2)) - 1;
}

double aggregate(Aggregation aggregation, const Values& rows) {
  switch (aggregation) {
    case Aggregation::kMean:
      return mean(rows);
    case Aggregation::kMedian:
      return median(rows);
    case Aggregation::kPerplexity:
      return std::exp(-mean(rows));
    case Aggregation::kWeightedPerplexity:
      return std::exp(-weighted_mean(rows));
    case Aggregation::kBitsPerByte:
      return -weighted_mean(rows) / std::log(2.0);
    case Aggregation::kF1:
      return binary_f1(rows);
    case Aggregation::kMatthews:
      return matthews(rows);
    case Aggregation::kAmbiguousAccuracy:
      return mean(rows_where(rows, false));
    case Aggregation::kDisambiguatedAccuracy:
      return mean(rows_where(rows, true));
    case Aggregation::kAmbiguousBias: {
      const auto ambiguous = rows_where(rows, false);
      return (1 - mean(ambiguous)) * bias(ambiguous);
    }
    case Aggregation::kDisambiguatedBias:
      return bias(rows_where(rows, true));
  }
  TUNEWRIGHT_ASSERT(!"every aggregation is computed");
  return kNone;
}

// The figure of each group that has rows.
std::vector<double> of_groups(Aggregation aggregation, const std::map<int64_t, Values>& groups) {
  std::vector<double> figures;
  for (const auto& [group, rows] : groups) {
    if (group == kInvalid) continue;
    const double figure = aggregate(aggregation, rows);
    if (!std::isnan(figure)) figures.push_back(figure);
  }
  return figures;
}

}  // namespace

double compute(const Figure& figure, std::span<const RowScore> scores,
               std::span<const int64_t> rows) {
  Values all;
  std::map<int64_t, Values> groups;
  for (const auto row : rows) {
    const auto& score = scores[static_cast<size_t>(row)];
    TUNEWRIGHT_ASSERT(figure.column < score.values.size());
    const double* value = score.values.data() + figure.column;
    if (std::isnan(*value)) continue;
    if (figure.over == Over::kAll) {
      all.push_back(value);
    } else {
      groups[score.group].push_back(value);
    }
  }
  if (figure.over == Over::kAll) return aggregate(figure.aggregation, all);
  if (figure.over == Over::kGroup) return aggregate(figure.aggregation, groups[figure.group]);
  const auto figures = of_groups(figure.aggregation, groups);
  if (figures.empty()) return kNone;
  if (figure.over == Over::kGap) {
    const auto [low, high] = std::ranges::minmax_element(figures);
    return *high - *low;
  }
  double sum = 0;
  for (const double one : figures) sum += one;
  return sum / static_cast<double>(figures.size());
}

}  // namespace tunewright::eval
