#include "tunewright/corpus/labels/confident_learning.h"

#include "tunewright/base/fields.h"
#include "tunewright/base/random.h"
#include "tunewright/base/test.h"

namespace tunewright::corpus {
namespace {

Json golden_cases() {
  return read_json(testing::source_path("tests/golden/corpus_labels.json"))["confident_learning"];
}

LabelledProbabilities read_case(const Json& golden) {
  LabelledProbabilities data;
  data.classes = std::ssize(golden["probabilities"][0]);
  data.labels = golden["labels"].get<std::vector<int32_t>>();
  for (const auto& row : golden["probabilities"]) {
    for (const auto& p : row) data.values.push_back(p.get<double>());
  }
  return data;
}

std::vector<int64_t> flatten(const Json& matrix) {
  std::vector<int64_t> values;
  for (const auto& row : matrix) {
    for (const auto& value : row) values.push_back(value.get<int64_t>());
  }
  return values;
}

IssueOptions read_options(const Json& json) {
  IssueOptions options;
  const auto filter_by = json["filter_by"].get<std::string>();
  for (const auto& [name, filter] : kFilterNames) {
    if (filter_by == name) options.filter_by = filter;
  }
  options.frac_noise = json.value("frac_noise", options.frac_noise);
  options.min_examples_per_class =
      json.value("min_examples_per_class", options.min_examples_per_class);
  return options;
}

TEST(ConfidentLearning, ThresholdsAndJointsAreCleanlabs) {
  for (const auto& golden : golden_cases()) {
    SCOPED_TRACE(golden["name"]);
    const auto data = read_case(golden);
    EXPECT_EQ(confident_thresholds(data), golden["thresholds"].get<std::vector<double>>());
    const auto joint = confident_joint(data);
    EXPECT_EQ(joint.counts, flatten(golden["joint"]));
    EXPECT_EQ(calibrated(joint, label_counts(data)).counts, flatten(golden["calibrated"]));
  }
}

TEST(ConfidentLearning, IssuesAreCleanlabs) {
  size_t runs = 0, found = 0;
  for (const auto& golden : golden_cases()) {
    const auto data = read_case(golden);
    for (const auto& run : golden["issues"]) {
      SCOPED_TRACE(golden["name"].get<std::string>() + " " + run["options"].dump());
      const auto mask = find_label_issues(data, read_options(run["options"]));
      std::vector<int64_t> rows;
      for (size_t i = 0; i < mask.size(); ++i) {
        if (mask[i]) rows.push_back(static_cast<int64_t>(i));
      }
      EXPECT_EQ(rows, run["rows"].get<std::vector<int64_t>>());
      ++runs;
      found += rows.size();
    }
  }
  EXPECT_GT(runs, 200U);
  EXPECT_GT(found, 1000U);
}

TEST(ConfidentLearning, QualityIsCleanlabs) {
  for (const auto& golden : golden_cases()) {
    SCOPED_TRACE(golden["name"]);
    for (const auto& [name, method] : kQualityNames) {
      const auto quality = label_quality(read_case(golden), method);
      const auto expected = golden["quality"][name].get<std::vector<double>>();
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(quality[i], expected[i], 1e-12) << name << " of row " << i;  // logarithms
    }
  }
}

// Probabilities of few digits: equal ones all over.
TEST(ConfidentLearning, CalibrationKeepsTheCountsOfTheLabels) {
  Random random(5);
  for (int trial = 0; trial < 300; ++trial) {
    LabelledProbabilities data{
        .classes = 2 + static_cast<int64_t>(random.below(9)), .values = {}, .labels = {}};
    for (uint64_t i = 0, rows = 1 + random.below(40); i < rows; ++i) {
      data.labels.push_back(static_cast<int32_t>(random.below(data.classes)));
      for (int64_t k = 0; k < data.classes; ++k)
        data.values.push_back(static_cast<double>(random.below(5)) / 4);
    }
    const auto counts = label_counts(data);
    const auto joint = calibrated(confident_joint(data), counts);
    for (int64_t given = 0; given < data.classes; ++given) {
      int64_t sum = 0;
      for (int64_t guess = 0; guess < data.classes; ++guess) sum += joint.at(given, guess);
      EXPECT_EQ(sum, counts[given]);
    }
    for (const auto& [name, filter] : kFilterNames) {
      const auto mask = find_label_issues(data, {.filter_by = filter});
      EXPECT_EQ(std::ssize(mask), data.rows());
    }
  }
}

TEST(ConfidentLearning, PairwiseSumIsNumpys) {
  // numpy.full(n, 0.1).sum() for n = 7, 8, 100, 129, 1000.
  const std::vector<std::pair<size_t, double>> sums = {{7, 0.7},
                                                       {8, 0.8},
                                                       {100, 9.999999999999998},
                                                       {129, 12.899999999999999},
                                                       {1000, 100.00000000000001}};
  for (const auto& [count, sum] : sums)
    EXPECT_EQ(pairwise_sum(std::vector<double>(count, 0.1)), sum) << count;
}

}  // namespace
}  // namespace tunewright::corpus
