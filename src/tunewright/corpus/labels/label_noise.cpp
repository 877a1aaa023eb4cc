#include "tunewright/corpus/labels/label_noise.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <variant>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/field_value.h"

namespace tunewright::corpus {
namespace {

constexpr double kFuzz = 1e-6;  // how far outside of 0 to 1 a probability may be

using Named = std::vector<std::pair<std::string, double>>;

// "0", "1", …, or an object's own names.
std::variant<Named, std::string> read_probabilities(const Json& value, double sum_tolerance) {
  if (!value.is_object() && !value.is_array())
    return str("the probabilities are a ", type_name(value), ", not an object");
  Named named;
  double sum = 0;
  size_t i = 0;
  for (const auto& [key, p] : value.items()) {
    const auto name = value.is_array() ? str(i++) : key;
    if (!p.is_number())
      return str("the probability of '", excerpt(name), "' is ", excerpt(dump_json(p)));
    const auto number = p.get<double>();
    if (!(number >= -kFuzz && number <= 1 + kFuzz))
      return str("the probability of '", excerpt(name), "' is ", number, ", not from 0 to 1");
    named.emplace_back(name, number);
    sum += number;
  }
  if (std::abs(sum - 1) > sum_tolerance) return str("the probabilities sum to ", sum, ", not to 1");
  return named;
}

// The texts without the label: it must not teach itself.
std::string features_of(const Document& document, const std::string& label) {
  std::string text;
  bool found = false;
  for (const auto& part : document.texts()) {
    if (!found && part == label) {
      found = true;
      continue;
    }
    (text += part) += '\n';
  }
  return text;
}

std::optional<int64_t> as_index(const std::string& name) {
  if (name.empty() || name.size() > 9 || (name.size() > 1 && name[0] == '0')) return std::nullopt;
  if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return std::stoll(name);
}

// 2 before 10 where all are numbers.
void sort_classes(std::vector<std::string>& classes) {
  std::ranges::sort(classes);
  if (!std::ranges::all_of(classes, [](const auto& name) { return as_index(name).has_value(); }))
    return;
  std::ranges::sort(classes, {}, [](const auto& name) { return *as_index(name); });
}

}  // namespace

struct LabelNoise::RowNotes final : Notes {
  std::vector<RowNote> rows;
};

LabelNoise::LabelNoise(const LabelNoiseOptions& options) : options_(options) {
  const auto check = [](bool good, const char* name, const auto& got, const char* expected) {
    if (!good) throw UserError(str(name, ": expected ", expected, ", got ", got));
  };
  const auto& issues = options.issues;
  check(issues.frac_noise >= 0 && issues.frac_noise <= 1, "frac_noise", issues.frac_noise,
        "a share from 0 to 1");
  check(issues.min_examples_per_class >= 0, "min_examples_per_class", issues.min_examples_per_class,
        "no negative count");
  check(options.folds >= 2 && options.folds <= 1000, "folds", options.folds, "2 to 1000");
  check(options.columns >= 2 && options.columns <= int64_t{1} << 24, "columns", options.columns,
        "2 to 16777216");
  check(options.classifier.inverse_regularization > 0, "inverse_regularization",
        options.classifier.inverse_regularization, "a number above 0");
  check(options.classifier.smoothing > 0, "smoothing", options.classifier.smoothing,
        "a number above 0");
  check(options.sum_tolerance >= 0, "sum_tolerance", options.sum_tolerance, "0 or more");
}

std::unique_ptr<Step::Notes> LabelNoise::read(const Batch& batch) const {
  auto notes = std::make_unique<RowNotes>();
  const bool may_have_field = options_.probabilities_from != ProbabilitySource::kClassifier;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto& document = batch.documents[i];
    RowNote note{.row = batch.rows[i]};
    note.label_json = document.field(options_.label_field);
    note.label = name_of(note.label_json);
    const auto field = may_have_field ? document.field(options_.probabilities_field) : Json();
    if (!field.is_null()) {
      auto read = read_probabilities(field, options_.sum_tolerance);
      if (auto* named = std::get_if<Named>(&read)) note.probabilities = std::move(*named);
      if (auto* problem = std::get_if<std::string>(&read)) note.problem = std::move(*problem);
    } else if (note.label && options_.probabilities_from != ProbabilitySource::kField) {
      note.features = text_features(features_of(document, *note.label), options_.columns);
    }
    notes->rows.push_back(std::move(note));
  }
  return notes;
}

