#include "tunewright/corpus/augment/augment.h"

#include "tunewright/base/http.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/augment/text_roles.h"
#include "tunewright/corpus/step_test.h"

namespace tunewright::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::run_on;

TEST(TextRoles, InputsOfEachFormat) {
  const auto roles = [](const char* line) { return are_inputs(Document::parse(line)); };
  EXPECT_THAT(roles(R"({"system":"s","prompt":"p","completion":"c","text":"t"})"),
              ElementsAre(false, true, false, true));
  EXPECT_THAT(roles(R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},
                     3,{"role":"user"},{"role":"assistant","content":"a"}]})"),
              ElementsAre(false, true, false));
  EXPECT_THAT(
      roles(R"({"conversations":[{"from":"human","value":"h"},{"from":"gpt","value":"g"}]})"),
      ElementsAre(true, false));
  EXPECT_THAT(roles(R"({"prompt":[{"role":"user","content":"u"}],
                     "chosen":[{"role":"user","content":"u"}],"rejected":"r"})"),
              ElementsAre(true, false, false));
  EXPECT_THAT(roles(R"({"text":"a","text":"b"})"), ElementsAre(false, false));
}

std::string mails(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines +=
        str(R"({"prompt":"please answer message number )", i, R"( today","completion":"label )",
            i % 2, R"( stays here","label":)", i % 2, "}\n");
  return lines;
}

TEST(Augment, VariantsStandBehindTheirOriginals) {
  for (const auto* method : {"swap", "delete", "typos"}) {
    const Json options = {{"method", method}, {"variants", 2}};
    const auto ran = run_on("augment", mails(20), options);
    EXPECT_EQ(ran.counts.kept, 20);
    EXPECT_EQ(std::ssize(ran.rows), 20 + ran.counts.added);
    EXPECT_GE(ran.counts.added, 35);  // two of the same are one
    Json original;
    for (const auto& row : ran.rows) {
      if (!row.contains("generated_by")) {
        original = row;
        continue;
      }
      EXPECT_EQ(row["generated_by"], Json(method));
      EXPECT_NE(row["prompt"], original["prompt"]);
      EXPECT_EQ(row["completion"], original["completion"]);
      EXPECT_EQ(row["label"], original["label"]);
    }
    EXPECT_EQ(ran.rows, run_on("augment", mails(20), options, 1).rows);
    EXPECT_EQ(ran.summary["added"], ran.counts.added);
  }
}

TEST(Augment, ChosenRowsAlone) {
  const auto ran = run_on("augment", mails(40), {{"method", "swap"}, {"labels", {"1"}}});
  EXPECT_EQ(ran.counts.added, 20);
  for (const auto& row : ran.rows) EXPECT_TRUE(!row.contains("generated_by") || row["label"] == 1);
  const auto some = run_on("augment", mails(400), {{"method", "swap"}, {"share", 0.25}});
  EXPECT_GT(some.counts.added, 60);
  EXPECT_LT(some.counts.added, 140);
  const auto all = run_on("augment", mails(1), {{"method", "swap"}, {"texts", "all"}});
  EXPECT_NE(all.rows[1]["completion"], all.rows[0]["completion"]);
  EXPECT_EQ(run_on("augment", "{\"completion\":\"a b c\"}\n", {{"method", "swap"}}).counts.added,
            0);
}

TEST(Augment, WrongOptions) {
  EXPECT_USER_ERROR(make_step("augment", {{"method", "swap"}, {"rate", 2}}), "rate: expected");
  EXPECT_USER_ERROR(make_step("augment", {{"wordnet", "/none"}}), "/none: is no folder");
  Json model = {{"method", "paraphrase"}};
  EXPECT_USER_ERROR(make_step("augment", model), "endpoint: expected an address");
  model["endpoint"] = "http://127.0.0.1:1/v1";
  EXPECT_USER_ERROR(make_step("augment", model), "model: expected the name");
  model["model"] = "m";
  model["budget_cost"] = 1;
  EXPECT_USER_ERROR(make_step("augment", model), "budget_cost: expected price_in and price_out");
  model["budget_cost"] = 0;
  model["prompt"] = "Say it again";
  EXPECT_USER_ERROR(make_step("augment", model), "prompt: expected {text}");
}

// The server of local_server.py turns the words of the last line round.
class ByModel : public ::testing::Test {
 protected:
  ByModel() { write_file_atomic(folder_ / "key", "secret\n"); }

  Json options(const char* method) const {
    return {{"method", method},
            {"endpoint", server_.url("/v1")},
            {"model", "m"},
            {"api_key_file", (folder_ / "key").string()},
            {"cache", (folder_ / "cache.jsonl").string()},
            {"max_tokens", 20}};
  }
  std::string requests() const { return http_get(server_.url("/requests"), {}); }

