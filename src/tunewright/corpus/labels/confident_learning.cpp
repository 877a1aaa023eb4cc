#include "tunewright/corpus/labels/confident_learning.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "tunewright/base/error.h"

namespace tunewright::corpus {
namespace {

constexpr double kFuzz = 1e-6;            // two probabilities so near count as equal
constexpr double kLeastThreshold = 2e-6;  // above kFuzz
constexpr double kOfMissingClass = 2;     // no probability reaches it
constexpr double kTiny = 1e-100;
constexpr double kLeastConfidence = 1e-6;

std::vector<int64_t> rows_with(const LabelledProbabilities& data, int64_t label) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < data.rows(); ++i) {
    if (data.labels[i] == label) rows.push_back(i);
  }
  return rows;
}

// Positions of `keys` in ascending order, equal ones as they come.
std::vector<int64_t> ascending(std::span<const double> keys) {
  std::vector<int64_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int64_t i) { return keys[i]; });
  return order;
}

// A line of numbers with a whole sum, rounded to whole numbers with the same sum: those furthest
// from their rounding give way.
std::vector<int64_t> round_preserving_sum(std::span<const double> values) {
  std::vector<double> rounded, rest;
  for (const double value : values) {
    rounded.push_back(std::nearbyint(value));
    rest.push_back(value - rounded.back());
  }
  const double goal = std::nearbyint(pairwise_sum(values));
  double missing = goal - pairwise_sum(rounded);
  while (missing != 0) {
    const double step = missing < 0 ? -1 : 1;
    auto order = ascending(rest);
    if (step > 0) std::ranges::reverse(order);
    const auto changes = std::min(order.size(), static_cast<size_t>(std::abs(missing)));
    for (size_t i = 0; i < changes; ++i) rounded[order[i]] += step;
    for (size_t i = 0; i < rest.size(); ++i) rest[i] = values[i] - rounded[i];
    missing = goal - pairwise_sum(rounded);
  }
  return {rounded.begin(), rounded.end()};
}

// How many rows of label `given` are to be pruned as being `guess` (the diagonal: are kept).
// [guess][given]
class PruneCounts {
 public:
  PruneCounts(const ConfidentJoint& joint, const IssueOptions& options)
      : classes_(joint.classes), counts_(joint.counts.size()) {
    for (int64_t given = 0; given < classes_; ++given) fill(joint, given, options);
  }
  int64_t at(int64_t guess, int64_t given) const { return counts_[guess * classes_ + given]; }

 private:
  // Each label keeps at least so many rows, taken evenly from what is to be pruned of it, of which
  // then only the fraction that was asked for goes.
  void fill(const ConfidentJoint& joint, int64_t given, const IssueOptions& options) {
    const auto kept = joint.at(given, given);
    const auto least = std::max(kept, options.min_examples_per_class);
    int64_t nonzero = 0;
    for (int64_t guess = 0; guess < classes_; ++guess) nonzero += joint.at(given, guess) != 0;
    const double share =
        static_cast<double>(least - kept) / static_cast<double>(std::max<int64_t>(nonzero - 1, 1));
    std::vector<double> spared(classes_);  // by the fraction; the diagonal: none
    for (int64_t guess = 0; guess < classes_; ++guess) {
      if (guess == given) continue;
      const double pruned = std::max(0.0, static_cast<double>(joint.at(given, guess)) - share);
      const double reduced = pruned * options.frac_noise;
      spared[guess] = pruned - reduced;
      set(guess, given, reduced);
    }
    set(given, given, static_cast<double>(least) + pairwise_sum(spared));
  }
  void set(int64_t guess, int64_t given, double count) {
    counts_[guess * classes_ + given] = static_cast<int64_t>(count);
  }

  int64_t classes_;
  std::vector<int64_t> counts_;
};

using Mask = std::vector<bool>;

// Of each label, the rows with the smallest probability of it.
Mask prune_by_class(const LabelledProbabilities& data, const PruneCounts& prune,
                    const IssueOptions& options) {
  Mask mask(data.labels.size());
  for (int64_t label = 0; label < data.classes; ++label) {
    const auto rows = rows_with(data, label);
    const auto count = std::ssize(rows);
    const auto issues = count - prune.at(label, label);
    if (count <= options.min_examples_per_class || count < 2 || issues < 1) continue;
    std::vector<double> own;
    for (const auto row : rows) own.push_back(data.of_label(row));
    const auto order = ascending(own);
    for (int64_t i = 0; i < std::min(issues, count); ++i) mask[rows[order[i]]] = true;
  }
  return mask;
}

