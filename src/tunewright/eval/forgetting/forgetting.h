#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/data/render.h"
#include "tunewright/eval/bootstrap.h"
#include "tunewright/eval/task.h"

//   M tokens of the neutral answers, D hidden size, V vocabulary
namespace tunewright::eval {

// The general set as tokens, the same for both models.
struct GeneralInput {
  struct Text {
    std::vector<int32_t> ids;
    std::string domain;
  };
  struct Choice {
    std::vector<int32_t> ids;
    int64_t from = 1;   // where the choice begins
    int64_t bytes = 0;  // of the choice
  };
  struct Prompt {
    std::vector<int32_t> ids;
    int64_t from = 1;  // where the answer begins
  };
  std::vector<Text> texts;
  std::vector<Choice> choices;  // four a question, the right one first
  std::vector<Prompt> prompts;

  // Rendered by `text`'s template where it has one.
  static GeneralInput of(const data::TextModel& text);
};

// A UserError unless both models cut text into the same tokens: only then can what one forgot of
// the other be measured.
void require_same_tokens(const data::TextModel& model, const data::TextModel& baseline);

// Answers to the format probes under a model's own chat template.
struct FormatRun {
  int64_t probes = 0;
  int64_t ended = 0;   // with an end-of-turn token, before the limit
  int64_t leaked = 0;  // with parts of the template in the text
  int64_t kept = 0;    // ended, and nothing leaked
};

// What one model does with the general set.
struct GeneralRun {
  std::vector<double> text_loss;       // sum over a text's tokens, natural logarithm
  std::vector<int64_t> text_tokens;    // scored ones
  std::vector<bool> right;             // of each question
  std::optional<FormatRun> format;     // none: the model has no chat template
  at::Tensor states;                   // [M, D], before the head
  at::Tensor head;                     // [V, D]
  std::vector<int64_t> prompt_tokens;  // M of each prompt
};
// Throws Interrupted where a stop was requested.
GeneralRun run_general(const GeneralInput& input, const Judged& judged, Reporter& reporter);

// Parts of a chat template, or tokens of its own, in an answer.
bool leaks_template(const data::TextModel& text, std::span<const int32_t> ids);

// For each row the Kullback-Leibler divergence, in nats, of the distribution over the vocabulary
// that the second model gives from the first's: sum p log(p / q), in float32 over a few rows at a
// time.  `same_top` counts the rows where both hold the same token likeliest.  states [M, D], head
// [V, D].
struct Divergence {
  std::vector<double> kl;
  int64_t same_top = 0;
};
Divergence divergence(const at::Tensor& states, const at::Tensor& head,
                      const at::Tensor& other_states, const at::Tensor& other_head);

// What the judged model does otherwise than its baseline on the general set.
struct Forgetting {
  struct Domain {
    std::string name;
    double perplexity = 0, baseline_perplexity = 0;
  };
  double perplexity = 0, baseline_perplexity = 0;  // by token
  Interval ppl_increase;                           // 0.05: five per cent higher
  std::vector<Domain> domains;
  Interval choice_accuracy, baseline_choice_accuracy, choice_difference;
  std::optional<FormatRun> format, baseline_format;
  Interval kl;          // from the baseline, nats a token
  double same_top = 0;  // share of the tokens where both models' likeliest is the same
};
Forgetting compare_general(const GeneralInput& input, const GeneralRun& model,
                           const GeneralRun& baseline, const BootstrapOptions& options);

// The figures that limits may be set on.
inline constexpr std::array kForgettingFigures = {
    "ppl_increase",         "perplexity",  "kl",      "choice_accuracy",
    "choice_accuracy_drop", "format_kept", "same_top"};
// Their values; an interval that is not a number: none.  What does not exist here is left out.
std::vector<std::pair<std::string, Interval>> figures(const Forgetting& forgetting);

Json to_json(const Forgetting& forgetting);

}  // namespace tunewright::eval
