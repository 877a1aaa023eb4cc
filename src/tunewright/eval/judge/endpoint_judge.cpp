#include "tunewright/eval/judge/endpoint_judge.h"

#include <algorithm>
#include <deque>

#include "tunewright/base/error.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/eval/items.h"

namespace tunewright::eval {
namespace {

constexpr int64_t kAnswerTokens = 16;     // a number, and a word or two before it
constexpr int64_t kTopLogprobs = 20;      // the most that OpenAI's interface gives
constexpr int64_t kFailuresToGiveUp = 8;  // before the first answer

// One file serves every judge: a request is known by its address and its model.
ChatOptions chat_options(const JudgeSource& source, const JudgeOptions& options) {
  const auto& cache = options.cache;
  if (const auto folder = fs::path(cache).parent_path(); !folder.empty())
    fs::create_directories(folder);
  return {.endpoint = source.endpoint,
          .model = source.model,
          .api_key_file = source.api_key_file,
          .cache = cache,
          .temperature = 0,
          .max_tokens = kAnswerTokens,
          .retries = options.retries,
          .timeout_seconds = options.timeout_seconds};
}

}  // namespace

struct EndpointJudge::Asked {
  Opinion opinion;
  ChatAnswer answer;
  bool has_failed = false;
};

EndpointJudge::EndpointJudge(const JudgeSource& source, const JudgeOptions& options,
                             std::shared_ptr<Spending> spending)
    : name_(source.model),
      options_(options),
      client_(chat_options(source, options)),
      spending_(std::move(spending)) {}

ChatQuestion EndpointJudge::chat_question(const ChoiceQuestion& question) const {
  return {.prompt = question.prompt, .top_logprobs = has_logprobs_ ? kTopLogprobs : 0};
}

// Called from several threads.
EndpointJudge::Asked EndpointJudge::answer(const ChoiceQuestion& question) {
  Asked asked;
  try {
    try {
      asked.answer = client_.ask(chat_question(question));
    } catch (const UserError& error) {
      const bool is_about_logprobs =
          full_message(error).find("logprob") != std::string::npos && !stop_requested();
      if (!is_about_logprobs) throw;
      has_logprobs_ = false;
      asked.answer = client_.ask(chat_question(question));
    }
    asked.opinion = read_opinion(asked.answer, question.choices);
  } catch (const UserError& error) {
    check_stop();
    asked.opinion.reason = full_message(error);
    asked.has_failed = true;
  }
  return asked;
}

bool EndpointJudge::affords(int64_t tokens_in, int64_t tokens_out) const {
  tokens_in += spending_->tokens_in + reserved_in_;
  tokens_out += spending_->tokens_out + reserved_out_;
  const double cost = (options_.price_in * static_cast<double>(tokens_in) +
                       options_.price_out * static_cast<double>(tokens_out)) *
                      1e-6;
  return (options_.budget_tokens == 0 || tokens_in + tokens_out <= options_.budget_tokens) &&
         (options_.budget_cost == 0 || cost <= options_.budget_cost);
}

void EndpointJudge::take(const Asked& asked, std::vector<Opinion>& opinions) {
  if (asked.has_failed) {
    if (!has_answered_ && ++failures_ >= kFailuresToGiveUp)
      throw UserError(str("the judge gives no answer: ", asked.opinion.reason));
  } else {
    has_answered_ = true;
  }
  ++usage_.requests;
  usage_.cached += asked.answer.cached;
  usage_.tokens_in += asked.answer.prompt_tokens;
  usage_.tokens_out += asked.answer.completion_tokens;
  opinions.push_back(asked.opinion);
}

std::vector<Opinion> EndpointJudge::ask(std::span<const ChoiceQuestion> questions,
                                        const std::string& label, Reporter& reporter) {
  OrderedWorkers<const ChoiceQuestion*, Asked> workers(
      options_.concurrency, [this](const ChoiceQuestion*& question) { return answer(*question); });
  std::vector<Opinion> opinions;
  // What each question under way may take at most; none: it is not asked, the budget being used up.
  struct Reserved {
    int64_t in = 0, out = 0;
    bool is_asked = true;
  };
  std::deque<Reserved> under_way;
  const auto finish_oldest = [&] {
    const auto oldest = under_way.front();
    under_way.pop_front();
    if (oldest.is_asked) {
      reserved_in_ -= oldest.in;
      reserved_out_ -= oldest.out;
      const auto asked = workers.take();
      // What failed may be billed all the same.
      spending_->tokens_in += asked.has_failed ? oldest.in : asked.answer.prompt_tokens;
      spending_->tokens_out += asked.has_failed ? oldest.out : asked.answer.completion_tokens;
      take(asked, opinions);
    } else {
      opinions.push_back(
          {.kind = Opinion::Kind::kOverBudget, .probabilities = {}, .reason = "over the budget"});
    }
    reporter.progress(label, static_cast<int64_t>(opinions.size()), std::ssize(questions),
                      "questions", "");
  };
  for (const auto& question : questions) {
    const bool is_free = client_.has_cached(chat_question(question));
    Reserved most{.in = is_free ? 0 : client_.most_tokens_in(question.prompt),
                  .out = is_free ? 0 : kAnswerTokens};
    while (!under_way.empty() && (workers.is_full() || !affords(most.in, most.out)))
      finish_oldest();
    most.is_asked = affords(most.in, most.out);
    if (most.is_asked) {
      reserved_in_ += most.in;
      reserved_out_ += most.out;
      workers.put(&question);
    }
    under_way.push_back(most);
  }
  while (!under_way.empty()) finish_oldest();
  reporter.finish_progress();
  if (!has_answered_ && failures_ > 0)
    throw UserError(str("the judge gives no answer: ", opinions.back().reason));
  return opinions;
}

}  // namespace tunewright::eval
