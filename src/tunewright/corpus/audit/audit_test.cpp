#include "tunewright/corpus/audit/audit.h"

#include "tunewright/base/str.h"
#include "tunewright/corpus/step_test.h"

namespace tunewright::corpus {
namespace {

using ::testing::HasSubstr;
using testing::run_on;

TEST(GroupWords, SwapsWordsAndKeepsCapitals) {
  const auto words = GroupWords::english_gender();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"He said his mother met HIM.", "She said her father met HER."},
      {"She gave her book to her.", "He gave his book to him."},
      {"I saw her and the book is hers; Mr. Smith's is his.",
       "I saw him and the book is his; Mrs. Smith's is hers."},
      {"John, the waiter's son", "Patricia, the waitress's daughter"},
      {"her\nbook", "him\nbook"},
      {"(she/he)", "(he/she)"},
      {"Hera, shed, theme, manly", ""},  // whole words alone
      {"", ""}};
  for (const auto& [text, swapped] : cases) EXPECT_EQ(words.swapped(text).value_or(""), swapped);
}

TEST(GroupWords, SwappingTwiceGivesPlainSentencesBack) {
  const auto words = GroupWords::english_gender();
  for (const std::string text :
       {"The king and his sons saw a woman.", "MARY is an actress, he says",
        "She likes her uncle; the uncle likes her."})
    EXPECT_EQ(words.swapped(*words.swapped(text)), text);
}

TEST(GroupWords, OwnFiles) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "g", "# age\nyoung: Teenager = old: pensioner\n\n");
  const auto words = GroupWords::read(folder / "g");
  EXPECT_EQ(words.swapped("A Teenager, his"), "A Pensioner, his");
  EXPECT_THAT(words.groups(), ::testing::ElementsAre("young", "old"));
  write_file_atomic(folder / "g", "young: a b = old: c\n");
  EXPECT_USER_ERROR(GroupWords::read(folder / "g"), "line 1: expected `group: word = group: word`");
  write_file_atomic(folder / "g", "# nothing\n");
  EXPECT_USER_ERROR(GroupWords::read(folder / "g"), "holds no pair");
}

TEST(Phrases, WholeWordsTheLongestFirst) {
  const std::vector<std::string> list = {"shut up", "Shut up now", "Émile", "...", "now"};
  const Phrases phrases(list);
  const auto found = [&](std::string_view text) {
    std::string places;
    for (const auto& match : phrases.find(word_spans(text)))
      places += str(match.phrase, "@", match.first, " ");
    return places;
  };
  EXPECT_EQ(found("SHUT, up. now! shut-up émile"), "1@0 0@3 2@5 ");
  EXPECT_EQ(found("shut the door up know"), "");
  EXPECT_EQ(found("shut shut up up now"), "0@1 4@4 ");
}

TEST(Audit, AssociationIsScipys) {
  const auto golden = read_json(testing::source_path("tests/golden/corpus_labels.json"));
  for (const auto& item : golden["associations"]) {
    EXPECT_NEAR(cramers_v(item["table"].get<std::vector<std::vector<int64_t>>>()),
                item["cramers_v"].get<double>(), 1e-12);
  }
  EXPECT_EQ(cramers_v({{3, 4}}), 0);
  EXPECT_EQ(cramers_v({{3, 0}, {4, 0}}), 0);
  EXPECT_EQ(cramers_v({}), 0);
}

std::string rows() {
  return R"({"text":"He is a fine man","label":"good","source":"web","license":"mit"}
{"text":"She is an idiot","label":"bad","source":"web","license":"cc0"}
{"text":"The sky is blue","label":"good","source":"mail","license":"proprietary"}
{"text":"stupid IDIOT!","label":"bad","source":"mail"}
{"id":4,"label":"bad","license":"mit"}
)";
}

