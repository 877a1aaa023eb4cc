#include <ATen/ATen.h>

#include "tunewright/base/error.h"
#include "tunewright/base/test.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/test_model.h"
#include "tunewright/ops/ops.h"

namespace tunewright::model {
namespace {

using testing::random_ids;
using testing::tiny_model;

std::vector<std::vector<int32_t>> prompts_of(size_t count) {
  std::vector<std::vector<int32_t>> prompts;
  for (uint64_t i = 0; i < count; ++i) prompts.push_back(random_ids(1 + i * 7 % 31, i));
  return prompts;
}

// Beside each prompt alone, which generate() answers.
void expect_as_alone(CausalLm& model, const std::vector<std::vector<int32_t>>& prompts,
                     const std::vector<int32_t>& stop_ids, const BatchOptions& options) {
  const auto together = generate_batch(model, prompts, stop_ids, options);
  ASSERT_EQ(together.size(), prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    auto sampling = options.sampling;
    sampling.seed += i;
    if (!options.max_new_tokens.empty()) sampling.max_new_tokens = options.max_new_tokens[i];
    const auto alone = generate(model, prompts[i], stop_ids, sampling);
    EXPECT_EQ(together[i].ids, alone.ids) << i;
    EXPECT_EQ(together[i].finish, alone.finish) << i;
  }
}

TEST(Batch, GreedyAnswersAreThoseOfEachPromptAlone) {
  const Json window = {
      {"architectures", {"MistralForCausalLM"}}, {"model_type", "mistral"}, {"sliding_window", 6}};
  for (const Json& changes : {Json::object(), window}) {
    const auto model = tiny_model(changes);
    for (const int64_t rows : {1, 3, 64}) {
      expect_as_alone(*model, prompts_of(40), {7, 30},
                      {.sampling = {.max_new_tokens = 20}, .most_rows = rows});
    }
  }
}

TEST(Batch, DrawnAnswersAreThoseOfEachPromptAlone) {
  const auto model = tiny_model();
  expect_as_alone(*model, prompts_of(9), {},
                  {.sampling = {.max_new_tokens = 8, .temperature = 1.0, .seed = 10}});
  expect_as_alone(*model, prompts_of(9), {},
                  {.sampling = {.max_new_tokens = 8, .repetition_penalty = 1.3}});
}

// What was not drawn can be asked for as well: the likeliest of the watched ids is the one that a
// model of these ids alone would have written.
TEST(Batch, WatchedLogitsAreThoseWhereTheAnswerBegins) {
  const auto model = tiny_model();
  const auto prompts = prompts_of(9);
  for (const bool deterministic : {false, true}) {
    BatchOptions options{.sampling = {.max_new_tokens = 3}, .deterministic = deterministic};
    for (size_t i = 0; i < prompts.size(); ++i)
      options.watched.push_back({static_cast<int32_t>(i), 11, 20});
    const auto answers = generate_batch(*model, prompts, {}, options);
    for (size_t i = 0; i < prompts.size(); ++i) {
      ASSERT_EQ(answers[i].watched.size(), 3u);
      std::vector<ScoreRequest> requests;
      for (const auto id : options.watched[i]) {
        requests.push_back({.ids = prompts[i], .from = std::ssize(prompts[i])});
        requests.back().ids.push_back(id);
      }
      const auto scored = score(*model, requests);
      for (size_t k = 1; k < 3; ++k) {
        EXPECT_NEAR(answers[i].watched[k] - answers[i].watched[0],
                    scored[k].logprobs[0] - scored[0].logprobs[0], 1e-4)
            << i;
      }
    }
  }
}

TEST(Batch, WhatAllPromptsBeginWithIsReadOnce) {
  const auto model = tiny_model();
  const auto shared = random_ids(12, 99);
  auto prompts = prompts_of(10);
  for (auto& prompt : prompts) prompt.insert(prompt.begin(), shared.begin(), shared.end());
  prompts.push_back(shared);  // all of it is shared but the token that gives the first logits
  expect_as_alone(*model, prompts, {7}, {.sampling = {.max_new_tokens = 6}, .most_rows = 4});
}

TEST(Batch, EachPromptHasItsOwnLength) {
  const auto model = tiny_model();
  expect_as_alone(*model, prompts_of(5), {}, {.max_new_tokens = {4, 1, 9, 2, 3}, .most_rows = 2});
}

TEST(Batch, AnswersEndWithThePositions) {
  const auto model = tiny_model();
  const std::vector<std::vector<int32_t>> prompts = {random_ids(40, 1), random_ids(47, 2)};
  const auto answers = generate_batch(*model, prompts, {}, {.sampling = {.max_new_tokens = 100}});
  EXPECT_EQ(answers[0].ids.size(), 8U);
  EXPECT_EQ(answers[1].ids.size(), 1U);
}

TEST(Batch, MemoryLimitsTheRowsAndNotTheAnswers) {
  const auto model = tiny_model();
  EXPECT_EQ(model->cache_bytes_per_token(), 2 * 2 * 2 * 8 * 4);
  expect_as_alone(*model, prompts_of(12), {7},
                  {.sampling = {.max_new_tokens = 6}, .cache_bytes = 1});
}

TEST(Batch, ListenersSeeAllAndMayStop) {
  const auto model = tiny_model();
  const auto prompts = prompts_of(6);
  std::vector<std::vector<int32_t>> seen(prompts.size());
  std::vector<int> finished(prompts.size());
  BatchOptions options{.sampling = {.max_new_tokens = 12}, .most_rows = 4};
  options.on_token = [&](size_t prompt, int32_t id) {
    seen[prompt].push_back(id);
    return seen[prompt].size() < 2 + prompt;
  };
  options.on_answer = [&](size_t prompt, const Generation& answer) {
    ++finished[prompt];
    EXPECT_EQ(answer.ids, seen[prompt]);
  };
  for (const bool deterministic : {false, true}) {
    options.deterministic = deterministic;
    seen.assign(prompts.size(), {});
    finished.assign(prompts.size(), 0);
    const auto answers = generate_batch(*model, prompts, {}, options);
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(answers[i].ids.size(), 2 + i);
      EXPECT_EQ(answers[i].finish, FinishReason::kStop);
      EXPECT_EQ(finished[i], 1);
    }
  }
}

TEST(Batch, WhatAListenerThrowsEndsTheWork) {
  const auto model = tiny_model();
  for (const bool deterministic : {false, true}) {
    const BatchOptions options{
        .deterministic = deterministic,
        .on_token = [](size_t, int32_t) -> bool { throw UserError("enough"); },
        .on_answer = {}};
    EXPECT_USER_ERROR(generate_batch(*model, prompts_of(6), {}, options), "enough");
  }
}

TEST(Batch, ErrorsNameTheLimit) {
  const auto model = tiny_model();
  const std::vector<std::vector<int32_t>> long_prompt = {random_ids(48, 1)};
  EXPECT_USER_ERROR(generate_batch(*model, long_prompt, {}, BatchOptions{}),
                    "the prompt has 48 tokens, and the model has 48 positions");
  EXPECT_TRUE(generate_batch(*model, {}, {}, BatchOptions{}).empty());
}

TEST(RowAttention, IsCachedAttentionOfEachSequence) {
  at::manual_seed(3);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t window : {0, 5}) {
      const auto q = at::randn({4, 6, 20}).to(dtype);  // a width that no vector register divides
      std::vector<at::Tensor> keys, values, expected;
      for (const int64_t tokens : {1, 4, 9, 33}) {
        keys.push_back(at::randn({tokens, 2, 20}).to(dtype));
        values.push_back(at::randn({tokens, 2, 20}).to(dtype));
        const auto i = std::ssize(keys) - 1;
        expected.push_back(
            ops::cached_attention(q.slice(0, i, i + 1), keys.back(), values.back(), 0.3, window));
      }
      const auto out = ops::row_attention(q, keys, values, 0.3, window);
      EXPECT_LT((out - at::cat(expected)).abs().max().item<double>(), 1e-5);
      const auto alone = ops::row_attention(q.slice(0, 2, 3), std::span(keys).subspan(2, 1),
                                            std::span(values).subspan(2, 1), 0.3, window);
      EXPECT_TRUE(alone.equal(out.slice(0, 2, 3))) << "the others make no difference";
    }
  }
}

