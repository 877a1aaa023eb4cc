#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/eval/forgetting/forgetting.h"
#include "tunewright/eval/forgetting/general_set.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/tensors.h"

namespace tunewright::eval {
namespace {

constexpr int64_t kProbeTokens = 96;
constexpr int64_t kRowsAtOnce = 64, kVocabularyAtOnce = 16384;

using Ids = std::vector<int32_t>;

int64_t common_prefix(const Ids& a, const Ids& b) {
  return std::mismatch(a.begin(), a.begin() + static_cast<int64_t>(std::min(a.size(), b.size())),
                       b.begin())
             .first -
         a.begin();
}

// The whole text is one string, as it would be written; what belongs to the choice is what the
// question alone does not begin with.
GeneralInput::Choice choice_of(const data::TextModel& text, const std::string& question,
                               std::string_view choice) {
  auto ids = text.encode_string(str(question, " ", choice));
  const auto from = std::max<int64_t>(1, common_prefix(text.encode_string(question), ids));
  return {.ids = std::move(ids), .from = from, .bytes = std::ssize(choice)};
}

Ids prompt_of(const data::TextModel& text, std::string_view prompt) {
  if (!text.chat_template) return data::prompt_ids(text, str(prompt, "\n"));
  const auto messages = Json::array({{{"role", "user"}, {"content", prompt}}});
  return data::prompt_ids(text, messages, nullptr, Json::object());
}

struct Likelihood {
  double logprob = 0;  // sum over the scored tokens
  int64_t tokens = 0;
};

// Of each request; those that `judged.results` has already are not asked for again.
std::vector<Likelihood> likelihoods(const std::vector<model::ScoreRequest>& requests,
                                    const char* what, const Judged& judged, Reporter& reporter) {
  std::vector<Likelihood> found(requests.size());
  std::vector<model::ScoreRequest> open;
  std::vector<size_t> rows;  // of the open ones
  for (size_t row = 0; row < requests.size(); ++row) {
    if (const Json* known = judged.results->find(what, static_cast<int64_t>(row))) {
      found[row] = {known->at(0).get<double>(), known->at(1).get<int64_t>()};
    } else {
      open.push_back(requests[row]);
      rows.push_back(row);
    }
  }
  auto done = std::ssize(requests) - std::ssize(open);
  const auto on_scored = [&](size_t at, const model::ScoredSequence& scored) {
    auto& sum = found[rows[at]];
    sum = {std::accumulate(scored.logprobs.begin(), scored.logprobs.end(), 0.0),
           std::ssize(scored.logprobs)};
    if (std::isfinite(sum.logprob))  // JSON has no infinity; such a text is asked again
      judged.results->add(what, static_cast<int64_t>(rows[at]), {sum.logprob, sum.tokens});
    reporter.progress(str("forgetting, ", what, ", ", judged.name), ++done, std::ssize(requests),
                      "texts", "");
    check_stop();
  };
  model::score(judged.model, open,
               model::ScoreOptions{.deterministic = judged.deterministic, .on_scored = on_scored});
  reporter.finish_progress();
  return found;
}

void read_texts(const GeneralInput& input, const Judged& judged, Reporter& reporter,
                GeneralRun& run) {
  std::vector<model::ScoreRequest> requests;
  requests.reserve(input.texts.size());
  for (const auto& text : input.texts) requests.push_back({.ids = text.ids, .from = 1});
  for (const auto& [logprob, tokens] : likelihoods(requests, "texts", judged, reporter)) {
    run.text_loss.push_back(-logprob);
    run.text_tokens.push_back(tokens);
  }
}

// The choice with the highest log-likelihood a byte; a tie is no right answer.
void answer_questions(const GeneralInput& input, const Judged& judged, Reporter& reporter,
                      GeneralRun& run) {
  std::vector<model::ScoreRequest> requests;
  requests.reserve(input.choices.size());
  for (const auto& choice : input.choices)
    requests.push_back({.ids = choice.ids, .from = choice.from});
  const auto sums = likelihoods(requests, "questions", judged, reporter);
  constexpr size_t kChoices = 4;
  for (size_t first = 0; first < sums.size(); first += kChoices) {
    const auto a_byte = [&](size_t i) {
      return sums[first + i].logprob / static_cast<double>(input.choices[first + i].bytes);
    };
    bool is_right = true;
    for (size_t i = 1; i < kChoices; ++i) is_right &= a_byte(0) > a_byte(i);
    run.right.push_back(is_right);
  }
}

// From the last token of each prompt to the end of its answer.
void keep_states(const GeneralInput& input, model::CausalLm& model, GeneralRun& run) {
  Ids ids, positions, wanted;
  std::vector<int64_t> offsets = {0};
  for (const auto& prompt : input.prompts) {
    const auto begin = std::ssize(ids), size = std::ssize(prompt.ids);
    for (int64_t i = 0; i < size; ++i) {
      ids.push_back(prompt.ids[static_cast<size_t>(i)]);
      positions.push_back(static_cast<int32_t>(i));
      if (i + 1 >= prompt.from) wanted.push_back(static_cast<int32_t>(begin + i));
    }
    offsets.push_back(begin + size);
    run.prompt_tokens.push_back(size - prompt.from + 1);
  }
  const auto device = model.head().device();
  model.set_training(false, 0);
  run.states = model.hidden({.ids = model::ids_tensor(ids, device),
                             .positions = model::ids_tensor(positions, device),
                             .offsets = offsets,
                             .continues = {},
                             .wanted = model::ids_tensor(wanted, device)});
  run.head = model.head();
}

FormatRun probe_format(const Judged& judged, Reporter& reporter) {
  constexpr const char* kPart = "chat format";
  const auto probes = format_probes();
  FormatRun run{.probes = std::ssize(probes)};
  int64_t done = 0;
  const auto count = [&](bool ended, bool leaked) {
    run.ended += ended;
    run.leaked += leaked;
    run.kept += ended && !leaked;
    ++done;
  };
  std::vector<Ids> prompts;
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < run.probes; ++row) {
    if (const Json* known = judged.results->find(kPart, row)) {
      count(known->at(0).get<bool>(), known->at(1).get<bool>());
    } else {
      prompts.push_back(prompt_of(judged.text, probes[static_cast<size_t>(row)]));
      rows.push_back(row);
    }
  }
  model::BatchOptions options{.sampling = {.max_new_tokens = kProbeTokens},
                              .deterministic = judged.deterministic};
  options.on_answer = [&](size_t at, const model::Generation& answer) {
    const bool ended = answer.finish == model::FinishReason::kStop;
    const bool leaked = leaks_template(judged.text, answer.ids);
    count(ended, leaked);
    judged.results->add(kPart, rows[at], {ended, leaked});
    reporter.progress(str("forgetting, ", kPart, ", ", judged.name), done, run.probes, "answers",
                      "");
    check_stop();
  };
  model::generate_batch(judged.model, prompts, judged.text.stop_ids, options);
  reporter.finish_progress();
  return run;
}

// log softmax of states head^T, [rows, V] float32.  The head is converted slice by slice: a copy of
// it in float32 might not fit.
at::Tensor log_distribution(const at::Tensor& states, const at::Tensor& head) {
  const auto rows = states.to(at::kFloat);
  std::vector<at::Tensor> slices;
  for (int64_t first = 0; first < head.size(0); first += kVocabularyAtOnce) {
    const auto size = std::min(kVocabularyAtOnce, head.size(0) - first);
    slices.push_back(at::matmul(rows, head.narrow(0, first, size).to(at::kFloat).t()));
  }
  return at::log_softmax(at::cat(slices, 1), 1);
}

}  // namespace

