#include "tunewright/corpus/labels/classifier.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/random.h"
#include "tunewright/base/system.h"
#include "tunewright/corpus/labels/minimize.h"

namespace tunewright::corpus {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

// A weight for each pair of column and class, and behind them the intercepts: [columns + 1, K].
using Weights = std::vector<double>;

void softmax(std::span<double> scores) {
  const double most = *std::ranges::max_element(scores);
  double sum = 0;
  for (auto& score : scores) sum += score = std::exp(score - most);
  for (auto& score : scores) score /= sum;
}

// Of the `out.size()` classes.
void predict(const FeatureMatrix::Row& row, std::span<const double> weights,
             const std::vector<bool>& possible, std::span<double> out) {
  const auto classes = out.size();
  const auto intercepts = weights.last(classes);
  for (size_t k = 0; k < classes; ++k) out[k] = possible[k] ? intercepts[k] : kImpossible;
  for (size_t i = 0; i < row.indices.size(); ++i) {
    const auto column = weights.subspan(row.indices[i] * classes, classes);
    for (size_t k = 0; k < classes; ++k) out[k] += row.values[i] * column[k];
  }
  softmax(out);
}

std::vector<bool> classes_in(const TrainingRows& train) {
  std::vector<bool> present(train.classes);
  for (const auto row : train.rows) present[train.labels[row]] = true;
  return present;
}

// The sum of losses times C plus half the squared weights, all divided by C N.
double regression_loss(const TrainingRows& train, const std::vector<bool>& possible, double inverse,
                       std::span<const double> weights, std::span<double> gradient) {
  const auto classes = static_cast<size_t>(train.classes);
  const auto penalized = weights.size() - classes;
  const auto rows = static_cast<double>(train.rows.size());
  const double share = 1 / (inverse * rows);
  std::ranges::fill(gradient, 0);
  double loss = 0;
  std::vector<double> error(classes);
  for (const auto i : train.rows) {
    const auto row = train.features.row(i);
    predict(row, weights, possible, error);
    const auto label = static_cast<size_t>(train.labels[i]);
    loss -= std::log(std::max(error[label], 1e-300));
    error[label] -= 1;
    for (size_t n = 0; n < row.indices.size(); ++n) {
      const auto column = gradient.subspan(row.indices[n] * classes, classes);
      for (size_t k = 0; k < classes; ++k) column[k] += row.values[n] * error[k];
    }
    for (size_t k = 0; k < classes; ++k) gradient[penalized + k] += error[k];
  }
  double squares = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    gradient[i] /= rows;
    if (i >= penalized) continue;
    squares += weights[i] * weights[i];
    gradient[i] += share * weights[i];
  }
  return loss / rows + share * squares / 2;
}

Weights learn_regression(const TrainingRows& train, const std::vector<bool>& possible,
                         const ClassifierOptions& options) {
  Weights weights((train.features.columns + 1) * train.classes);
  minimize(
      [&](std::span<const double> at, std::span<double> gradient) {
        return regression_loss(train, possible, options.inverse_regularization, at, gradient);
      },
      weights, options.tolerance);
  return weights;
}

Weights learn_naive_bayes(const TrainingRows& train, const ClassifierOptions& options) {
  Weights counts((train.features.columns + 1) * train.classes);
  const auto classes = static_cast<size_t>(train.classes);
  std::vector<double> rows(classes), totals(classes);
  for (const auto i : train.rows) {
    const auto label = static_cast<size_t>(train.labels[i]);
    const auto row = train.features.row(i);
    ++rows[label];
    for (size_t n = 0; n < row.indices.size(); ++n)
      counts[row.indices[n] * classes + label] += row.values[n];
  }
  const auto entries = counts.size() - classes;
  for (size_t i = 0; i < entries; ++i) totals[i % classes] += counts[i] += options.smoothing;
  for (size_t i = 0; i < entries; ++i) counts[i] = std::log(counts[i] / totals[i % classes]);
  for (size_t k = 0; k < classes; ++k)
    counts[entries + k] = std::log(rows[k] / static_cast<double>(train.rows.size()));
  return counts;
}

// Each row's fold: the rows of a class are shuffled and dealt in turn, each class going on where
// the one before it ended.
std::vector<int64_t> deal_folds(std::span<const int32_t> labels, int64_t classes, int64_t folds,
                                uint64_t seed) {
  std::vector<std::vector<int64_t>> of_class(classes);
  for (size_t i = 0; i < labels.size(); ++i) of_class[labels[i]].push_back(static_cast<int64_t>(i));
  Random random(seed, stream_id("folds"));
  std::vector<int64_t> fold_of(labels.size());
  int64_t next = 0;
  for (auto& rows : of_class) {
    shuffle(rows, random);
    for (const auto row : rows) fold_of[row] = next++ % folds;
  }
  return fold_of;
}

struct Fold {
  std::vector<int64_t> train, asked;
};

}  // namespace

std::vector<double> learn_and_predict(const TrainingRows& train, std::span<const int64_t> asked,
                                      const ClassifierOptions& options) {
  const auto possible = classes_in(train);
  const auto weights = options.kind == ClassifierKind::kNaiveBayes
                           ? learn_naive_bayes(train, options)
                           : learn_regression(train, possible, options);
  std::vector<double> probabilities(asked.size() * train.classes);
  for (size_t i = 0; i < asked.size(); ++i) {
    predict(train.features.row(asked[i]), weights, possible,
            std::span(probabilities).subspan(i * train.classes, train.classes));
  }
  return probabilities;
}

std::vector<double> cross_validated(const FeatureMatrix& features, std::span<const int32_t> labels,
                                    int64_t classes, int64_t folds, uint64_t seed,
                                    const ClassifierOptions& options) {
  const auto fold_of = deal_folds(labels, classes, folds, seed);
  std::vector<Fold> parts(folds);
  for (int64_t i = 0; i < std::ssize(fold_of); ++i) {
    for (int64_t fold = 0; fold < folds; ++fold)
      (fold_of[i] == fold ? parts[fold].asked : parts[fold].train).push_back(i);
  }
  OrderedWorkers<const Fold*, std::vector<double>> workers(
      std::min(folds, core_count()), [&](const Fold*& fold) {
        return learn_and_predict({features, labels, classes, fold->train}, fold->asked, options);
      });
  for (const auto& fold : parts) workers.put(&fold);
  std::vector<double> all(labels.size() * classes);
  for (const auto& fold : parts) {
    const auto probabilities = workers.take();
    for (size_t i = 0; i < fold.asked.size(); ++i) {
      std::copy_n(probabilities.begin() + static_cast<int64_t>(i) * classes, classes,
                  all.begin() + fold.asked[i] * classes);
    }
  }
  return all;
}

}  // namespace tunewright::corpus