// Whatever it is scored with: alone, or among 63 others.
TEST(Batch, DeterministicScoresAreEqualBitForBit) {
  const auto model = tiny_model();
  std::vector<ScoreRequest> requests;
  for (uint64_t i = 0; i < 64; ++i) requests.push_back({random_ids(2 + i % 45, i % 9), 1});
  const auto together = score(*model, requests, ScoreOptions{.deterministic = true});
  const auto packed = score(*model, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone =
        score(*model, std::span(requests).subspan(i, 1), ScoreOptions{.deterministic = true});
    EXPECT_EQ(alone[0].logprobs, together[i].logprobs) << i;
    EXPECT_EQ(alone[0].is_greedy, packed[i].is_greedy) << i;
    for (size_t j = 0; j < alone[0].logprobs.size(); ++j)
      EXPECT_NEAR(alone[0].logprobs[j], packed[i].logprobs[j], 1e-5);
  }
}

TEST(Batch, DeterministicAnswersAreThoseOfEachPromptAlone) {
  const auto model = tiny_model();
  expect_as_alone(*model, prompts_of(12), {7},
                  {.sampling = {.max_new_tokens = 9}, .deterministic = true});
}

TEST(Batch, ScoresAreReportedOnce) {
  const auto model = tiny_model();
  std::vector<ScoreRequest> requests;
  for (uint64_t i = 0; i < 30; ++i) requests.push_back({random_ids(1 + i, i), 1});
  std::vector<int> seen(requests.size());
  score(*model, requests, ScoreOptions{.on_scored = [&](size_t i, const ScoredSequence& scored) {
    ++seen[i];
    EXPECT_EQ(scored.logprobs.size(), requests[i].ids.size() - 1);
  }});
  EXPECT_EQ(seen[0], 0) << "one token has nothing to score";
  for (size_t i = 1; i < seen.size(); ++i) EXPECT_EQ(seen[i], 1) << i;
}

}  // namespace
}  // namespace tunewright::model