TEST(Audit, CountsWhatAReportNeeds) {
  const auto ran = run_on("audit", rows(), {});
  EXPECT_EQ(ran.counts.kept, 5);
  const auto& summary = ran.summary;
  EXPECT_EQ(summary["labels"]["counts"][0]["name"], Json("bad"));
  EXPECT_EQ(summary["labels"]["counts"][0]["rows"], 3);
  EXPECT_NEAR(summary["labels"]["evenness"].get<double>(), 0.9709505944546686, 1e-15);
  EXPECT_EQ(summary["sources"]["missing"], 1);
  EXPECT_EQ(summary["groups"]["rows"], (Json{{"male", 1}, {"female", 1}}));
  EXPECT_EQ(summary["labels_by_group"]["cramers_v"], 1.0);
  EXPECT_EQ(summary["labels_by_source"]["cramers_v"], 0.0);
  EXPECT_EQ(summary["toxicity"]["rows"], 2);
  EXPECT_EQ(summary["toxicity"]["words"][0], (Json{{"name", "idiot"}, {"count", 2}}));
  EXPECT_EQ(summary["carried"]["license"]["missing"], 1);
  EXPECT_EQ(summary, run_on("audit", rows(), {}, 1).summary);
}

TEST(Audit, RequiredFields) {
  const auto ran =
      run_on("audit", rows(), {{"require", {{"license", {"mit", "cc0"}}, {"source", "any"}}}});
  EXPECT_EQ(ran.counts.kept, 2);
  EXPECT_THAT(ran.ledger, HasSubstr("required: `license` is 'proprietary'"));
  EXPECT_THAT(ran.ledger, HasSubstr("required: no `license`"));
  EXPECT_THAT(ran.ledger, HasSubstr("required: no `source`"));
  const auto consent =
      run_on("audit", "{\"consent\":true}\n{\"consent\":\"true\"}\n{\"consent\":false}\n{}\n",
             {{"require", {{"consent", {true}}}}});
  EXPECT_EQ(consent.counts.kept, 2);
  EXPECT_USER_ERROR(make_step("audit", {{"require", {"license"}}}), "require: expected fields");
  EXPECT_USER_ERROR(make_step("audit", {{"require", {{"license", Json::array()}}}}), "is empty");
  EXPECT_USER_ERROR(make_step("audit", {{"require", {{"license", nullptr}}}}), "require.license:");
}

TEST(Audit, ToxicRowsByALexicon) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "words", "# own\nblue\n\nfine man\n");
  const Json options = {{"lexicon", (folder / "words").string()}, {"toxicity", "drop"}};
  const auto ran = run_on("audit", rows(), options);
  EXPECT_EQ(ran.counts.dropped, 2);
  EXPECT_THAT(ran.ledger, HasSubstr("toxic: 1 toxic words (fine man)"));
  const auto flagged = run_on("audit", rows(), {{"toxicity", "flag"}, {"max_toxic", 1}});
  EXPECT_EQ(flagged.counts.changed, 1);
  EXPECT_EQ(flagged.rows[3]["toxic_words"], (Json{"stupid", "idiot"}));
  EXPECT_USER_ERROR(make_step("audit", {{"lexicon", "/missing"}}), "/missing: cannot open");
  write_file_atomic(folder / "words", "\n#\n");
  EXPECT_USER_ERROR(make_step("audit", options), "holds no word");
}

TEST(Audit, CounterfactualsAreAddedBehindTheirOrigin) {
  const auto ran = run_on("audit", rows(), {{"counterfactual", "add"}});
  ASSERT_EQ(ran.rows.size(), 7U);
  EXPECT_EQ(ran.rows[1]["text"], Json("She is a fine woman"));
  EXPECT_EQ(ran.rows[1]["generated_by"], Json("counterfactual"));
  EXPECT_EQ(ran.rows[1]["license"], Json("mit"));
  EXPECT_FALSE(ran.rows[0].contains("generated_by"));
  EXPECT_EQ(ran.counts.added, 2);
}

}  // namespace
}  // namespace tunewright::corpus
