#include "tunewright/eval/judge/local_judge.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
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

// Names a question in the record, whatever place it has among others.
std::string part_of(const ChoiceQuestion& question) {
  Json asked = Json::array({question.prompt});
  for (const auto& choice : question.choices) asked.push_back(choice);
  return sha256(dump_json(asked)).substr(0, 32);
}

// A question that waits for the log-probabilities of its choices.
struct Open {
  size_t question = 0;
  std::vector<double> logprobs;  // of the choices
  size_t left = 0;               // choices without one yet
};

}  // namespace

LocalJudge::LocalJudge(const std::string& folder, std::shared_ptr<PartialResults> record,
                       Reporter& reporter)
    : text_(data::TextModel::load(folder)),
      model_(model::load_causal_lm({.path = folder}, reporter)),
      name_(folder),
      record_(std::move(record)) {}

LocalJudge::LocalJudge(data::TextModel text, std::unique_ptr<model::CausalLm> model,
                       std::string name, std::shared_ptr<PartialResults> record)
    : text_(std::move(text)),
      model_(std::move(model)),
      name_(std::move(name)),
      record_(std::move(record)) {}

std::vector<Opinion> LocalJudge::ask(std::span<const ChoiceQuestion> questions,
                                     const std::string& label, Reporter& reporter) {
  std::vector<Opinion> opinions(questions.size());
  std::vector<Open> open;
  std::vector<model::ScoreRequest> requests;
  std::vector<std::pair<size_t, size_t>> places;  // of each request: the open question, the choice
  for (size_t i = 0; i < questions.size(); ++i) {
    if (const Json* known = record_->find(part_of(questions[i]), 0)) {
      opinions[i] = opinion_of(known->get<std::vector<double>>());
      continue;
    }
    const auto prompt = prompt_of(text_, questions[i].prompt);
    const auto choices = choice_ids(text_, questions[i].choices);
    const auto longest = std::ranges::max(choices, {}, &Ids::size).size();
    if (static_cast<int64_t>(prompt.size() + longest) > model_->max_positions()) {
      opinions[i].reason = "longer than the judge's positions";
      continue;
    }
    const auto with_tokens =
        std::ranges::count_if(choices, [](const Ids& ids) { return !ids.empty(); });
    open.push_back({i, std::vector<double>(choices.size()), static_cast<size_t>(with_tokens)});
    for (size_t choice = 0; choice < choices.size(); ++choice) {
      auto& request = requests.emplace_back();
      request.ids = prompt;
      request.ids.insert(request.ids.end(), choices[choice].begin(), choices[choice].end());
      request.from = static_cast<int64_t>(prompt.size());
      places.emplace_back(open.size() - 1, choice);
    }
  }
  const auto on_scored = [&, done = int64_t{0}](size_t at,
                                                const model::ScoredSequence& scored) mutable {
    const auto [place, choice] = places[at];
    auto& [question, logprobs, left] = open[place];
    logprobs[choice] = std::accumulate(scored.logprobs.begin(), scored.logprobs.end(), 0.0);
    if (--left == 0) {
      opinions[question] = opinion_of(logprobs);
      // JSON has no NaN and no infinity; such a model is asked again.
      if (std::ranges::all_of(logprobs, [](double value) { return std::isfinite(value); }))
        record_->add(part_of(questions[question]), 0, logprobs);
    }
    reporter.progress(label, ++done, std::ssize(requests), "choices", "");
    check_stop();
  };
  model::score(*model_, requests,
               model::ScoreOptions{.deterministic = deterministic_, .on_scored = on_scored});
  reporter.finish_progress();
  return opinions;
}

}  // namespace tunewright::eval
