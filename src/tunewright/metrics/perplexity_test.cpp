#include <cmath>
#include <vector>

#include "tunewright/base/test.h"
#include "tunewright/metrics/table.h"

namespace tunewright::metrics {
namespace {

PredictionRow row(const char* json) { return to_prediction_row(parse_json(json, "test"), "row 0"); }

Score scored(const char* metric, const std::vector<PredictionRow>& rows) {
  return score(find_metric(metric), rows, {});
}

// 20 nats over 6 tokens; white space at the end makes one word more, as in the original.
TEST(Perplexity, IsCountedByTokensWordsAndBytes) {
  const std::vector rows = {row("{\"token_logprobs\":[null,-4,-8],\"text\":\"caf\u00e9 \\n au\"}"),
                            row(R"({"token_logprobs":[-1,-2,-5,0],"text":"one two three "})")};
  EXPECT_DOUBLE_EQ(scored("loss", rows).score, 20.0 / 6);
  EXPECT_DOUBLE_EQ(scored("perplexity", rows).score, std::exp(20.0 / 6));
  const auto words = scored("word_perplexity", rows);
  EXPECT_DOUBLE_EQ(words.score, std::exp(20.0 / 6));
  EXPECT_EQ(words.details["words"], 6);
  EXPECT_EQ(words.details["unscored_tokens"], 1);
  const auto bits = scored("bits_per_byte", rows);
  EXPECT_EQ(bits.details["bytes"], 10 + 14);
  EXPECT_DOUBLE_EQ(bits.score, 20.0 / 24 / std::log(2.0));
  EXPECT_EQ(bits.signature, "per:bytes|log:2");
  EXPECT_DOUBLE_EQ(scored("byte_perplexity", rows).score, std::exp(20.0 / 24));
}

TEST(Perplexity, WhatCannotBeCountedIsNoZero) {
  const std::vector nothing = {row(R"({"token_logprobs":[null],"text":"a"})"),
                               row(R"({"token_logprobs":[],"text":""})")};
  EXPECT_USER_ERROR(scored("perplexity", nothing), "no log-probability in these 2 rows");
  const std::vector textless = {row(R"({"token_logprobs":[-1]})")};
  EXPECT_DOUBLE_EQ(scored("loss", textless).score, 1);
  EXPECT_USER_ERROR(scored("bits_per_byte", textless), "row 0: a 'text' is missing");
  const std::vector labels = {row(R"({"prediction":"ham","reference":"ham","text":5})")};
  EXPECT_USER_ERROR(scored("loss", labels), "row 0: loss needs 'token_logprobs'");
  EXPECT_USER_ERROR(row(R"({"token_logprobs":[0.5]})"), "up to 0, or null), got 0.5");
  EXPECT_USER_ERROR(row(R"({"token_logprobs":-3})"), "expected a list of log-probabilities");
  EXPECT_USER_ERROR(row(R"({"token_logprobs":[-3],"text":5})"), "text: expected the text");
}

}  // namespace
}  // namespace tunewright::metrics
