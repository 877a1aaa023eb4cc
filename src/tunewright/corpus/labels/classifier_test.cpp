#include "tunewright/corpus/labels/classifier.h"

#include <cmath>

#include "tunewright/base/json.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::corpus {
namespace {

struct Golden {
  Json json = read_json(testing::source_path("tests/golden/corpus_labels.json"))["classifiers"];
  std::vector<int32_t> labels = json["labels"].get<std::vector<int32_t>>();
  std::vector<int64_t> train = json["train"].get<std::vector<int64_t>>();
  std::vector<int64_t> asked;
  FeatureMatrix features;

  Golden() {
    for (int64_t i = 0; i < std::ssize(labels); ++i) {
      if (std::ranges::find(train, i) == train.end()) asked.push_back(i);
    }
    features.columns = std::ssize(json["counts"][0]);
    for (const auto& row : json["counts"]) {
      std::vector<uint32_t> indices;
      std::vector<float> values;
      for (size_t k = 0; k < row.size(); ++k) {
        if (row[k] == 0) continue;
        indices.push_back(static_cast<uint32_t>(k));
        values.push_back(row[k].get<float>());
      }
      features.add(indices, values);
    }
  }

  void expect(const std::vector<double>& got, const Json& expected, double tolerance) const {
    for (size_t i = 0; i < asked.size(); ++i) {
      for (size_t k = 0; k < 3; ++k)
        EXPECT_NEAR(got[i * 3 + k], expected[i][k].get<double>(), tolerance) << i;
    }
  }
};

TEST(Classifier, NaiveBayesIsScikitLearns) {
  const Golden golden;
  const auto got = learn_and_predict({golden.features, golden.labels, 3, golden.train},
                                     golden.asked, {.kind = ClassifierKind::kNaiveBayes});
  golden.expect(got, golden.json["naive_bayes"], 1e-12);
}

// The tolerance: features here are float32, and scikit-learn stops where its loss stands still.
TEST(Classifier, LogisticRegressionIsScikitLearns) {
  Golden golden;
  scale_logarithmic(golden.features);
  for (const double inverse : {0.1, 1.0, 10.0}) {
    const auto got =
        learn_and_predict({golden.features, golden.labels, 3, golden.train}, golden.asked,
                          {.inverse_regularization = inverse, .tolerance = 1e-9});
    const auto key = inverse == 0.1 ? "0.1" : inverse == 1.0 ? "1.0" : "10.0";
    golden.expect(got, golden.json["logistic_regression"][key], 1e-5);
  }
}

TEST(Classifier, CrossValidationNeverSeesTheRowItself) {
  // Labels at random: a model that had seen them would know them by the one column of each row.
  Random random(3);
  FeatureMatrix features{.columns = 200};
  std::vector<int32_t> labels;
  for (uint32_t i = 0; i < 200; ++i) {
    features.add(std::vector<uint32_t>{i}, std::vector<float>{1});
    labels.push_back(static_cast<int32_t>(random.below(2)));
  }
  for (const auto kind : {ClassifierKind::kLogisticRegression, ClassifierKind::kNaiveBayes}) {
    const auto p = cross_validated(features, labels, 2, 5, 1, {.kind = kind});
    for (size_t i = 0; i < labels.size(); ++i) {
      EXPECT_NEAR(p[2 * i] + p[2 * i + 1], 1, 1e-12);
      EXPECT_NEAR(p[2 * i], p[0], 0.1);
    }
    EXPECT_EQ(p, cross_validated(features, labels, 2, 5, 1, {.kind = kind}));
  }
}

TEST(TextFeatures, WordsAndPairs) {
  const auto features = text_features("Éa b. éA B", 1 << 20);
  float sum = 0;
  for (const auto value : features.values) sum += value;
  EXPECT_EQ(features.indices.size(), 4U);  // éa, b, "éa b", "b éa"
  EXPECT_EQ(sum, 7);
  EXPECT_TRUE(text_features(" .,;", 16).indices.empty());
  EXPECT_LE(text_features("a b c d e f g h i j k l m n o p q r s t", 7).indices.size(), 7U);
}

}  // namespace
}  // namespace tunewright::corpus
