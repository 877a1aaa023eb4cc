#include "tunewright/corpus/labels/label_noise.h"

#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/step_test.h"

namespace tunewright::corpus {
namespace {

using ::testing::HasSubstr;

testing::Ran run(const std::string& lines, const Json& options, int64_t workers = 2) {
  return testing::run_on("label-noise", lines, options, workers);
}

// As the golden file's cases, in rows.
std::string lines_of(const Json& golden) {
  std::string lines;
  for (size_t i = 0; i < golden["labels"].size(); ++i) {
    Json probabilities = Json::object();
    for (size_t k = 0; k < golden["probabilities"][i].size(); ++k)
      probabilities[str("class ", k + 100)] = golden["probabilities"][i][k];
    const Json row = {{"id", i},
                      {"label", str("class ", golden["labels"][i].get<int>() + 100)},
                      {"probabilities", probabilities}};
    lines += dump_json(row) + "\n";
  }
  return lines;
}

TEST(LabelNoise, DropsWhatCleanlabFinds) {
  const auto goldens = read_json(testing::source_path("tests/golden/corpus_labels.json"));
  for (const auto& golden : goldens["confident_learning"]) {
    SCOPED_TRACE(golden["name"]);
    const auto ran = run(lines_of(golden), {{"sum_tolerance", 0.1}});
    std::vector<int64_t> kept, expected;
    const auto issues = golden["issues"][0]["rows"].get<std::vector<int64_t>>();
    for (int64_t i = 0; i < std::ssize(golden["labels"]); ++i) {
      if (!std::ranges::binary_search(issues, i)) expected.push_back(i);
    }
    for (const auto& row : ran.rows) kept.push_back(row["id"].get<int64_t>());
    EXPECT_EQ(kept, expected);
    EXPECT_EQ(ran.summary["issues"], issues.size());
  }
}

// Twelve clear rows of each label, and a wrong one.
std::string clear_rows() {
  std::string lines;
  for (int i = 0; i < 12; ++i) {
    lines += str(R"({"text":"a","label":"ham","probabilities":{"ham":0.9)", i, R"(,"spam":0.0)",
                 99 - i, "}}\n");
    lines += str(R"({"text":"b","label":"spam","probabilities":{"ham":0.1)", i, R"(,"spam":0.8)",
                 99 - i, "}}\n");
  }
  return lines + R"({"text":"c","label":"ham","probabilities":{"ham":0.02,"spam":0.98}})" + "\n";
}

TEST(LabelNoise, FlagAndRelabel) {
  const Json loose = {{"sum_tolerance", 0.2}};
  auto options = loose;
  options["action"] = "flag";
  const auto flagged = run(clear_rows(), options);
  EXPECT_EQ(flagged.rows.size(), 25U);
  EXPECT_EQ(flagged.rows[24]["label_issue"], true);
  EXPECT_EQ(flagged.rows[24]["label_quality"], 0.02);
  EXPECT_EQ(flagged.rows[24]["suggested_label"], "spam");
  EXPECT_EQ(flagged.rows[0]["label_issue"], false);
  options["action"] = "relabel";
  const auto relabelled = run(clear_rows(), options);
  EXPECT_EQ(relabelled.rows[24]["label"], "spam");
  EXPECT_EQ(relabelled.rows[24]["original_label"], "ham");
  EXPECT_FALSE(relabelled.rows[0].contains("original_label"));
  EXPECT_THAT(relabelled.ledger, HasSubstr("label_issue 0.0200: 'ham' is probably 'spam'"));
  EXPECT_EQ(relabelled.counts.changed, 1);
}

TEST(LabelNoise, UnusableRowsAreDroppedWithTheirReason) {
  const auto bad = R"({"text":"x","probabilities":{"ham":1}}
{"text":"x","label":"ham"}
{"text":"x","label":"eggs","probabilities":{"ham":1,"spam":0}}
{"text":"x","label":"ham","probabilities":{"ham":0.7,"spam":0.7}}
{"text":"x","label":"ham","probabilities":{"ham":-0.5,"spam":1.5}}
{"text":"x","label":"ham","probabilities":{"ham":null,"spam":1}}
{"text":"x","label":"ham","probabilities":{"ham":NaN,"spam":1}}
{"text":"x","label":"ham","probabilities":0.5}
{"text":"x","label":["ham"],"probabilities":{"ham":1}}
)";
  const auto ran = run(bad + clear_rows(), {{"sum_tolerance", 0.2}});
  EXPECT_EQ(ran.counts.dropped, 10);
  for (const auto* reason :
       {"no label in `label`", "no probabilities in `probabilities`",
        "the label 'eggs' has no probability in any row", "the probabilities sum to 1.4, not to 1",
        "the probability of 'ham' is -0.5, not from 0 to 1", "the probability of 'ham' is null",
        "unreadable: not valid JSON", "the probabilities are a number, not an object"})
    EXPECT_THAT(ran.ledger, HasSubstr(reason));
}

TEST(LabelNoise, ImpossibleInputsAndOptions) {
  EXPECT_USER_ERROR(run(R"({"text":"x","label":"ham","probabilities":{"ham":1}})", {}),
                    "there is only one class, 'ham'");
  EXPECT_USER_ERROR(run(R"({"text":"x","label":"ham"})", {}), "there is only one class, 'ham'");
  EXPECT_USER_ERROR(run(R"({"text":"x"})", {}), "no row can be used: no label in `label`");
  EXPECT_USER_ERROR(run(R"({"text":"x","label":1})", {{"probabilities_from", "field"}}),
                    "no probabilities in `probabilities`");
  EXPECT_USER_ERROR(make_step("label-noise", {{"frac_noise", 1.5}}), "frac_noise: expected");
  EXPECT_USER_ERROR(make_step("label-noise", {{"folds", 1}}), "folds: expected 2 to 1000, got 1");
  EXPECT_USER_ERROR(make_step("label-noise", {{"action", "remove"}}), "'remove' is not a value");
}

TEST(LabelNoise, WholeNumbersAsLabelsAreSortedByTheirSize) {
  std::string lines;
  for (int i = 0; i < 36; ++i) {
    Json probabilities = Json::array();
    for (int k = 0; k < 12; ++k) probabilities.push_back(k == i % 12 ? 0.78 + i * 1e-4 : 0.02);
    lines += dump_json(Json{{"label", i == 35 ? 2 : i % 12}, {"probabilities", probabilities}});
    lines += "\n";
  }
  const auto ran = run(lines, {{"action", "relabel"}});
  EXPECT_EQ(ran.rows[35]["label"], 11);
  EXPECT_EQ(ran.rows[35]["original_label"], 2);
  EXPECT_EQ(ran.summary["classes"][10]["label"], "10");
}

// Two topics with words of their own, a tenth of the labels swapped.
std::string topics(std::vector<bool>& wrong, const char* form) {
  const std::vector<std::string> words[] = {
      {"goal", "match", "team", "league", "coach", "player", "season", "score"},
      {"bank", "stock", "profit", "market", "share", "price", "trade", "fund"}};
  Random random(11);
  std::string lines;
  for (int i = 0; i < 400; ++i) {
    const auto topic = random.below(2);
    std::string text = "the report says that";
    for (int k = 0; k < 6; ++k) text += " " + words[topic][random.below(8)];
    wrong.push_back(random.uniform() < 0.1);
    const auto* label = (topic == 0) != wrong.back() ? "sport" : "money";
    Json row = Json::parse(form);
    row[row.contains("prompt") ? "prompt" : "text"] = text;
    row[row.contains("prompt") ? "completion" : "label"] = label;
    lines += dump_json(row) + "\n";
  }
  return lines;
}

TEST(LabelNoise, TheClassifierFindsSwappedLabels) {
  for (const auto* kind : {"logistic_regression", "naive_bayes"}) {
    for (const auto* form : {R"({"text":0})", R"({"prompt":0,"completion":0})"}) {
      SCOPED_TRACE(str(kind, " ", form));
      std::vector<bool> wrong;
      const auto lines = topics(wrong, form);
      const Json options = {{"classifier", kind},
                            {"action", "flag"},
                            {"label_field", lines.find("prompt") < 5 ? "completion" : "label"}};
      const auto ran = run(lines, options);
      int64_t hits = 0, issues = 0;
      for (size_t i = 0; i < wrong.size(); ++i) {
        issues += ran.rows[i]["label_issue"] == true;
        hits += ran.rows[i]["label_issue"] == true && wrong[i];
      }
      EXPECT_GE(hits, 0.9 * std::ranges::count(wrong, true));
      EXPECT_GE(hits, 0.9 * issues);
      EXPECT_EQ(ran.rows, run(lines, options, 1).rows);
    }
  }
}

}  // namespace
}  // namespace tunewright::corpus