GeneralInput GeneralInput::of(const data::TextModel& text) {
  GeneralInput input;
  for (const auto& [domain, content] : general_texts())
    input.texts.push_back({.ids = text.encode_string(content), .domain = std::string(domain)});
  for (const auto& [question, choices] : general_questions()) {
    const auto asked = str("Question: ", question, "\nAnswer:");
    for (const auto choice : choices) input.choices.push_back(choice_of(text, asked, choice));
  }
  for (const auto& [prompt, answer] : neutral_prompts()) {
    auto ids = prompt_of(text, prompt);
    const auto from = std::ssize(ids);
    const auto answer_ids = text.tokenizer.encode(answer);
    ids.insert(ids.end(), answer_ids.begin(), answer_ids.end());
    input.prompts.push_back({.ids = std::move(ids), .from = from});
  }
  return input;
}

void require_same_tokens(const data::TextModel& model, const data::TextModel& baseline) {
  bool same = model.tokenizer.vocab_size() == baseline.tokenizer.vocab_size();
  for (const auto& [domain, text] : general_texts())
    same = same && model.encode_string(text) == baseline.encode_string(text);
  if (!same) {
    throw UserError(
        "forgetting: measures what the model lost of its baseline, and the two cut text into "
        "different tokens; name as baseline the model that it was tuned from");
  }
}

