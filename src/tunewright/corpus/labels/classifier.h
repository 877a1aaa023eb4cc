#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tunewright/corpus/labels/text_features.h"

// Small linear classifiers: what gives out-of-sample probabilities where no model's are at hand.
// N rows, K classes.
namespace tunewright::corpus {

enum class ClassifierKind { kLogisticRegression, kNaiveBayes };
inline constexpr std::array kClassifierNames = {
    std::pair{"logistic_regression", ClassifierKind::kLogisticRegression},
    std::pair{"naive_bayes", ClassifierKind::kNaiveBayes}};

struct ClassifierOptions {
  ClassifierKind kind = ClassifierKind::kLogisticRegression;
  double inverse_regularization = 1;  // scikit-learn's C; of the logistic regression
  double smoothing = 1;               // scikit-learn's alpha; of naive Bayes
  double tolerance = 1e-4;            // of the gradient of the mean loss
};

struct TrainingRows {
  const FeatureMatrix& features;
  std::span<const int32_t> labels;  // [N]; below `classes`
  int64_t classes = 0;
  std::span<const int64_t> rows;  // those that are learnt from
};

// Learns from `train` and gives the probabilities of each of `asked`, [asked, K].  Logistic
// regression is the softmax one with an L2 penalty on all weights but the intercepts
// (scikit-learn's, three classes and more); naive Bayes the multinomial one, on counts.  A class
// without training rows has probability 0.
std::vector<double> learn_and_predict(const TrainingRows& train, std::span<const int64_t> asked,
                                      const ClassifierOptions& options);

// Probabilities of every row from a model that has not seen it, [N, K]: `folds` models, each class
// spread over the folds by `seed`.
std::vector<double> cross_validated(const FeatureMatrix& features, std::span<const int32_t> labels,
                                    int64_t classes, int64_t folds, uint64_t seed,
                                    const ClassifierOptions& options);

}  // namespace tunewright::corpus
