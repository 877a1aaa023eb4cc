#include "tunewright/eval/judge/local_judge.h"

#include <cmath>

#include "tunewright/eval/tiny_model.h"
#include "tunewright/model/generate/generate.h"

namespace tunewright::eval {
namespace {

double logprob_of(model::CausalLm& model, std::vector<int32_t> prompt,
                  const std::vector<int32_t>& answer) {
  const auto from = std::ssize(prompt);
  prompt.insert(prompt.end(), answer.begin(), answer.end());
  double sum = 0;
  const auto scored = model::score(model, std::vector{model::ScoreRequest{prompt, from}});
  for (const float logprob : scored[0].logprobs) sum += logprob;
  return sum;
}

TEST(LocalJudge, ChoicesAreScoredAsAnswersAndRenormalised) {
  const auto text = tiny_text();
  const auto model = tiny_model(3);
  LocalJudge judge(tiny_text(), tiny_model(3), "tiny");
  const std::vector<std::string> choices = {"1", "2", "3"};
  const std::vector<ChoiceQuestion> questions = {{"Rate it.", choices}, {"And this?", choices}};
  const auto opinions = judge.ask(questions, "t", silent_reporter());
  ASSERT_EQ(opinions.size(), 2U);
  for (size_t i = 0; i < questions.size(); ++i) {
    const auto messages = Json::array({{{"role", "user"}, {"content", questions[i].prompt}}});
    const auto prompt = data::prompt_ids(text, messages, nullptr, Json::object());
    std::vector<double> shares;
    double sum = 0;
    for (const auto& choice : choices)
      sum +=
          shares.emplace_back(std::exp(logprob_of(*model, prompt, text.tokenizer.encode(choice))));
    EXPECT_EQ(opinions[i].kind, Opinion::Kind::kLogits);
    for (size_t choice = 0; choice < choices.size(); ++choice)
      EXPECT_NEAR(opinions[i].probabilities[choice], shares[choice] / sum, 1e-6);
  }
}

TEST(LocalJudge, AChoiceThatGoesOnDoesNotHelpTheShorterOne) {
  const auto text = tiny_text();
  const auto model = tiny_model(3);
  LocalJudge judge(tiny_text(), tiny_model(3), "tiny");
  const std::vector<ChoiceQuestion> questions = {{"Rate it.", {"1", "11"}}};
  const auto opinion = judge.ask(questions, "t", silent_reporter())[0];
  const auto messages = Json::array({{{"role", "user"}, {"content", "Rate it."}}});
  const auto prompt = data::prompt_ids(text, messages, nullptr, Json::object());
  auto one = text.tokenizer.encode("1"), eleven = text.tokenizer.encode("11");
  if (one.size() < eleven.size() && std::equal(one.begin(), one.end(), eleven.begin())) {
    one.push_back(text.stop_ids.back());
    eleven.push_back(text.stop_ids.back());
  }
  const double a = std::exp(logprob_of(*model, prompt, one)),
               b = std::exp(logprob_of(*model, prompt, eleven));
  EXPECT_NEAR(opinion.probabilities[0], a / (a + b), 1e-6);
}

TEST(LocalJudge, WhatItsRecordHasIsNotAskedAgain) {
  const testing::TemporaryFolder folder;
  const std::vector<std::string> choices = {"1", "2", "3"};
  const ChoiceQuestion first{"Rate it.", choices}, second{"And this?", choices};
  const auto record = [&] { return std::make_shared<PartialResults>(folder.path(), "judge", "k"); };
  const auto ask = [&](uint64_t seed, std::vector<ChoiceQuestion> questions) {
    LocalJudge judge(tiny_text(), tiny_model(seed), "tiny", record());
    return judge.ask(questions, "t", silent_reporter());
  };
  const auto before = ask(3, {first});
  // Another model would say something else: it is asked about the second question alone.
  const auto after = ask(4, {second, first});
  EXPECT_EQ(after[1].probabilities, before[0].probabilities);
  LocalJudge other(tiny_text(), tiny_model(4), "tiny");
  const auto fresh = other.ask(std::vector{second, first}, "t", silent_reporter());
  EXPECT_NE(after[1].probabilities, fresh[1].probabilities);
  for (size_t choice = 0; choice < choices.size(); ++choice)
    EXPECT_NEAR(after[0].probabilities[choice], fresh[0].probabilities[choice], 1e-6);
  EXPECT_EQ(record()->found(), 2);
}

TEST(LocalJudge, WhatDoesNotFitIsInvalid) {
  LocalJudge judge(tiny_text(), tiny_model(3, /*positions=*/64), "tiny");
  const std::vector<std::string> choices = {"A", "B", "T"};
  const std::vector<ChoiceQuestion> questions = {{"short", choices},
                                                 {std::string(500, 'x'), choices}};
  const auto opinions = judge.ask(questions, "t", silent_reporter());
  EXPECT_TRUE(opinions[0].is_valid());
  EXPECT_FALSE(opinions[1].is_valid());
  EXPECT_EQ(opinions[1].reason, "longer than the judge's positions");
}

}  // namespace
}  // namespace tunewright::eval