  testing::LocalServer server_;
  testing::TemporaryFolder folder_;
};

constexpr const char* kTwo = "{\"text\":\"a b c\"}\n{\"text\":\"d e\"}\n";

TEST_F(ByModel, ParaphrasesAreAskedForOnce) {
  const auto ran = run_on("augment", kTwo, options("paraphrase"));
  ASSERT_EQ(ran.rows.size(), 4U);
  EXPECT_EQ(ran.rows[1]["text"], Json("c b a"));
  EXPECT_EQ(ran.rows[1]["generated_by"], Json("paraphrase:m"));
  EXPECT_EQ(ran.rows[3]["text"], Json("e d"));
  EXPECT_EQ(ran.summary["requests"], 2);
  EXPECT_EQ(ran.summary["tokens_out"], 5);
  EXPECT_EQ(requests(), "2");
  // What a killed run left of a line does no harm, and the same rows cost nothing.
  LineWriter(folder_ / "cache.jsonl").write("");
  write_file_atomic(folder_ / "cache.jsonl", read_file(folder_ / "cache.jsonl") + "{\"key\":\"ab");
  const auto again = run_on("augment", kTwo, options("paraphrase"), 1);
  EXPECT_EQ(again.rows, ran.rows);
  EXPECT_EQ(again.summary["cached"], 2);
  EXPECT_EQ(again.summary["tokens_in"], 0);
  EXPECT_EQ(requests(), "2");
  auto more = options("paraphrase");
  more["variants"] = 2;  // another seed is another request, but gives the same text here
  EXPECT_EQ(run_on("augment", kTwo, more).counts.added, 2);
  EXPECT_EQ(requests(), "4");
}

TEST_F(ByModel, BackTranslationAsksTwice) {
  const auto ran = run_on("augment", kTwo, options("back_translation"));
  EXPECT_EQ(ran.rows.size(), 2U);  // turned round twice: nothing new
  EXPECT_EQ(ran.summary["requests"], 4);
  EXPECT_EQ(ran.summary["without_change"], 2);
}

TEST_F(ByModel, TheBudgetIsNeverPassed) {
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += str(R"({"text":"a b c )", i, "\"}\n");
  auto limited = options("paraphrase");
  limited["cache"] = "";
  limited["budget_tokens"] = 1000;
  std::vector<Json> first;
  for (const int64_t concurrency : {1, 7}) {
    limited["concurrency"] = concurrency;
    const auto ran = run_on("augment", lines, limited);
    const auto tokens =
        ran.summary["tokens_in"].get<int64_t>() + ran.summary["tokens_out"].get<int64_t>();
    EXPECT_LE(tokens, 1000);
    EXPECT_GT(tokens, 600);
    EXPECT_EQ(ran.summary["over_budget"].get<int64_t>(), 30 - ran.counts.added);
    EXPECT_GT(ran.counts.added, 5);
    EXPECT_EQ(ran.counts.kept, 30);
    if (first.empty()) first = ran.rows;
    EXPECT_EQ(ran.rows, first);
  }
  limited["budget_tokens"] = 0;
  limited["price_in"] = 1000;
  limited["price_out"] = 2000;
  limited["budget_cost"] = 0.5;
  const auto ran = run_on("augment", lines, limited);
  EXPECT_LE(ran.summary["cost"].get<double>(), 0.5);
  EXPECT_GT(ran.summary["over_budget"].get<int64_t>(), 0);
}

TEST_F(ByModel, RefusalsAndEmptyAnswers) {
  const auto empty = run_on("augment", "{\"text\":\"EMPTY\"}\n", options("paraphrase"));
  EXPECT_EQ(empty.rows.size(), 1U);
  EXPECT_EQ(empty.summary["empty_answers"], 1);
  EXPECT_USER_ERROR(run_on("augment", "{\"text\":\"REFUSE\"}\n", options("paraphrase")),
                    "status 400: {\"error\": {\"message\": \"not this\"}}");
  auto other = options("paraphrase");
  other["api_key_file"] = "";
  EXPECT_USER_ERROR(run_on("augment", kTwo, other), "status 401; check the key");
  other["endpoint"] = server_.url("/echo/..");
  EXPECT_USER_ERROR(run_on("augment", kTwo, other), "the answer is not a chat completion");
  write_file_atomic(folder_ / "key", "two\nlines\n");
  EXPECT_USER_ERROR(run_on("augment", kTwo, options("paraphrase")), "one line with the key");
}

}  // namespace
}  // namespace tunewright::corpus
