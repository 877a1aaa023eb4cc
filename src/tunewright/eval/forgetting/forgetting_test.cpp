#include "tunewright/eval/forgetting/forgetting.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <map>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/eval/forgetting/general_set.h"
#include "tunewright/eval/tiny_model.h"
#include "tunewright/model/generate/generate.h"

namespace tunewright::eval {
namespace {

TEST(GeneralSet, IsWhatItsVersionSays) {
  EXPECT_EQ(kGeneralSetVersion, "1");
  // Another hash is another version: figures of both would not compare.
  EXPECT_EQ(general_set_sha256(),
            "da12b9ffceac5af662779528ab369646720df3f535ceb346debdaca6d42a622e");
  EXPECT_EQ(general_texts().size(), 60U);
  EXPECT_EQ(general_questions().size(), 60U);
  EXPECT_EQ(neutral_prompts().size(), 20U);
  EXPECT_EQ(format_probes().size(), 12U);
}

TEST(GeneralSet, IsBalancedAndWithoutDoubles) {
  std::map<std::string_view, int> domains;
  std::set<std::string_view> texts, questions;
  for (const auto& [domain, text] : general_texts()) {
    ++domains[domain];
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), 60U);
  EXPECT_EQ(domains.size(), 12U);
  for (const auto& [domain, count] : domains) EXPECT_EQ(count, 5) << domain;
  for (const auto& [question, choices] : general_questions()) {
    questions.insert(question);
    EXPECT_EQ(std::set(choices.begin(), choices.end()).size(), 4U) << question;
  }
  EXPECT_EQ(questions.size(), 60U);
}

at::Tensor random_matrix(int64_t rows, int64_t columns, double scale, Random& random) {
  auto tensor = at::empty({rows, columns}, at::kFloat);
  auto* data = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    data[i] = static_cast<float>(random.normal() * scale);
  return tensor;
}

// sum p log(p / q) in doubles, from the formula.
double plain_kl(const at::Tensor& states, const at::Tensor& head, const at::Tensor& other_states,
                const at::Tensor& other_head, int64_t row) {
  const auto log_softmax = [&](const at::Tensor& state, const at::Tensor& weight) {
    const auto vocabulary = weight.size(0), width = weight.size(1);
    std::vector<double> logits;
    double highest = -INFINITY, sum = 0;
    for (int64_t v = 0; v < vocabulary; ++v) {
      double logit = 0;
      for (int64_t d = 0; d < width; ++d)
        logit += double{state.const_data_ptr<float>()[row * width + d]} *
                 weight.const_data_ptr<float>()[v * width + d];
      logits.push_back(logit);
      highest = std::max(highest, logit);
    }
    for (const double logit : logits) sum += std::exp(logit - highest);
    for (auto& logit : logits) logit -= highest + std::log(sum);
    return logits;
  };
  const auto p = log_softmax(states, head), q = log_softmax(other_states, other_head);
  double kl = 0;
  for (size_t v = 0; v < p.size(); ++v) kl += std::exp(p[v]) * (p[v] - q[v]);
  return kl;
}

// More rows than are taken at once, and a vocabulary of more than one slice.
TEST(Divergence, EqualsTheFormula) {
  Random random(9);
  const auto states = random_matrix(70, 4, 1, random), other = random_matrix(70, 4, 1, random);
  const auto head = random_matrix(17000, 4, 1, random),
             other_head = random_matrix(17000, 4, 1, random);
  const auto found = divergence(states, head, other, other_head);
  ASSERT_EQ(found.kl.size(), 70U);
  // Sums over 17,000 tokens in float32, whose order is the processor's.
  for (const int64_t row : {0, 1, 63, 64, 69}) {
    const double expected = plain_kl(states, head, other, other_head, row);
    EXPECT_NEAR(found.kl[static_cast<size_t>(row)], expected, 1e-4 * (1 + expected));
  }
  const auto same = divergence(states, head, states, head);
  for (const double kl : same.kl) EXPECT_EQ(kl, 0);
  EXPECT_EQ(same.same_top, 70);
}

GeneralRun run_of(uint64_t seed, const GeneralInput& input, const data::TextModel& text) {
  const auto model = tiny_model(seed);
  return run_general(input, {*model, text, "m"}, silent_reporter());
}

TEST(Forgetting, NothingIsForgottenByTheSameModel) {
  const auto text = tiny_text();
  const auto input = GeneralInput::of(text);
  const auto run = run_of(5, input, text);
  const auto found = compare_general(input, run, run, {.resamples = 100});
  EXPECT_EQ(found.ppl_increase.value, 0);
  EXPECT_EQ(found.ppl_increase.high, 0);
  EXPECT_EQ(found.kl.value, 0);
  EXPECT_EQ(found.same_top, 1);
  EXPECT_EQ(found.choice_difference.value, 0);
  EXPECT_EQ(found.domains.size(), 12U);
}

TEST(Forgetting, WhatItsRecordHasIsNotAskedAgain) {
  const testing::TemporaryFolder folder;
  const auto text = tiny_text();
  const auto input = GeneralInput::of(text);
  const auto run = [&](uint64_t seed, PartialResults& record) {
    const auto model = tiny_model(seed);
    return run_general(input, {*model, text, "m", &record}, silent_reporter());
  };
  const auto open = [&] { return PartialResults(folder.path(), "general", "k"); };
  auto record = open();
  EXPECT_EQ(record.found(), 0);
  const auto before = run(5, record);
  auto again = open();
  EXPECT_EQ(again.found(), std::ssize(input.texts) + std::ssize(input.choices) +
                               testing::present(before.format).probes);
  // Another model would find something else, had it been asked.
  const auto after = run(6, again);
  EXPECT_EQ(after.text_loss, before.text_loss);
  EXPECT_EQ(after.text_tokens, before.text_tokens);
  EXPECT_EQ(after.right, before.right);
  EXPECT_EQ(testing::present(after.format).kept, testing::present(before.format).kept);
  EXPECT_NE(run_of(6, input, text).text_loss, before.text_loss);
}

TEST(Forgetting, AnotherModelIsMeasuredAsTheFormulasSay) {
  const auto text = tiny_text();
  const auto input = GeneralInput::of(text);
  const auto one = run_of(5, input, text), other = run_of(6, input, text);
  const auto found = compare_general(input, one, other, {.resamples = 100});
  const auto perplexity = [&](uint64_t seed) {
    const auto model = tiny_model(seed);
    double loss = 0, tokens = 0;
    for (const auto& general : input.texts) {
      const std::vector requests = {model::ScoreRequest{general.ids, 1}};
      const auto scored = model::score(*model, requests);
      for (const float logprob : scored[0].logprobs) {
        loss -= logprob;
        ++tokens;
      }
    }
    return std::exp(loss / tokens);
  };
  const double after = perplexity(5), before = perplexity(6);
  EXPECT_NEAR(found.perplexity, after, 1e-4 * after);
  EXPECT_NEAR(found.ppl_increase.value, after / before - 1, 1e-4);
  EXPECT_GT(found.kl.value, 0);
  EXPECT_LT(found.kl.low, found.kl.value);
  EXPECT_LT(found.same_top, 1);
  std::set<std::string> names;
  for (const auto& [name, value] : figures(found)) {
    names.insert(name);
    EXPECT_TRUE(std::isfinite(value.value)) << name;
  }
  for (const char* name : {"ppl_increase", "kl", "choice_accuracy", "choice_accuracy_drop",
                           "format_kept", "same_top", "perplexity"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_EQ(to_json(found)["metrics"]["kl"], found.kl.value);
  // As many states as tokens that are predicted.
  int64_t tokens = 0;
  for (const auto count : one.prompt_tokens) tokens += count;
  EXPECT_EQ(one.states.size(0), tokens);
}

TEST(Forgetting, TemplateInAnAnswerIsALeak) {
  const auto text = tiny_text();
  const auto leaks = [&](const char* answer) {
    return leaks_template(text, text.tokenizer.encode(answer));
  };
  EXPECT_FALSE(leaks("Hello there, the user said yes."));
  EXPECT_FALSE(leaks(""));
  EXPECT_TRUE(leaks("Hello\nassistant\nagain"));
  EXPECT_TRUE(leaks("### Response: hello"));
  EXPECT_TRUE(leaks_template(text, std::vector{text.stop_ids.front()}));
}

TEST(Forgetting, OtherTokensCannotBeCompared) {
  const auto text = tiny_text();
  require_same_tokens(text, tiny_text());
  const testing::TemporaryFolder folder;
  for (const auto& entry : fs::directory_iterator(testing::source_path("tests/data/tiny_chat")))
    fs::copy_file(entry.path(), folder / entry.path().filename().string());
  auto tokenizer = read_json(folder / "tokenizer.json");
  tokenizer["pre_tokenizer"]["add_prefix_space"] = true;
  write_file_atomic(folder / "tokenizer.json", pretty_json(tokenizer));
  EXPECT_USER_ERROR(require_same_tokens(text, data::TextModel::load(folder.path())),
                    "forgetting: measures what the model lost of its baseline");
}

}  // namespace
}  // namespace tunewright::eval
