#include <algorithm>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/cards/compliance.h"
#include "tunewright/observe/cards/model_card.h"

namespace tunewright::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

class Cards : public ::testing::Test {
 protected:
  Cards() {
    write_file_atomic(folder / "base/README.md", "---\nlicense: apache-2.0\n---\n# Base\n");
    write_file_atomic(folder / "base/config.json", R"({"_name_or_path": "org/base"})");
    write_file_atomic(run / "config.yaml", dump_yaml(config()));
    write_file_atomic(run / "adapter/adapter_model.safetensors", "w");
  }
  Json config(const Json& card = Json::object()) const {
    return {{"model", {{"path", (folder / "base").string()}, {"quantization", nullptr}}},
            {"adapter", {{"type", "lora"}, {"r", 8}, {"lora_alpha", 16}}},
            {"training", {{"objective", "sft"}, {"learning_rate", 1e-4}}},
            {"data", {{"max_length", 64}}},
            {"card", card}};
  }
  // A run with everything that the cards know to use.
  void fill() {
    write_file_atomic(folder / "data/train.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    write_file_atomic(folder / "data/test.jsonl", "{\"text\":\"b\"}\n{\"text\":\"c\"}\n");
    const auto hash = sha256_file(folder / "data/train.jsonl");
    write_file_atomic(
        folder / "data/report.json",
        dump_json({{"splits", {{{"split", "train"}, {"sha256", hash}}}},
                   {"rows", {{"source", 10}, {"dropped", 3}, {"changed", 2}}},
                   {"sources", {{{"path", "mails/**"}}}},
                   {"findings", {{{"severity", "warning"}, {"text", "few rows"}}}},
                   {"texts", {{"after", {{"rows", 2}, {"characters", 2}}}}},
                   {"steps",
                    {{{"name", "pii"}, {"dropped", 0}, {"changed", 2}},
                     {{"name", "decontaminate"}, {"dropped", 3}, {"changed", 0}}}},
                   {"recipe", {{"card", {{"license", "cc-by-4.0"}, {"language", {"en"}}}}}}}));
    write_file_atomic(
        run / "config.yaml",
        dump_yaml(
            config({{"license", "mit"}, {"intended_use", "Sorting mail."}, {"provider", "ACME"}})));
    write_file_atomic(run / "manifest.json",
                      dump_json({{"tunewright", "0.1.0"},
                                 {"data",
                                  {{"files",
                                    {{{"path", (folder / "data/train.jsonl").string()},
                                      {"role", "train"},
                                      {"sha256", hash}}}}}}}));
    write_file_atomic(run / "report.json",
                      dump_json({{"outcome", "finished"},
                                 {"steps", 9},
                                 {"first_loss", 2.0},
                                 {"last_loss", 1.0},
                                 {"eval_loss", 0.5},
                                 {"eval_perplexity", 1.6487},
                                 {"energy", {{"joules", 7200.0}}},
                                 {"cost", 1.5},
                                 {"currency", "EUR"},
                                 {"data", {{"train_rows", 2}, {"train_tokens", 20}}}}));
    const Json triage = {
        {"name", "triage"},
        {"options", {{"type", "classification"}, {"data", (folder / "data/test.jsonl").string()}}},
        {"metrics", {{"accuracy", {{"value", 0.9}, {"low", 0.8}, {"high", 0.95}}}}}};
    evaluate("eval", Json::array({triage}));
  }
  // As `eval` leaves it: the report, and a line of the trail.
  void evaluate(const std::string& name, const Json& tasks) {
    const auto report = folder / (name + "/report.json");
    write_file_atomic(report,
                      dump_json({{"passed", true},
                                 {"gates", {{{"figure", "triage.accuracy"}, {"passed", true}}}},
                                 {"tasks", tasks}}));
    AuditTrail::beside(run).append({.event = "evaluated",
                                    .subject = run,
                                    .inputs = artefacts_of({run / "adapter"}),
                                    .artefacts = artefacts_of({report})});
  }
  static Json matter_of(const std::string& card) {
    return parse_yaml(card.substr(4, card.find("\n---", 4) - 3), "card");
  }
  TemporaryFolder folder;
  fs::path run = folder / "run";
};

TEST_F(Cards, WhatIsMissingIsSaidToBe) {
  const auto card = model_card(gather_card_facts(run));
  const auto matter = matter_of(card);
  EXPECT_FALSE(matter.contains("license"));
  EXPECT_EQ(matter["base_model"], "org/base");
  EXPECT_EQ(matter["library_name"], "peft");
  for (const auto* text :
       {"Not stated (`card.intended_use`", "The run is not finished", "Not evaluated",
        "Not measured: no bias task", "Not checked", "Nobody has approved"})
    EXPECT_THAT(card, HasSubstr(text));
}

TEST_F(Cards, WhatIsKnownIsFilledIn) {
  fill();
  const auto card = model_card(gather_card_facts(run));
  const auto matter = matter_of(card);
  EXPECT_EQ(matter["license"], "mit");
  EXPECT_EQ(matter["language"], Json::array({"en"}));
  EXPECT_EQ(matter["datasets"], Json::array({"train.jsonl"}));
  const auto& results = matter["model-index"][0]["results"];
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0]["dataset"]["name"], "triage");
  EXPECT_EQ(results[0]["metrics"][0]["type"], "accuracy");
  EXPECT_EQ(results[0]["metrics"][0]["value"], 0.9);
  EXPECT_EQ(results[1]["metrics"][0]["value"], 0.5);
  for (const auto* text : {"Sorting mail.", "| triage | accuracy | 0.9000 | 0.8000 to 0.9500 |",
                           "0.0020 kWh", "1.50 EUR", "mails/**", "1 of 2 rows", "memory, not skill",
                           "cc-by-4.0", "apache-2.0", "3 rows dropped", "Gates of"})
    EXPECT_THAT(card, HasSubstr(text)) << text;
}

