#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tunewright/data/render.h"
#include "tunewright/eval/figure.h"
#include "tunewright/eval/partial_results.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::eval {

// A text whose likelihood is asked after another one, tokenised as lm-evaluation-harness does: both
// as one text, white space at the end of the context counting to the continuation.  An empty
// context is the tokenizer's BOS, or its EOS where it has none.
struct Continuation {
  std::string context, text;
  // A conversation that ends with the user, rendered in place of `context`; the continuation is
  // then tokenised apart, as training does.  Null: none.
  Json messages = nullptr;
};

// What a row asks of the model.
struct Item {
  std::vector<Continuation> continuations;  // kLikelihood: the likelihood of each
  std::string text;  // kText: the likelihood of all of it; kGeneration: the prompt
};

struct ContinuationScore {
  double logprob = 0;
  bool is_greedy = false;  // it is what the model would have written
};

// What the model gave for an item.
struct ItemResult {
  std::vector<ContinuationScore> continuations;
  double logprob = 0;  // kText, of its tokens
  int64_t tokens = 0;  // kText
  std::string answer;  // kGeneration: what was written, ended before a stop string
};
Json to_json(const ItemResult& result);
ItemResult item_result(const Json& json);

// The items of a task and what they are worth.
struct Items {
  enum class Kind { kLikelihood, kText, kGeneration } kind = Kind::kLikelihood;
  std::vector<Item> items;         // of each row of the task
  std::vector<std::string> stops;  // kGeneration
  int64_t max_new_tokens = 256;    // kGeneration
  // Fills values, exact_match (1 where the answer is right) and the answer as people read it.
  std::function<void(size_t row, const ItemResult& result, RowScore& score, std::string& answer)>
      judge;
};

struct ItemRun {
  const data::TextModel& text;
  model::CausalLm& model;
  PartialResults& results;  // what is there already, and where each new one goes
  bool deterministic = false;
};
// Fills in what `results` lacks.  `on_done` is told how many of the items are finished.  A context
// that does not fit loses its beginning, as in lm-evaluation-harness; a continuation without tokens
// is a UserError that names the row by `describe_row`.
void run_items(const Items& items, const ItemRun& run,
               const std::function<std::string(size_t row)>& describe_row,
               const std::function<void(int64_t done)>& on_done);

// Tokens of a continuation with their context, as far as the model's positions go.
struct EncodedContinuation {
  std::vector<int32_t> ids;
  int64_t from = 0;  // the first token of the continuation
};
EncodedContinuation encode(const Continuation& continuation, const data::TextModel& text,
                           int64_t max_positions);

// The windows of a text as lm-evaluation-harness rolls over it: each token is scored once, with as
// many tokens before it as fit into a window that ends with the text's or the window's end.
std::vector<EncodedContinuation> rolling_windows(const std::vector<int32_t>& ids, int32_t prefix,
                                                 int64_t max_positions);

}  // namespace tunewright::eval
