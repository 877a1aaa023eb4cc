#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::metrics {

// The log-probabilities of a text's tokens, summed up.
struct Likelihood {
  double logprob = 0;                // natural logarithm
  int64_t tokens = 0, unscored = 0;  // with one, and without (the first token of a text)
  std::optional<std::string> text;   // that the tokens spell
};

// A prediction beside what was wanted, as the command `metrics` reads it and tasks make it.
struct PredictionRow {
  std::string where;                      // opens every message about the row
  std::optional<std::string> prediction;  // text, or the name of a label
  std::vector<std::string> references;    // texts, or the name of one label; empty: none given
  std::optional<std::vector<std::string>> predicted_tags;  // one a token
  std::optional<std::vector<std::string>> reference_tags;
  std::vector<std::pair<std::string, double>> probabilities;  // of labels; empty: none given

  std::optional<Likelihood> likelihood;

  // What a metric reads; a UserError where the row has none.
  const std::string& text() const;
  const std::vector<std::string>& own_tags() const;
  const std::vector<std::string>& wanted_tags() const;
};

// {"prediction": …, "reference": … or "references": […], "probabilities": {label: p, …}}; text,
// numbers and true or false (as JSON writes them), and lists of strings (tags).
// {"token_logprobs": [null, -1.5, …], "text": …} of `tunewright score`.  Other keys are left alone.
// A wrong type is a UserError that opens with `where`.
PredictionRow to_prediction_row(const Json& row, std::string where);

}  // namespace tunewright::metrics