bool leaks_template(const data::TextModel& text, std::span<const int32_t> ids) {
  for (const auto id : ids) {
    if (text.tokenizer.is_special(id)) return true;
  }
  // What is written out of ordinary tokens counts too.
  const auto written = text.tokenizer.decode(ids);
  for (const auto id : text.stop_ids) {
    if (written.find(text.tokenizer.token(id)) != std::string::npos) return true;
  }
  for (const char* mark :
       {"<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "[INST]", "[/INST]",
        "<start_of_turn>", "<end_of_turn>", "### Instruction", "### Response"}) {
    if (written.find(mark) != std::string::npos) return true;
  }
  const auto lines = split(written, '\n');
  return std::ranges::any_of(lines, [](const std::string& line) {
    const auto role = trim(line);
    return role == "assistant" || role == "user" || role == "system";
  });
}

GeneralRun run_general(const GeneralInput& input, const Judged& given, Reporter& reporter) {
  const c10::NoGradGuard no_grad;
  PartialResults in_memory;
  auto judged = given;
  if (!judged.results) judged.results = &in_memory;
  GeneralRun run;
  read_texts(input, judged, reporter, run);
  answer_questions(input, judged, reporter, run);
  keep_states(input, judged.model, run);
  if (judged.text.chat_template) run.format = probe_format(judged, reporter);
  return run;
}

Divergence divergence(const at::Tensor& states, const at::Tensor& head,
                      const at::Tensor& other_states, const at::Tensor& other_head) {
  TUNEWRIGHT_ASSERT(states.size(0) == other_states.size(0) && head.size(0) == other_head.size(0));
  const c10::NoGradGuard no_grad;
  Divergence found;
  for (int64_t first = 0; first < states.size(0); first += kRowsAtOnce) {
    const auto rows = std::min(kRowsAtOnce, states.size(0) - first);
    const auto p = log_distribution(states.narrow(0, first, rows), head);              // [rows, V]
    const auto q = log_distribution(other_states.narrow(0, first, rows), other_head);  // [rows, V]
    const auto kl = (p.exp() * (p - q.to(p.device()))).sum(1, false, at::kDouble).cpu();
    const auto same = p.argmax(1).eq(q.argmax(1).to(p.device())).sum();
    for (int64_t row = 0; row < rows; ++row) {
      const double value = kl.const_data_ptr<double>()[row];
      found.kl.push_back(value < 0 ? 0 : value);  // by rounding; what is NaN stays so
    }
    found.same_top += same.item<int64_t>();
  }
  return found;
}

}  // namespace tunewright::eval
