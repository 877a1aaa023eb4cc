#include "tunewright/model/generate/generate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "tunewright/base/test.h"
#include "tunewright/model/generate/test_model.h"

namespace tunewright::model {
namespace {

using testing::kVocabulary;
using testing::random_ids;
using testing::tiny_model;

// Logits of every position, without a cache.  [N, V]
at::Tensor all_logits(CausalLm& model, const std::vector<int32_t>& ids) {
  const c10::NoGradGuard no_grad;
  const auto size = static_cast<int64_t>(ids.size());
  const PackedInput input{
      at::tensor(std::vector<int64_t>(ids.begin(), ids.end())), at::arange(size), {0, size}};
  return model.logits(model.hidden(input));
}

TEST(Generate, CachedEqualsReadingEverythingAgain) {
  const auto model = tiny_model();
  const auto prompt = random_ids(9, 1);
  const auto generation = generate(*model, prompt, {}, {.max_new_tokens = 20});
  EXPECT_EQ(generation.finish, FinishReason::kLength);
  auto context = prompt;
  for (const int32_t token : generation.ids) {
    EXPECT_EQ(all_logits(*model, context)[-1].argmax().item<int64_t>(), token);
    context.push_back(token);
  }
  EXPECT_EQ(generation.ids.size(), 20U);
}

TEST(Generate, EndsAtAStopIdWhichIsNotGivenOut) {
  const auto model = tiny_model();
  const auto prompt = random_ids(9, 1);
  const auto free =
      generate(*model, prompt, {}, {.max_new_tokens = 12, .temperature = 1.0, .seed = 4});
  const std::vector<int32_t> stop = {free.ids[7]};
  const auto stopped =
      generate(*model, prompt, stop, {.max_new_tokens = 12, .temperature = 1.0, .seed = 4});
  const auto first = std::find(free.ids.begin(), free.ids.end(), stop[0]);
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  EXPECT_EQ(stopped.ids, std::vector<int32_t>(free.ids.begin(), first));
}

TEST(Generate, ListenerSeesEveryTokenAndMayStop) {
  const auto model = tiny_model();
  std::vector<int32_t> seen;
  const auto listener = [&](int32_t id) {
    seen.push_back(id);
    return seen.size() < 5;
  };
  const auto generation = generate(*model, random_ids(4, 2), {}, {.max_new_tokens = 12}, listener);
  EXPECT_EQ(generation.finish, FinishReason::kStop);
  EXPECT_EQ(generation.ids, seen);
  EXPECT_EQ(seen.size(), 5U);
}

TEST(Generate, SeedDecidesWhatIsDrawn) {
  const auto model = tiny_model();
  const auto prompt = random_ids(5, 3);
  const auto draw = [&](uint64_t seed) {
    return generate(*model, prompt, {}, {.max_new_tokens = 16, .temperature = 1.5, .seed = seed})
        .ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// A chat goes on with the keys and values of its earlier turns.
TEST(Generate, ContinuesACache) {
  const auto model = tiny_model();
  const auto first = random_ids(6, 5);
  const SamplingOptions options{.max_new_tokens = 6};
  KvCache cache;
  auto context = first;
  const auto answer = generate(*model, first, {}, options, {}, &cache);
  context.insert(context.end(), answer.ids.begin(), answer.ids.end());
  for (const int32_t id : random_ids(5, 6)) context.push_back(id);
  EXPECT_EQ(cache.length(), 11) << "all but the last token of the answer";
  EXPECT_EQ(generate(*model, context, {}, options, {}, &cache).ids,
            generate(*model, context, {}, options).ids);

  cache.truncate(4);  // a prompt that parts from the earlier one after 4 tokens
  auto other = std::vector<int32_t>(first.begin(), first.begin() + 4);
  for (const int32_t id : random_ids(5, 7)) other.push_back(id);
  EXPECT_EQ(generate(*model, other, {}, options, {}, &cache).ids,
            generate(*model, other, {}, options).ids);

  KvCache whole;
  generate(*model, other, {}, options, {}, &whole);
  whole.truncate(static_cast<int64_t>(other.size()));  // nothing of the prompt is left to read
  EXPECT_EQ(generate(*model, other, {}, options, {}, &whole).ids,
            generate(*model, other, {}, options).ids);
}

TEST(Generate, FillsThePositionsAndNoMore) {
  const auto model = tiny_model();
  EXPECT_EQ(generate(*model, random_ids(40, 1), {}, {.max_new_tokens = 100}).ids.size(), 8U);
  EXPECT_USER_ERROR(generate(*model, random_ids(48, 1), {}, {}),
                    "the prompt has 48 tokens, and the model has 48 positions");
  EXPECT_USER_ERROR(generate(*model, {}, {}, {}), "the prompt has no tokens");
}

// Both ways sum the same float32 products in another order: 1e-4 on values near 5.
TEST(Score, EqualsLogSoftmaxOfTheLogits) {
  const auto model = tiny_model();
  std::vector<ScoreRequest> requests;
  requests.reserve(12);
  for (uint64_t i = 0; i < 12; ++i)
    requests.push_back({random_ids(2 + 3 * i, 100 + i), 1 + static_cast<int64_t>(i) % 3});
  const auto scored = score(*model, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto& [ids, from] = requests[i];
    const auto expected = all_logits(*model, ids).log_softmax(-1);
    ASSERT_EQ(scored[i].logprobs.size(),
              ids.size() - std::min(ids.size(), static_cast<size_t>(from)));
    for (size_t j = 0; j < scored[i].logprobs.size(); ++j) {
      const auto at = from + static_cast<int64_t>(j);
      EXPECT_NEAR(scored[i].logprobs[j],
                  expected[at - 1][ids[static_cast<size_t>(at)]].item<float>(), 1e-4);
    }
  }
}

TEST(Score, ResultsDoNotDependOnTheBatch) {
  const auto model = tiny_model();
  std::vector<ScoreRequest> requests;
  requests.reserve(200);
  for (uint64_t i = 0; i < 200; ++i)
    requests.push_back({random_ids(2 + i % 45, i), 1});  // several batches
  const auto together = score(*model, requests);
  for (const size_t i : {0U, 44U, 63U, 199U}) {
    const auto alone = score(*model, std::span(requests).subspan(i, 1));
    ASSERT_EQ(alone[0].logprobs.size(), together[i].logprobs.size());
    for (size_t j = 0; j < alone[0].logprobs.size(); ++j) {
      EXPECT_NEAR(alone[0].logprobs[j], together[i].logprobs[j], 1e-4);
    }
    EXPECT_EQ(alone[0].is_greedy, together[i].is_greedy);
  }
}

// Questions with several answers each, read once, and rows that share nothing between them.
TEST(Score, AnswersToOneQuestionScoreAsAlone) {
  const Json window = {
      {"architectures", {"MistralForCausalLM"}}, {"model_type", "mistral"}, {"sliding_window", 6}};
  for (const Json& changes : {Json::object(), window}) {
    const auto model = tiny_model(changes);
    std::vector<ScoreRequest> requests;
    for (uint64_t question = 0; question < 30; ++question) {
      const auto asked = random_ids(6 + question, question);
      for (uint64_t answer = 0; answer < question % 5; ++answer) {
        ScoreRequest request{asked, static_cast<int64_t>(asked.size())};
        const auto ids = random_ids(1 + answer, 1000 * question + answer);
        request.ids.insert(request.ids.end(), ids.begin(), ids.end());
        requests.push_back(request);
      }
      requests.push_back({random_ids(9, 500 + question), 3});
    }
    const auto together = score(*model, requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      const auto alone = score(*model, std::span(requests).subspan(i, 1))[0];
      ASSERT_EQ(alone.logprobs.size(), together[i].logprobs.size());
      for (size_t j = 0; j < alone.logprobs.size(); ++j)
        EXPECT_NEAR(alone.logprobs[j], together[i].logprobs[j], 1e-5) << i;
      EXPECT_EQ(alone.is_greedy, together[i].is_greedy);
    }
  }
}

// As with examples before each question: what all begin with is read once, and questions stay
// apart.
TEST(Score, QuestionsBehindTheSameWordsScoreAsAlone) {
  const Json window = {
      {"architectures", {"MistralForCausalLM"}}, {"model_type", "mistral"}, {"sliding_window", 6}};
  for (const Json& changes : {Json::object(), window}) {
    const auto model = tiny_model(changes);
    const auto trunk = random_ids(20, 99);
    std::vector<ScoreRequest> requests;
    for (uint64_t question = 0; question < 300; ++question) {
      auto asked = trunk;
      const auto own = random_ids(question % 17, question);  // 0: the trunk alone is asked
      asked.insert(asked.end(), own.begin(), own.end());
      for (uint64_t answer = 0; answer <= question % 4; ++answer) {
        ScoreRequest request{asked, static_cast<int64_t>(asked.size())};
        const auto ids = random_ids(1 + answer, 1000 * question + answer);
        request.ids.insert(request.ids.end(), ids.begin(), ids.end());
        requests.push_back(request);
      }
    }
    requests.push_back({trunk, 21});  // nothing to score
    const auto together = score(*model, requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      const auto alone = score(*model, std::span(requests).subspan(i, 1))[0];
      ASSERT_EQ(alone.logprobs.size(), together[i].logprobs.size());
      for (size_t j = 0; j < alone.logprobs.size(); ++j)
        EXPECT_NEAR(alone.logprobs[j], together[i].logprobs[j], 1e-5) << i;
      EXPECT_EQ(alone.is_greedy, together[i].is_greedy);
    }
  }
}

TEST(Score, WhatTheModelWouldSayIsGreedy) {
  const auto model = tiny_model();
  const auto prompt = random_ids(6, 8);
  const auto answer = generate(*model, prompt, {}, {.max_new_tokens = 10}).ids;
  ScoreRequest request{prompt, static_cast<int64_t>(prompt.size())};
  request.ids.insert(request.ids.end(), answer.begin(), answer.end());
  EXPECT_TRUE(score(*model, {&request, 1})[0].is_greedy);
  request.ids[10] = (request.ids[10] + 1) % kVocabulary;
  EXPECT_FALSE(score(*model, {&request, 1})[0].is_greedy);
}

TEST(Score, OneTokenHasNothingToScore) {
  const auto model = tiny_model();
  const ScoreRequest request{{5}, 1};
  EXPECT_TRUE(score(*model, {&request, 1})[0].logprobs.empty());
}

TEST(Score, TextLongerThanThePositionsIsAnError) {
  const auto model = tiny_model();
  const ScoreRequest request{random_ids(60, 1), 1};
  EXPECT_USER_ERROR(score(*model, {&request, 1}),
                    "the text has 60 tokens, and the model has 48 positions");
}

}  // namespace
}  // namespace tunewright::model
