#include "tunewright/eval/judge/local_judge.h"

#include <algorithm>
#include <numeric>

#include "tunewright/base/str.h"
#include "tunewright/eval/items.h"
#include "tunewright/model/generate/generate.h"

namespace tunewright::eval {
namespace {

using Ids = std::vector<int32_t>;

// The judge's own special tokens within what is judged become plain text: a blank behind their
// first character.  Otherwise an answer could end the turn and speak as the judge.
std::string without_special_tokens(std::string prompt, const data::TextModel& text) {
  for (int32_t id = 0; id < static_cast<int32_t>(text.tokenizer.vocab_size()); ++id) {
    if (!text.tokenizer.is_special(id)) continue;
    const std::string token(text.tokenizer.token(id));
    if (token.size() > 1) prompt = replace_all(prompt, token, str(token[0], " ", token.substr(1)));
  }
  return prompt;
}

Ids prompt_of(const data::TextModel& text, const std::string& given) {
  const auto prompt = without_special_tokens(given, text);
  if (!text.chat_template) return data::prompt_ids(text, prompt + "\nReply: ");
  const auto messages = Json::array({{{"role", "user"}, {"content", prompt}}});
  return data::prompt_ids(text, messages, nullptr, Json::object());
}

bool begins_with(const Ids& ids, const Ids& prefix) {
  return ids.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), ids.begin());
}

// The tokens of each choice.  Where one goes on from another ("1", "10"), all end with the end of
// the turn, so that the shorter one is not helped by the longer.
std::vector<Ids> choice_ids(const data::TextModel& text, std::span<const std::string> choices) {
  std::vector<Ids> all;
  for (const auto& choice : choices) all.push_back(text.tokenizer.encode(choice));
  bool one_goes_on = false;
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < all.size(); ++j) one_goes_on |= i != j && begins_with(all[j], all[i]);
  }
  if (one_goes_on) {
    const auto end = text.stop_ids.empty() ? text.eos : text.stop_ids.back();
    for (auto& ids : all) ids.push_back(end);
  }
  return all;
}

}  // namespace

LocalJudge::LocalJudge(const std::string& folder, Reporter& reporter)
    : text_(data::TextModel::load(folder)),
      model_(model::load_causal_lm({.path = folder}, reporter)),
      name_(folder) {}

LocalJudge::LocalJudge(data::TextModel text, std::unique_ptr<model::CausalLm> model,
                       std::string name)
    : text_(std::move(text)), model_(std::move(model)), name_(std::move(name)) {}

std::vector<Opinion> LocalJudge::ask(std::span<const ChoiceQuestion> questions,
                                     const std::string& label, Reporter& reporter) {
  std::vector<Opinion> opinions(questions.size());
  std::vector<model::ScoreRequest> requests;
  std::vector<size_t> asked;  // questions that fit into the model
  for (size_t i = 0; i < questions.size(); ++i) {
    const auto prompt = prompt_of(text_, questions[i].prompt);
    const auto choices = choice_ids(text_, questions[i].choices);
    const auto longest = std::ranges::max(choices, {}, &Ids::size).size();
    if (static_cast<int64_t>(prompt.size() + longest) > model_->max_positions()) {
      opinions[i].reason = "longer than the judge's positions";
      continue;
    }
    asked.push_back(i);
    for (const auto& choice : choices) {
      auto& request = requests.emplace_back();
      request.ids = prompt;
      request.ids.insert(request.ids.end(), choice.begin(), choice.end());
      request.from = static_cast<int64_t>(prompt.size());
    }
  }
  const auto total = std::ssize(requests);
  const auto scored = model::score(*model_, requests, [&](int64_t done) {
    reporter.progress(label, done, total, "choices", "");
    check_stop();
  });
  reporter.finish_progress();
  size_t next = 0;
  for (const auto i : asked) {
    std::vector<double> logprobs;
    for (size_t choice = 0; choice < questions[i].choices.size(); ++choice, ++next)
      logprobs.push_back(
          std::accumulate(scored[next].logprobs.begin(), scored[next].logprobs.end(), 0.0));
    opinions[i] = opinion_of(logprobs);
  }
  return opinions;
}

}  // namespace tunewright::eval
