#include "tunewright/base/chat_client.h"

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright {
namespace {

class Client : public ::testing::Test {
 protected:
  ChatOptions options(const char* kind) const {
    return {.endpoint = server_.url(str("/judge/", kind)),
            .model = "m",
            .cache = (folder_ / "cache.jsonl").string(),
            .max_tokens = 4,
            .retries = 0,
            .timeout_seconds = 2};
  }
  std::string requests() const { return http_get(server_.url("/requests"), {}); }

  testing::LocalServer server_;
  testing::TemporaryFolder folder_;
};

const ChatQuestion kQuestion{.prompt = "<answer-00000000>\ngood good\n</answer-00000000>",
                             .top_logprobs = 5};

TEST_F(Client, LogprobsComeWithTheAnswerAndOutOfTheCache) {
  const auto answer = ChatClient(options("honest")).ask(kQuestion);
  EXPECT_EQ(answer.text, "3");
  ASSERT_EQ(answer.top_logprobs.size(), 1U);
  ASSERT_EQ(answer.top_logprobs[0].size(), 3U);
  EXPECT_EQ(answer.top_logprobs[0][0].token, "3");
  EXPECT_NEAR(answer.top_logprobs[0][0].logprob, std::log(0.6), 1e-12);

  ChatClient again(options("honest"));
  EXPECT_TRUE(again.has_cached(kQuestion));
  const auto known = again.ask(kQuestion);
  EXPECT_TRUE(known.cached);
  ASSERT_EQ(known.top_logprobs.size(), 1U);
  EXPECT_EQ(known.top_logprobs[0][1].token, "2");
  EXPECT_DOUBLE_EQ(known.top_logprobs[0][1].logprob, answer.top_logprobs[0][1].logprob);
  EXPECT_EQ(requests(), "1");
  // Without log-probabilities it is another request.
  EXPECT_FALSE(again.has_cached({.prompt = kQuestion.prompt}));
}

TEST_F(Client, EndpointsWithoutLogprobsGiveNone) {
  EXPECT_TRUE(ChatClient(options("plain")).ask(kQuestion).top_logprobs.empty());
  EXPECT_USER_ERROR(ChatClient(options("strict")).ask(kQuestion), "logprobs is not supported");
}

TEST_F(Client, WhatTakesTooLongIsAnError) {
  EXPECT_USER_ERROR(ChatClient(options("slow")).ask(kQuestion), "imeout was reached");
}

}  // namespace
}  // namespace tunewright