TEST_F(Cards, AnEvaluationOfOtherWeightsDoesNotCount) {
  fill();
  write_file_atomic(run / "adapter/adapter_model.safetensors", "others");
  EXPECT_THAT(model_card(gather_card_facts(run)), HasSubstr("Not evaluated"));
}

TEST_F(Cards, AnEvaluationOfAnotherModelAgainstThisOneDoesNotCount) {
  fill();
  const auto trail = AuditTrail::beside(run);
  fs::remove(trail.file());
  fs::remove(trail.head_file());
  trail.append({.event = "evaluated",
                .subject = folder / "other",
                .inputs = artefacts_of({run / "adapter"}, "baseline"),
                .artefacts = artefacts_of({folder / "eval/report.json"})});
  EXPECT_THAT(model_card(gather_card_facts(run)), HasSubstr("Not evaluated"));
}

TEST_F(Cards, EveryPointOfTheRegulationIsThere) {
  const auto facts = gather_card_facts(run);
  const auto points = compliance_points(facts, Json::object());
  std::set<std::string> numbers;
  for (const auto& point : points) numbers.insert(point.number);
  for (const char letter : std::string_view("abcdefgh")) {
    EXPECT_TRUE(numbers.contains(str("Annex IV 1(", letter, ")")));
    EXPECT_TRUE(numbers.contains(str("Annex IV 2(", letter, ")")));
    EXPECT_TRUE(numbers.contains(str("Article 10(2)(", letter, ")")));
  }
  for (int i = 3; i <= 9; ++i) EXPECT_TRUE(numbers.contains(str("Annex IV ", i)));
  for (int i = 3; i <= 5; ++i) EXPECT_TRUE(numbers.contains(str("Article 10(", i, ")")));
  EXPECT_EQ(points.size(), 8U + 8 + 7 + 8 + 3);
  EXPECT_EQ(numbers.size(), points.size());
  const auto text = compliance_markdown(facts, points);
  EXPECT_THAT(
      text,
      HasSubstr(
          "## Annex IV 5\n\n*Risk management system according to Article 9.*\n\n**MISSING.**"));
}

