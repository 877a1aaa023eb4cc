#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tunewright/eval/figure.h"
#include "tunewright/eval/items.h"
#include "tunewright/eval/lm_eval_config.h"

namespace tunewright::eval {

// What is right about a document, as its fields say.
struct LmEvalGold {
  std::vector<std::string> choices;     // multiple_choice
  std::vector<int64_t> right;           // indices of the right choices
  std::vector<std::string> references;  // generate_until
  double words = 0, bytes = 0;          // loglikelihood_rolling
  Json doc;                             // for the known functions
};

// A task's figures and the rule that fills their columns.
struct LmEvalScoring {
  std::vector<Figure> figures;  // over all rows, in the order of the file
  std::function<void(const LmEvalGold& gold, const ItemResult& result, RowScore& score,
                     std::string& answer)>
      judge;
};

// Unknown metrics, and those that do not fit the output type, are UserErrors that name what fits.
LmEvalScoring lm_eval_scoring(const LmEvalConfig& config);

// The answer after a pipeline of filters: regex, take_first, lowercase, uppercase,
// remove_whitespace, map.
std::string apply_filters(const LmEvalPipeline& pipeline, std::string answer,
                          const std::string& where);

// Hugging Face evaluate's exact_match with the options of the task file.
bool lm_eval_exact_match(std::string prediction, std::string reference, const Json& options,
                         const std::string& where);

}  // namespace tunewright::eval
