#pragma once
#include <memory>

#include "tunewright/data/render.h"
#include "tunewright/eval/judge/opinion.h"
#include "tunewright/eval/partial_results.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::eval {

// A model in memory that judges: each choice is scored as the answer to the rendered prompt.
class LocalJudge final : public Judge {
 public:
  // Loads the model of `folder`.  What `record` has is not asked again, and more goes there.
  LocalJudge(const std::string& folder, std::shared_ptr<PartialResults> record, Reporter& reporter);
  // For tests.
  LocalJudge(data::TextModel text, std::unique_ptr<model::CausalLm> model, std::string name,
             std::shared_ptr<PartialResults> record = std::make_shared<PartialResults>());

  // Opinions are the same, bit for bit, whatever else is asked: slower.
  void set_deterministic(bool value) { deterministic_ = value; }

  std::vector<Opinion> ask(std::span<const ChoiceQuestion> questions, const std::string& label,
                           Reporter& reporter) override;
  std::string name() const override { return name_; }

 private:
  data::TextModel text_;
  std::unique_ptr<model::CausalLm> model_;
  std::string name_;
  std::shared_ptr<PartialResults> record_;
  bool deterministic_ = false;
};

}  // namespace tunewright::eval