TEST_F(Cards, DocumentationIsFilledFromFilesAndAnswers) {
  fill();
  const auto facts = gather_card_facts(run);
  const auto points = compliance_points(facts, {{"annex_iv.5", "Our <risk> register."}});
  const auto text = compliance_markdown(facts, points);
  EXPECT_THAT(text, HasSubstr("Our <risk> register."));
  EXPECT_THAT(text, HasSubstr("- Provider: ACME"));
  EXPECT_THAT(text, HasSubstr("few rows"));
  const auto page = compliance_page(facts, points);
  EXPECT_THAT(page, HasSubstr("Our &lt;risk&gt; register."));
  EXPECT_THAT(page, HasSubstr("<td>triage</td><td>accuracy</td><td>0.9000</td>"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  for (const auto* part : {"<!DOCTYPE html>", "prefers-color-scheme:dark", "name=\"viewport\""})
    EXPECT_THAT(page, HasSubstr(part));  // the frame of all pages
  EXPECT_USER_ERROR(compliance_points(facts, {{"annex_iv.55", "x"}}), "annex_iv.55");
  EXPECT_USER_ERROR(compliance_points(facts, {{"annex_iv.5", 3}}), "expected a text");
}

Json task_of(const std::string& name, const std::string& type, const std::string& metric,
             double value) {
  return {{"name", name},
          {"options", {{"type", type}, {"group_by", "gender"}}},
          {"metrics", {{metric, {{"value", value}, {"low", value - 0.1}, {"high", value + 0.1}}}}}};
}

TEST_F(Cards, BiasIsSaidWhereItWasMeasured) {
  evaluate("first", Json::array({task_of("pairs", "crows_pairs", "pct_stereotype", 0.9)}));
  auto grouped = task_of("triage", "classification", "accuracy", 0.5);
  grouped["groups"] = {
      {"groups",
       {{"f", {{"rows", 12}, {"value", 0.75}, {"low", 0.5}, {"high", 0.9}}},
        {"m", {{"rows", 10}, {"value", 0.5}, {"low", nullptr}, {"high", nullptr}}}}},
      {"gap", {{"value", 0.25}, {"low", 0.1}, {"high", 0.4}}},
      {"p_value", 0.03}};
  evaluate("second",
           Json::array({task_of("pairs", "crows_pairs", "pct_stereotype", 0.6),
                        task_of("qa", "bbq", "amb_bias_score", 0.2),
                        task_of("swapped", "counterfactual", "flip_rate", 0.3), grouped}));
  const auto facts = gather_card_facts(run);
  const auto points = compliance_points(facts, Json::object());
  const auto examined = std::ranges::find(points, "article_10.2.f", &CompliancePoint::key);
  for (const auto& text : {model_card(facts), examined->content}) {
    for (const auto* line : {"- pairs: pct_stereotype 0.6000 [0.5000, 0.7000]\n",
                             "- qa: amb_bias_score 0.2000 [0.1000, 0.3000]\n",
                             "- swapped: flip_rate 0.3000 [0.2000, 0.4000]\n",
                             "- triage, by gender: f 0.7500 [0.5000, 0.9000] (12 rows)\n",
                             "- triage, by gender: m 0.5000 (10 rows)\n",
                             "- triage, by gender: gap 0.2500 [0.1000, 0.4000], p 0.0300\n"})
      EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, Not(HasSubstr("- triage: accuracy")));
    EXPECT_THAT(text, Not(HasSubstr("pct_stereotype 0.9")));  // the newest of a task counts
    EXPECT_THAT(text, Not(HasSubstr("Not measured: no bias")));
  }
}

TEST_F(Cards, AMergedModelIsAForm) {
  AuditTrail::beside(run).append({.event = "merged",
                                  .subject = run,
                                  .inputs = artefacts_of({run / "adapter"}),
                                  .details = {{"out", "../merged"}}});
  const auto points = compliance_points(gather_card_facts(run), Json::object());
  const auto forms = std::ranges::find(points, "annex_iv.1.d", &CompliancePoint::key);
  EXPECT_THAT(forms->content, HasSubstr("- Merged model: "));
  EXPECT_THAT(forms->content, HasSubstr("../merged"));
}

TEST_F(Cards, AFolderWithoutARunIsRefused) {
  EXPECT_USER_ERROR(gather_card_facts(folder / "data"), "holds no run");
}

}  // namespace
}  // namespace tunewright::observe