int32_t LabelNoise::number_of(const std::string& name) {
  const auto [it, fresh] = numbers_.try_emplace(name, static_cast<int32_t>(names_.size()));
  if (fresh) names_.push_back(name);
  return it->second;
}

void LabelNoise::collect(std::unique_ptr<Notes> notes) {
  for (auto& note : dynamic_cast<RowNotes&>(*notes).rows) {
    if (!note.label) {
      unusable_[note.row] = str("no label in `", options_.label_field, "`");
      continue;
    }
    labels_.try_emplace(*note.label, note.label_json);
    const LabelledRow row{note.row, number_of(*note.label)};
    if (!note.problem.empty()) {
      has_field_ = true;
      unusable_[note.row] = std::move(note.problem);
    } else if (note.probabilities) {
      has_field_ = true;
      field_rows_.rows.push_back(row);
      for (const auto& [name, p] : *note.probabilities)
        field_rows_.values.emplace_back(number_of(name), p);
      field_rows_.begins.push_back(std::ssize(field_rows_.values));
    } else {
      text_rows_.rows.push_back(row);
      text_rows_.features.add(note.features.indices, note.features.values);
    }
  }
}

std::vector<int32_t> LabelNoise::sort_names(const std::vector<bool>& is_class) {
  for (size_t i = 0; i < names_.size(); ++i) {
    if (is_class[i]) classes_.push_back(names_[i]);
  }
  sort_classes(classes_);
  std::vector<int32_t> places(names_.size(), -1);
  for (size_t k = 0; k < classes_.size(); ++k)
    places[numbers_.at(classes_[k])] = static_cast<int32_t>(k);
  data_.classes = std::ssize(classes_);
  return places;
}

void LabelNoise::take_field_rows() {
  for (const auto& row : text_rows_.rows)
    unusable_[row.row] = str("no probabilities in `", options_.probabilities_field, "`");
  std::vector<bool> is_class(names_.size());
  for (const auto& [name, p] : field_rows_.values) is_class[name] = true;
  const auto places = sort_names(is_class);
  for (size_t i = 0; i < field_rows_.rows.size(); ++i) {
    const auto [row, name] = field_rows_.rows[i];
    if (places[name] < 0) {
      unusable_[row] = str("the label '", excerpt(names_[name]), "' has no probability in any row");
      continue;
    }
    rows_.push_back(row);
    data_.labels.push_back(places[name]);
    const auto begin = data_.values.size();
    data_.values.resize(begin + classes_.size());
    for (auto at = field_rows_.begins[i]; at < field_rows_.begins[i + 1]; ++at)
      data_.values[begin + places[field_rows_.values[at].first]] = field_rows_.values[at].second;
  }
}

void LabelNoise::predict_text_rows(Reporter& reporter) {
  std::vector<bool> is_class(names_.size());
  for (const auto& row : text_rows_.rows) is_class[row.name] = true;
  const auto places = sort_names(is_class);
  for (const auto& row : text_rows_.rows) {
    rows_.push_back(row.row);
    data_.labels.push_back(places[row.name]);
  }
  if (classes_.size() < 2) return;
  auto& features = text_rows_.features;
  features.columns = options_.columns;
  if (options_.classifier.kind == ClassifierKind::kLogisticRegression) scale_logarithmic(features);
  reporter.info(str("label-noise: ", options_.folds, " folds of a classifier over ",
                    features.rows(), " rows"));
  data_.values = cross_validated(features, data_.labels, data_.classes, options_.folds,
                                 static_cast<uint64_t>(options_.seed), options_.classifier);
}

