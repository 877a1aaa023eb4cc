#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/chat_client.h"
#include "tunewright/base/progress.h"

namespace tunewright::eval {

// A question whose answer is one of a few choices ("1" to "5"; "A", "B", "T").
struct ChoiceQuestion {
  std::string prompt;
  std::vector<std::string> choices;
};

// What a judge thinks: how likely it holds each choice, or why there is no valid answer.
struct Opinion {
  enum class Kind { kLogits, kText, kNoAnswer, kOverBudget } kind = Kind::kNoAnswer;
  std::vector<double> probabilities;  // of the choices, adding up to 1; empty without an answer
  std::string reason;                 // why there is none

  bool is_valid() const { return kind == Kind::kLogits || kind == Kind::kText; }
  size_t best() const;                                    // of a valid one; the first of equals
  double expected(std::span<const int64_t> marks) const;  // of a valid one: sum of mark times share
};

// Of log-probabilities of the choices, renormalised over them.  All of them impossible: invalid.
Opinion opinion_of(std::span<const double> logprobs);

// Reads a chat answer: from the token log-probabilities at the first place where the most likely
// token is a choice (all that name a choice count, renormalised), otherwise from the words.  A text
// that names no choice, or several, is invalid.
Opinion read_opinion(const ChatAnswer& answer, std::span<const std::string> choices);

// What a judge has cost.
struct JudgeUsage {
  int64_t requests = 0, cached = 0, tokens_in = 0, tokens_out = 0;
};

class Judge {
 public:
  virtual ~Judge() = default;
  // One opinion a question, in order.  That nothing can be had from the judge at all is a
  // UserError; a single failure is an invalid opinion.  `label` stands in the progress line.
  virtual std::vector<Opinion> ask(std::span<const ChoiceQuestion> questions,
                                   const std::string& label, Reporter& reporter) = 0;
  virtual std::string name() const = 0;
  virtual JudgeUsage usage() const { return {}; }
};

}  // namespace tunewright::eval
