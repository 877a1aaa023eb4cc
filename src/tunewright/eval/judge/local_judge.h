#pragma once
#include <memory>

#include "tunewright/data/render.h"
#include "tunewright/eval/judge/opinion.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::eval {

// A model in memory that judges: each choice is scored as the answer to the rendered prompt.
class LocalJudge final : public Judge {
 public:
  // Loads the model of `folder`.
  LocalJudge(const std::string& folder, Reporter& reporter);
  // For tests.
  LocalJudge(data::TextModel text, std::unique_ptr<model::CausalLm> model, std::string name);

  std::vector<Opinion> ask(std::span<const ChoiceQuestion> questions, const std::string& label,
                           Reporter& reporter) override;
  std::string name() const override { return name_; }

 private:
  data::TextModel text_;
  std::unique_ptr<model::CausalLm> model_;
  std::string name_;
};

}  // namespace tunewright::eval