void LabelNoise::decide(Reporter& reporter) {
  from_field_ = options_.probabilities_from == ProbabilitySource::kField || has_field_;
  if (from_field_) {
    take_field_rows();
  } else {
    predict_text_rows(reporter);
  }
  field_rows_ = {};
  text_rows_ = {};
  if (rows_.empty()) {
    throw UserError(str("no row can be used: ",
                        unusable_.empty() ? "there are none" : unusable_.begin()->second));
  }
  if (classes_.size() < 2) {
    throw UserError(str("there is only one class, '", excerpt(classes_.front()),
                        "'; doubtful labels can be found among two and more"));
  }
  issues_ = find_label_issues(data_, options_.issues);
  quality_ = label_quality(data_, options_.quality);
  if (!unusable_.empty()) {
    reporter.warn(str("label-noise: ", unusable_.size(), " rows cannot be used and are dropped (",
                      unusable_.begin()->second, ")"));
  }
}

Verdict LabelNoise::judge(Document& document, int64_t row) const {
  if (const auto it = unusable_.find(row); it != unusable_.end()) return dropped(it->second);
  const auto place = std::ranges::lower_bound(rows_, row) - rows_.begin();
  TUNEWRIGHT_ASSERT(place < std::ssize(rows_) && rows_[place] == row);
  const auto& given = classes_[data_.labels[place]];
  const auto& probable = classes_[most_probable(data_.row(place))];
  const auto known = labels_.find(probable);
  const auto suggested = known == labels_.end() ? Json(probable) : known->second;
  if (options_.action == LabelAction::kFlag) {
    document.set_field("label_issue", static_cast<bool>(issues_[place]));
    document.set_field("label_quality", quality_[place]);
    document.set_field("suggested_label", suggested);
  }
  if (!issues_[place])
    return options_.action == LabelAction::kFlag ? changed("label_checked") : Verdict{};
  auto reason = str("label_issue ", fixed(quality_[place], 4), ": '", excerpt(given),
                    "' is probably '", excerpt(probable), "'");
  if (options_.action == LabelAction::kDrop) return dropped(std::move(reason));
  if (options_.action == LabelAction::kRelabel) {
    const auto original = document.field(options_.label_field);
    document.set_field(options_.label_field, suggested);
    document.set_field("original_label", original);
  }
  return changed(std::move(reason));
}

Json LabelNoise::summary() const {
  const auto thresholds = confident_thresholds(data_);
  const auto counts = label_counts(data_);
  const auto joint = calibrated(confident_joint(data_), counts);
  std::vector<int64_t> found(classes_.size());
  int64_t right = 0;
  std::map<std::pair<size_t, size_t>, int64_t> pairs;
  for (int64_t i = 0; i < data_.rows(); ++i) {
    const auto label = static_cast<size_t>(data_.labels[i]);
    const auto probable = static_cast<size_t>(most_probable(data_.row(i)));
    right += label == probable ? 1 : 0;
    if (!issues_[i]) continue;
    ++found[label];
    ++pairs[{label, probable}];
  }
  Json classes = Json::array(), confusions = Json::array(), matrix = Json::array();
  for (size_t k = 0; k < classes_.size(); ++k) {
    classes.push_back({{"label", classes_[k]},
                       {"rows", counts[k]},
                       {"issues", found[k]},
                       {"threshold", counts[k] > 0 ? Json(thresholds[k]) : Json()}});
    Json line = Json::array();
    for (size_t j = 0; j < classes_.size(); ++j) line.push_back(joint.at(k, j));
    matrix.push_back(std::move(line));
  }
  for (const auto& [pair, rows] : pairs) {
    confusions.push_back(
        {{"given", classes_[pair.first]}, {"probably", classes_[pair.second]}, {"rows", rows}});
  }
  return {{"rows", data_.rows()},
          {"unusable_rows", unusable_.size()},
          {"issues", std::ranges::count(issues_, true)},
          {"probabilities_from", from_field_ ? "field" : "classifier"},
          {"accuracy", static_cast<double>(right) / static_cast<double>(data_.rows())},
          {"classes", classes},
          {"confident_joint", matrix},
          {"confusions", confusions}};
}

}  // namespace tunewright::corpus
