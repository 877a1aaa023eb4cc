#include "tunewright/corpus/filters/outliers.h"

#include <cmath>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/run_step.h"

namespace tunewright::corpus {
namespace {

// A model that knows the length of texts, and one word.
class StubScorer final : public Scorer {
 public:
  std::vector<int64_t> token_counts(std::span<const std::string_view> texts) const override {
    std::vector<int64_t> counts;
    for (const auto text : texts) counts.push_back(std::ssize(text));
    return counts;
  }
  std::vector<Loss> losses(std::span<const std::string_view> texts) const override {
    std::vector<Loss> losses;
    for (const auto text : texts) {
      const double loss = text.find("zork") == std::string_view::npos ? 1.0 : 9.0;
      losses.push_back(
          {.sum = loss * static_cast<double>(text.size()), .tokens = std::ssize(text)});
    }
    return losses;
  }
  std::vector<std::vector<float>> embeddings(
      std::span<const std::string_view> texts) const override {
    std::vector<std::vector<float>> embeddings;
    for (const auto text : texts) {
      const bool odd = text.find("zork") != std::string_view::npos;
      embeddings.push_back(
          {odd ? 0.0F : 1.0F, odd ? 1.0F : 0.1F * static_cast<float>(text.size() % 3)});
    }
    return embeddings;
  }
};

const StepContext kContext{.open_scorer = [](const std::string& /*model*/) {
  return std::make_shared<const StubScorer>();
}};

std::vector<std::string> plain_texts() {
  std::vector<std::string> texts;
  const std::vector<std::string> words = {"river", "stone", "garden", "walked",
                                          "under", "the",   "lamp"};
  for (size_t i = 0; i < 200; ++i) {
    std::string text;
    for (size_t k = 0; k < 8 + i % 5; ++k) text += words[(i * 7 + k * k) % words.size()] + " ";
    texts.push_back(text);
  }
  return texts;
}

std::vector<std::string> dropped_reasons(const char* name, const Json& options,
                                         const std::vector<std::string>& texts, int64_t workers) {
  const testing::TemporaryFolder folder;
  std::string rows;
  for (const auto& text : texts) rows += dump_json({{"text", text}}) + "\n";
  write_file_atomic(folder / "in.jsonl", rows);
  const auto step = make_step(name, options, kContext);
  run_step(*step,
           {.in = folder / "in.jsonl",
            .out = folder / "out.jsonl",
            .ledger = folder / "l.jsonl",
            .workers = workers},
           silent_reporter());
  std::vector<std::string> reasons;
  for (const auto& line : split(read_file(folder / "l.jsonl"), '\n')) {
    if (line.empty()) continue;
    const auto entry = parse_json(line, "ledger");
    if (entry.at("decision") == "dropped")
      reasons.push_back(
          str(entry.at("row").get<int64_t>(), " ", entry.at("reason").get<std::string>()));
  }
  return reasons;
}

TEST(Outliers, LengthAndSpelling) {
  auto texts = plain_texts();
  texts.emplace_back("lamp");
  texts.push_back(std::string(3000, 'a'));
  texts.emplace_back("qxz jkv wqpf zzkq xvbn qqrt kjhg wxyz pflm vbqx jq");
  const auto reasons = dropped_reasons("filter-outliers", {}, texts, 1);
  ASSERT_EQ(reasons.size(), 3U);
  EXPECT_THAT(reasons[0], ::testing::StartsWith("200 log_length"));
  EXPECT_THAT(reasons[1], ::testing::StartsWith("201 log_length"));
  EXPECT_THAT(reasons[2], ::testing::StartsWith("202 ngram_log_perplexity"));
  EXPECT_EQ(dropped_reasons("filter-outliers", {}, texts, 3), reasons);
}

TEST(Outliers, LossAndEmbedding) {
  auto texts = plain_texts();
  texts[77] += "zork";
  const Json base = {{"length", false}, {"ngram", false}, {"model", "m"}};
  for (const auto* signal : {"loss", "embedding"}) {
    auto options = base;
    options[signal] = true;
    options["rule"] = "zscore";
    const auto reasons = dropped_reasons("filter-outliers", options, texts, 2);
    ASSERT_EQ(reasons.size(), 1U) << signal;
    EXPECT_THAT(reasons[0], ::testing::StartsWith(str("77 ", signal)));
  }
  EXPECT_USER_ERROR(make_step("filter-outliers", {{"loss", true}}, kContext), "model: is missing");
  EXPECT_USER_ERROR(make_step("filter-outliers", {{"loss", true}, {"model", "m"}}),
                    "cannot run models");
}

TEST(Outliers, BoundsAsNumpyHasThem) {
  // numpy.percentile([1, 2, 3, 4, 10], [25, 75]) = [2, 4]; mean 4, standard deviation sqrt(10).
  const std::vector<double> values = {4, 1, 10, 2, 3};
  const auto iqr = usual_bounds(values, {.rule = OutlierRule::kIqr, .iqr = 1.5});
  EXPECT_DOUBLE_EQ(iqr.low, -1);
  EXPECT_DOUBLE_EQ(iqr.high, 7);
  const auto z = usual_bounds(values, {.rule = OutlierRule::kZScore, .zscore = 2});
  EXPECT_DOUBLE_EQ(z.high, 4 + 2 * std::sqrt(10.0));
}

TEST(Perplexity, LimitsAndTheField) {
  auto texts = plain_texts();
  texts[5] += "zork";
  const auto reasons = dropped_reasons("filter-perplexity", {{"model", "m"}}, texts, 2);
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0], ::testing::StartsWith("5 perplexity 8103.08 > 1500"));
  EXPECT_EQ(dropped_reasons("filter-perplexity", {{"model", "m"}, {"min_perplexity", 3}}, texts, 1)
                .size(),
            200U);
  EXPECT_EQ(
      dropped_reasons("filter-perplexity", {{"model", "m"}, {"max_tokens", 1}}, texts, 1).size(),
      200U);
  EXPECT_USER_ERROR(make_step("filter-perplexity", {}, kContext), "model: is missing");
}

}  // namespace
}  // namespace tunewright::corpus