// Of each pair of labels, the rows that are furthest on the other's side.
Mask prune_by_noise_rate(const LabelledProbabilities& data, const PruneCounts& prune,
                         const IssueOptions& options) {
  Mask mask(data.labels.size());
  for (int64_t label = 0; label < data.classes; ++label) {
    const auto rows = rows_with(data, label);
    const auto count = std::ssize(rows);
    if (count <= options.min_examples_per_class || count < 2) continue;
    for (int64_t other = 0; other < data.classes; ++other) {
      const auto issues = prune.at(other, label);
      if (other == label || issues <= 0) continue;
      std::vector<double> nearness;
      for (const auto row : rows) nearness.push_back(-(data.row(row)[other] - data.of_label(row)));
      const auto order = ascending(nearness);
      for (int64_t i = 0; i < std::min(issues, count); ++i) mask[rows[order[i]]] = true;
    }
  }
  return mask;
}

Mask pruned(const LabelledProbabilities& data, const IssueOptions& options) {
  const PruneCounts prune(calibrated(confident_joint(data), label_counts(data)), options);
  if (options.filter_by == FilterBy::kPruneByClass) return prune_by_class(data, prune, options);
  auto mask = prune_by_noise_rate(data, prune, options);
  if (options.filter_by == FilterBy::kBoth) {
    const auto by_class = prune_by_class(data, prune, options);
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] && by_class[i];
  }
  return mask;
}

// The given label is the most probable one, or nearly.
bool agrees(const LabelledProbabilities& data, int64_t row) {
  const auto label = data.labels[row];
  std::vector<double> probabilities(data.row(row).begin(), data.row(row).end());
  probabilities[label] += kFuzz;
  return most_probable(probabilities) == label;
}

Mask without_agreeing(const LabelledProbabilities& data, Mask mask) {
  for (int64_t i = 0; i < data.rows(); ++i) mask[i] = mask[i] && !agrees(data, i);
  return mask;
}

Mask confidently_other(const LabelledProbabilities& data) {
  Mask mask(data.labels.size());
  for (const auto row : confident_joint(data).off_diagonal) mask[row] = true;
  return without_agreeing(data, std::move(mask));
}

Mask lowest(const LabelledProbabilities& data, LabelQuality method) {
  const auto other = confidently_other(data);
  const auto order = ascending(label_quality(data, method));
  Mask mask(data.labels.size());
  for (int64_t i = 0; i < std::ranges::count(other, true); ++i) mask[order[i]] = true;
  return mask;
}

double normalized_entropy(std::span<const double> probabilities) {
  std::vector<double> terms;
  for (const double p : probabilities) terms.push_back(p > 0 ? p * std::log(p) : 0);
  return -pairwise_sum(terms) / std::log(static_cast<double>(probabilities.size()));
}

double quality_of(const LabelledProbabilities& data, int64_t row, LabelQuality method) {
  const double own = data.of_label(row);
  if (method == LabelQuality::kSelfConfidence) return own;
  if (method == LabelQuality::kNormalizedMargin) {
    double other = -1;
    for (int64_t k = 0; k < data.classes; ++k) {
      if (k != data.labels[row]) other = std::max(other, data.row(row)[k]);
    }
    return (own - other + 1) / 2;
  }
  const double weighted = normalized_entropy(data.row(row)) / std::max(own, kLeastConfidence);
  return std::log(weighted + 1) / std::max(weighted, kLeastConfidence);
}

}  // namespace

double pairwise_sum(std::span<const double> values) {
  const auto n = values.size();
  if (n < 8) return std::accumulate(values.begin(), values.end(), 0.0);
  if (n > 128) {
    auto half = n / 2;
    half -= half % 8;
    return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
  }
  std::array<double, 8> sums{};
  std::copy_n(values.begin(), 8, sums.begin());
  size_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (size_t k = 0; k < 8; ++k) sums[k] += values[i + k];
  }
  double sum =
      ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  for (; i < n; ++i) sum += values[i];
  return sum;
}

int64_t most_probable(std::span<const double> probabilities) {
  return std::ranges::max_element(probabilities) - probabilities.begin();
}

