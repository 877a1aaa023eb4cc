// Gopher, C4, FineWeb and decontamination beside datatrove's decisions, row by row.
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/run_step.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {
namespace {

Document document_of(const std::string& text) {
  return Document::parse(dump_json({{"text", text}}));
}

Verdict judge(const Step& step, const std::string& text) {
  auto document = document_of(text);
  return step.judge(document, 0);
}

// The reason's first word, which is datatrove's name; empty where the row stays.
std::string word_of(const Verdict& verdict) {
  if (verdict.decision != Decision::kDropped) return "";
  return verdict.reason.substr(0, verdict.reason.find(' '));
}

const Json& golden() {
  static const auto json = read_json(testing::source_path("tests/golden/corpus_filters.json"));
  return json;
}

void expect_reasons(const char* name, const Step& step) {
  for (const auto& item : golden().at("cases")) {
    if (item.at(name) == "no words") continue;
    const auto text = item.at("text").get<std::string>();
    EXPECT_EQ(word_of(judge(step, text)), item.at(name).get<std::string>()) << name << ": " << text;
  }
}

TEST(Filters, GopherDecidesAsDatatrove) {
  expect_reasons("quality", *make_step("filter-gopher", {{"repetition", false}}));
  expect_reasons("repetition", *make_step("filter-gopher", {{"quality", false}}));
  expect_reasons("quality_small",
                 *make_step("filter-gopher",
                            {{"repetition", false}, {"min_words", 5}, {"min_stop_words", 1}}));
}

TEST(Filters, FineWebDecidesAsDatatrove) {
  expect_reasons("fineweb", *make_step("filter-fineweb", {}));
}

TEST(Filters, C4DecidesAndCutsAsDatatrove) {
  const auto step = make_step("filter-c4", {});
  const auto small =
      make_step("filter-c4", {{"min_sentences", 1}, {"require_terminal_punctuation", false}});
  for (const auto& item : golden().at("cases")) {
    for (const auto& [name, filter] :
         {std::pair("c4", step.get()), std::pair("c4_small", small.get())}) {
      const auto text = item.at("text").get<std::string>();
      auto document = document_of(text);
      const auto word = word_of(filter->judge(document, 0));
      EXPECT_EQ(word, item.at(name).at("reason").get<std::string>()) << name << ": " << text;
      if (!word.empty()) continue;
      EXPECT_EQ(document.text(), item.at(name).at("text").get<std::string>()) << name;
    }
  }
}

TEST(Filters, C4OfParagraphs) {
  const auto step = make_step("filter-c4", {{"min_sentences", -1}, {"min_paragraphs", 3}});
  for (const auto& item : golden().at("cases")) {
    const auto word = word_of(judge(*step, item.at("text").get<std::string>()));
    if (word == "lorem_ipsum" || word == "curly_bracket") continue;
    EXPECT_EQ(word == "too_few_paragraphs", item.at("paragraph") == "< 3 paragraphs");
  }
}

TEST(Filters, C4LeavesRowsOfSeveralTextsWhole) {
  const auto step = make_step("filter-c4", {{"min_sentences", 1}});
  auto document = Document::parse(
      R"({"prompt":"no end","completion":"This line ends as it should. So does this."})");
  EXPECT_EQ(step->judge(document, 0).decision, Decision::kKept);
  EXPECT_EQ(document.texts()[0], "no end");
}

TEST(Filters, HostileTextsAreJudged) {
  std::string marks;
  for (int i = 0; i < 1000; ++i) marks += "e\u0301\u0302\u0303";
  for (const auto* name :
       {"filter-gopher", "filter-c4", "filter-fineweb", "normalise", "language"}) {
    const auto step = make_step(name, {});
    for (const std::string& text :
         {std::string(), std::string(" \n\t"), std::string("!?.,;:"), std::string(1 << 20, 'x'),
          std::string(1 << 16, '.'), std::string(1 << 16, '\n'), std::string("日本語。\n中文，"),
          marks, std::string("👩‍👩‍👧‍👧🏳️‍🌈"), std::string("\0a", 2),
          std::string(1 << 16, '&')})
      judge(*step, text);
  }
}

TEST(Filters, AReasonSaysTheNumbers) {
  const auto verdict =
      judge(*make_step("filter-gopher", {{"repetition", false}}), "four words are here");
  EXPECT_EQ(verdict.reason, "gopher_short_doc 4 < 50");
}

void write_rows(const fs::path& path, const std::vector<std::string>& texts) {
  std::string rows;
  for (const auto& text : texts) rows += dump_json({{"text", text}}) + "\n";
  write_file_atomic(path, rows);
}

TEST(Decontaminate, DecidesAsDatatrove) {
  const testing::TemporaryFolder folder;
  const auto& data = golden().at("decontamination");
  write_rows(folder / "test.jsonl", data.at("tests").get<std::vector<std::string>>());
  const auto step = make_step("decontaminate", {{"against", {(folder / "test.jsonl").string()}}});
  int64_t found = 0;
  for (const auto& row : data.at("rows")) {
    const auto verdict = judge(*step, row.at("text").get<std::string>());
    EXPECT_EQ(verdict.decision == Decision::kDropped, row.at("contaminated").get<bool>())
        << row.at("text");
    found += verdict.decision == Decision::kDropped ? 1 : 0;
  }
  EXPECT_GT(found, 10);
}

TEST(Decontaminate, ShortTextsAndReasons) {
  const testing::TemporaryFolder folder;
  write_rows(folder / "t.jsonl", {"One, two three four five six seven EIGHT.", "too short"});
  const auto path = (folder / "t.jsonl").string();
  const auto step = make_step("decontaminate", {{"against", {path}}});
  const std::string row = "zero one two three four five six seven eight nine too short";
  EXPECT_EQ(judge(*step, row).reason,
            str("contaminated by ", path, " row 0: \"one two three four five six seven eight\""));
  EXPECT_EQ(
      judge(*make_step("decontaminate", {{"against", {path}}, {"min_words", 0}}), row).decision,
      Decision::kKept);
  EXPECT_EQ(step->summary().at("evaluation_rows_too_short"), 1);
  EXPECT_USER_ERROR(make_step("decontaminate", {}), "against: is missing");
  EXPECT_USER_ERROR(make_step("decontaminate", {{"against", {"nowhere.jsonl"}}}), "no such file");
}

}  // namespace
}  // namespace tunewright::corpus
