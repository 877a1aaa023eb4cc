#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "tunewright/base/chat_client.h"
#include "tunewright/eval/judge/opinion.h"
#include "tunewright/eval/judge/options.h"

namespace tunewright::eval {

// What a budget has gone to.
struct Spending {
  int64_t tokens_in = 0, tokens_out = 0;  // those of failed requests too, as far as they may count
};

// Asks an endpoint, several questions at a time, with the tokens' log-probabilities where it has
// them.  Time-outs, refusals and garbage become invalid opinions; where none of the first questions
// gets an answer at all, the last reason is thrown.  What would pass the budget is not asked, and
// which questions these are does not depend on `concurrency`.
class EndpointJudge final : public Judge {
 public:
  // `spending`: of every judge under one budget.
  EndpointJudge(const JudgeSource& source, const JudgeOptions& options,
                std::shared_ptr<Spending> spending);

  std::vector<Opinion> ask(std::span<const ChoiceQuestion> questions, const std::string& label,
                           Reporter& reporter) override;
  std::string name() const override { return name_; }
  JudgeUsage usage() const override { return usage_; }

 private:
  struct Asked;
  Asked answer(const ChoiceQuestion& question);
  bool affords(int64_t tokens_in, int64_t tokens_out) const;
  ChatQuestion chat_question(const ChoiceQuestion& question) const;
  void take(const Asked& asked, std::vector<Opinion>& opinions);

  std::string name_;
  JudgeOptions options_;
  ChatClient client_;
  std::atomic<bool> has_logprobs_ = true;  // until the endpoint says that it has none
  JudgeUsage usage_;
  std::shared_ptr<Spending> spending_;
  int64_t reserved_in_ = 0, reserved_out_ = 0;  // of what is under way
  int64_t failures_ = 0;
  bool has_answered_ = false;
};

}  // namespace tunewright::eval
