#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tunewright/corpus/labels/classifier.h"
#include "tunewright/corpus/labels/confident_learning.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class LabelAction { kDrop, kFlag, kRelabel };
inline constexpr std::array kLabelActionNames = {std::pair{"drop", LabelAction::kDrop},
                                                 std::pair{"flag", LabelAction::kFlag},
                                                 std::pair{"relabel", LabelAction::kRelabel}};
enum class ProbabilitySource { kAuto, kField, kClassifier };
inline constexpr std::array kProbabilitySourceNames = {
    std::pair{"auto", ProbabilitySource::kAuto}, std::pair{"field", ProbabilitySource::kField},
    std::pair{"classifier", ProbabilitySource::kClassifier}};

struct LabelNoiseOptions {
  LabelAction action = LabelAction::kDrop;
  IssueOptions issues;
  LabelQuality quality = LabelQuality::kSelfConfidence;
  std::string label_field = "label";
  ProbabilitySource probabilities_from = ProbabilitySource::kAuto;
  std::string probabilities_field = "probabilities";
  double sum_tolerance = 0.05;  // what the sum of a row's probabilities may differ from 1
  ClassifierOptions classifier;
  int64_t folds = 5;
  int64_t columns = 1 << 16;  // of the hashed words
  int64_t seed = 42;
};

template <class V>
void fields(V& v, LabelNoiseOptions& o) {
  v.choice("action", o.action, kLabelActionNames,
           "What becomes of a row with a doubtful label; flag adds label_issue, label_quality and "
           "suggested_label to every row, relabel keeps original_label.");
  v.choice("filter_by", o.issues.filter_by, kFilterNames, "Rule, as cleanlab names it.");
  v("frac_noise", o.issues.frac_noise, "Share of the estimated noise to take; pruning rules.");
  v("min_examples_per_class", o.issues.min_examples_per_class,
    "Classes with no more rows are left alone by pruning rules.");
  v.choice("quality", o.quality, kQualityNames, "Score of a label, in the reason and the field.");
  v("label_field", o.label_field, "Field with the given label.");
  v.choice("probabilities_from", o.probabilities_from, kProbabilitySourceNames,
           "auto: from the field where any row has it, else from a cross-validated classifier.");
  v("probabilities_field", o.probabilities_field,
    "Field with out-of-sample probabilities: {label: p, ...}, or a list for labels 0, 1, ....");
  v("sum_tolerance", o.sum_tolerance, "How far from 1 the sum of a row's probabilities may be.");
  v.choice("classifier", o.classifier.kind, kClassifierNames, "Over hashed words and pairs.");
  v("inverse_regularization", o.classifier.inverse_regularization,
    "C of the logistic regression; larger fits closer.");
  v("smoothing", o.classifier.smoothing, "alpha of naive Bayes.");
  v("folds", o.folds, "Of the cross-validation.");
  v("columns", o.columns, "Buckets of the hashed words.");
  v("seed", o.seed, "Of the folds.");
}

// Finds labels that are probably wrong by confident learning.
class LabelNoise final : public Step {
 public:
  explicit LabelNoise(const LabelNoiseOptions& options);

  bool needs_text() const override {
    return options_.probabilities_from == ProbabilitySource::kClassifier;
  }
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  using Named = std::vector<std::pair<std::string, double>>;
  struct RowNote {
    int64_t row = 0;
    std::optional<std::string> label;
    Json label_json;
    std::optional<Named> probabilities;
    std::string problem;  // of the probabilities; empty: none
    TextFeatures features;
  };
  struct RowNotes;
  // A row with a label, while rows are read; names are numbered as they come.
  struct LabelledRow {
    int64_t row = 0;
    int32_t name = 0;
  };
  // What the rows say themselves, [N, few].
  struct FieldRows {
    std::vector<LabelledRow> rows;
    std::vector<int64_t> begins = {0};
    std::vector<std::pair<int32_t, double>> values;  // name and probability
  };
  // What can be learnt from their texts.
  struct TextRows {
    std::vector<LabelledRow> rows;
    FeatureMatrix features;
  };

  int32_t number_of(const std::string& name);
  // The place among the sorted classes of each name, -1 for a name that is none.
  std::vector<int32_t> sort_names(const std::vector<bool>& is_class);
  void take_field_rows();
  void predict_text_rows(Reporter& reporter);

  LabelNoiseOptions options_;
  bool has_field_ = false;  // of probabilities, in any row
  bool from_field_ = true;
  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t> numbers_;  // of names
  FieldRows field_rows_;
  TextRows text_rows_;
  std::map<int64_t, std::string> unusable_;  // row to reason
  // Of rows that can be used:
  std::vector<std::string> classes_;    // sorted
  std::map<std::string, Json> labels_;  // as the rows write them
  std::vector<int64_t> rows_;
  LabelledProbabilities data_;
  std::vector<bool> issues_;
  std::vector<double> quality_;
};

}  // namespace tunewright::corpus
