#include "tunewright/metrics/prediction_row.h"

#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::metrics {
namespace {

[[noreturn]] void fail(const std::string& where, const char* key, const char* expected,
                       const Json& got) {
  throw UserError(
      str(where, ": ", key, ": expected ", expected, ", got ", excerpt(dump_json(got))));
}

template <class T>
const T& given(const std::optional<T>& value, const PredictionRow& row, const char* what) {
  if (!value) throw UserError(str(row.where, ": the metric needs ", what));
  return *value;
}

bool is_plain(const Json& value) {
  return value.is_string() || value.is_number() || value.is_boolean();
}

std::string plain_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::vector<std::string> strings(const Json& list, const std::string& where, const char* key,
                                 const char* expected) {
  std::vector<std::string> out;
  for (const auto& item : list) {
    if (!item.is_string()) fail(where, key, expected, item);
    out.push_back(item.get<std::string>());
  }
  return out;
}

void read_prediction(const Json& value, PredictionRow& row) {
  if (value.is_array()) {
    row.predicted_tags = strings(value, row.where, "prediction", "a list of tags (strings)");
  } else if (is_plain(value)) {
    row.prediction = plain_text(value);
  } else {
    fail(row.where, "prediction", "text, a label, or a list of tags", value);
  }
}

void read_reference(const Json& value, PredictionRow& row) {
  if (value.is_array()) {
    row.reference_tags =
        strings(value, row.where, "reference", "a list of tags (strings); texts are references");
  } else if (is_plain(value)) {
    row.references = {plain_text(value)};
  } else {
    fail(row.where, "reference", "text, a label, or a list of tags", value);
  }
}

void read_references(const Json& value, PredictionRow& row) {
  if (!value.is_array() || value.empty())
    fail(row.where, "references", "a list of one or more texts", value);
  row.references = strings(value, row.where, "references", "a list of texts");
}

void read_probabilities(const Json& value, PredictionRow& row) {
  if (!value.is_object() || value.empty())
    fail(row.where, "probabilities", "{label: probability, …}", value);
  for (const auto& [label, probability] : value.items()) {
    const bool fits = probability.is_number() && std::isfinite(probability.get<double>()) &&
                      probability.get<double>() >= 0 && probability.get<double>() <= 1;
    if (!fits) fail(row.where, "probabilities", "numbers from 0 to 1", probability);
    row.probabilities.emplace_back(label, probability.get<double>());
  }
}

void read_logprobs(const Json& value, PredictionRow& row) {
  constexpr const char* kExpected = "a list of log-probabilities (numbers up to 0, or null)";
  if (!value.is_array()) fail(row.where, "token_logprobs", kExpected, value);
  constexpr double kRounding = 1e-4;  // of a certain token's probability, in half precision
  Likelihood found;
  for (const auto& one : value) {
    if (one.is_null()) {
      ++found.unscored;
      continue;
    }
    const bool fits =
        one.is_number() && std::isfinite(one.get<double>()) && one.get<double>() <= kRounding;
    if (!fits) fail(row.where, "token_logprobs", kExpected, one);
    found.logprob += one.get<double>();
    ++found.tokens;
  }
  row.likelihood = std::move(found);
}

void read_scored_text(const Json& value, PredictionRow& row) {
  if (!row.likelihood) return;  // means something else here
  if (!value.is_string()) fail(row.where, "text", "the text that was scored", value);
  row.likelihood->text = value.get<std::string>();
}

}  // namespace

const std::string& PredictionRow::text() const {
  return given(prediction, *this, "a 'prediction' that is text");
}

const std::vector<std::string>& PredictionRow::own_tags() const {
  return given(predicted_tags, *this, "a 'prediction' that is a list of tags");
}

const std::vector<std::string>& PredictionRow::wanted_tags() const {
  return given(reference_tags, *this, "a 'reference' that is a list of tags");
}

PredictionRow to_prediction_row(const Json& object, std::string where) {
  PredictionRow row{.where = std::move(where)};
  if (object.contains("reference") && object.contains("references")) {
    throw UserError(str(row.where, ": both 'reference' and 'references'; keep one"));
  }
  const auto read = [&](const char* key, void (*use)(const Json&, PredictionRow&)) {
    if (const auto it = object.find(key); it != object.end()) use(*it, row);
  };
  read("prediction", read_prediction);
  read("reference", read_reference);
  read("references", read_references);
  read("probabilities", read_probabilities);
  read("token_logprobs", read_logprobs);
  read("text", read_scored_text);
  return row;
}

}  // namespace tunewright::metrics