std::vector<int64_t> label_counts(const LabelledProbabilities& data) {
  std::vector<int64_t> counts(data.classes);
  for (const auto label : data.labels) ++counts[label];
  return counts;
}

std::vector<double> confident_thresholds(const LabelledProbabilities& data) {
  std::vector<std::vector<double>> own(data.classes);
  for (int64_t i = 0; i < data.rows(); ++i) own[data.labels[i]].push_back(data.of_label(i));
  std::vector<double> thresholds;
  for (const auto& values : own) {
    const double mean = values.empty() ? kOfMissingClass
                                       : pairwise_sum(values) / static_cast<double>(values.size());
    thresholds.push_back(std::max(mean, kLeastThreshold));
  }
  return thresholds;
}

ConfidentJoint confident_joint(const LabelledProbabilities& data) {
  const auto thresholds = confident_thresholds(data);
  ConfidentJoint joint{.classes = data.classes,
                       .counts = std::vector<int64_t>(data.classes * data.classes),
                       .off_diagonal = {}};
  for (int64_t i = 0; i < data.rows(); ++i) {
    const auto row = data.row(i);
    int64_t confident = 0, guess = 0;
    for (int64_t k = data.classes - 1; k >= 0; --k) {
      if (row[k] < thresholds[k] - kFuzz) continue;
      ++confident;
      guess = k;
    }
    if (confident == 0) continue;
    if (confident > 1) guess = most_probable(row);
    ++joint.at(data.labels[i], guess);
    if (guess != data.labels[i]) joint.off_diagonal.push_back(i);
  }
  for (int64_t k = 0; k < data.classes; ++k) joint.at(k, k) = std::max<int64_t>(joint.at(k, k), 1);
  return joint;
}

ConfidentJoint calibrated(const ConfidentJoint& joint, std::span<const int64_t> label_counts) {
  const auto classes = joint.classes;
  std::vector<double> scaled(joint.counts.size());  // [guess][given], as numpy sums it
  for (int64_t given = 0; given < classes; ++given) {
    int64_t sum = 0;
    for (int64_t guess = 0; guess < classes; ++guess) sum += joint.at(given, guess);
    for (int64_t guess = 0; guess < classes; ++guess) {
      scaled[guess * classes + given] = static_cast<double>(joint.at(given, guess)) /
                                        std::max(static_cast<double>(sum), kTiny) *
                                        static_cast<double>(label_counts[given]);
    }
  }
  const double sum = std::max(pairwise_sum(scaled), kTiny);
  const auto rows = std::accumulate(label_counts.begin(), label_counts.end(), int64_t{0});
  ConfidentJoint result{.classes = classes, .counts = {}, .off_diagonal = joint.off_diagonal};
  for (int64_t given = 0; given < classes; ++given) {
    std::vector<double> line;
    for (int64_t guess = 0; guess < classes; ++guess)
      line.push_back(scaled[guess * classes + given] / sum * static_cast<double>(rows));
    const auto rounded = round_preserving_sum(line);
    result.counts.insert(result.counts.end(), rounded.begin(), rounded.end());
  }
  return result;
}

std::vector<double> label_quality(const LabelledProbabilities& data, LabelQuality method) {
  std::vector<double> quality;
  for (int64_t i = 0; i < data.rows(); ++i) quality.push_back(quality_of(data, i, method));
  return quality;
}

std::vector<bool> find_label_issues(const LabelledProbabilities& data,
                                    const IssueOptions& options) {
  TUNEWRIGHT_ASSERT(data.classes >= 2);
  switch (options.filter_by) {
    case FilterBy::kPruneByNoiseRate:
    case FilterBy::kPruneByClass:
    case FilterBy::kBoth:
      return without_agreeing(data, pruned(data, options));
    case FilterBy::kConfidentLearning:
      return confidently_other(data);
    case FilterBy::kPredictedNeqGiven:
      return without_agreeing(data, Mask(data.labels.size(), true));
    case FilterBy::kLowNormalizedMargin:
      return lowest(data, LabelQuality::kNormalizedMargin);
    case FilterBy::kLowSelfConfidence:
      return lowest(data, LabelQuality::kSelfConfidence);
  }
  throw InternalError("a filter without a rule");
}

}  // namespace tunewright::corpus
