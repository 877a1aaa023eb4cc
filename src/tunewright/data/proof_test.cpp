#include <filesystem>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/data/dataset.h"

namespace tunewright::data {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr const char* kPlainTemplate =
    "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

constexpr const char* kAnswer =
    R"({"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"the answer"}]})";

// The tiny model with another template, and rows to prove.
class Proof : public ::testing::Test {
 protected:
  Proof() {
    std::filesystem::copy(testing::source_path("tests/data/tiny_chat"), folder_ / "model");
    set_template(kPlainTemplate);
  }
  void set_template(const std::string& source) {
    write_file_atomic(folder_ / "model" / "chat_template.jinja", source);
  }
  void set_roles(const char* json) {
    write_file_atomic(folder_ / "model" / "tokenizer_config.json", json);
  }
  std::vector<Finding> prove_rows(const std::vector<std::string>& rows) {
    const auto model = TextModel::load(folder_ / "model");
    std::string lines;
    for (const auto& row : rows) lines += row + "\n";
    write_file_atomic(folder_ / "rows.jsonl", lines);
    FileReport report{.path = "rows.jsonl"};
    prepare_file(model, {.path = (folder_ / "rows.jsonl").string()}, options_,
                 [&](PreparedRow&& row) { report.add(row, model, options_.max_length); });
    return prove(model, {report});
  }
  Finding find(const std::vector<std::string>& rows, const std::string& check) {
    for (auto& finding : prove_rows(rows)) {
      if (finding.check == check) return finding;
    }
    ADD_FAILURE() << "no check " << check;
    return {};
  }
  TemporaryFolder folder_;
  DataOptions options_;
};

TEST_F(Proof, SoundRowsPass) {
  std::set<std::string> checks;
  for (const auto& finding :
       prove_rows({kAnswer, R"({"prompt":"a","completion":"b"})", R"({"text":"c"})"})) {
    EXPECT_EQ(finding.severity, Severity::kFine) << finding.check << ": " << finding.text;
    EXPECT_EQ(finding.next_step, "");
    checks.insert(finding.check);
  }
  EXPECT_EQ(checks.size(), 9u);
}

TEST_F(Proof, SaysTheShareOfSupervisedTokens) {
  // <|im_end|> after "b", and "b" itself; "a" is not.
  EXPECT_THAT(find({R"({"prompt":"a","completion":"b"})"}, "supervision").text,
              HasSubstr("2 of 3 tokens are supervised (66.7 %)"));
}

TEST_F(Proof, RowsWithAWeightOfTheirOwnAreNoted) {
  EXPECT_EQ(find({kAnswer}, "row_weights").severity, Severity::kFine);
  const auto noted =
      find({kAnswer, R"({"prompt":"a","completion":"b","weight":2})"}, "row_weights");
  EXPECT_EQ(noted.severity, Severity::kNote);
  EXPECT_THAT(noted.text, HasSubstr("1 of 2 rows (first: rows.jsonl row 1)"));
}

TEST_F(Proof, AStopRequestEndsPreparation) {
  request_stop();
  EXPECT_THROW(find({kAnswer}, "supervision"), Interrupted);
  clear_stop_request();
  EXPECT_EQ(find({kAnswer}, "supervision").severity, Severity::kFine);
}

TEST_F(Proof, NothingSupervisedIsFatal) {
  const auto row = R"({"messages":[{"role":"user","content":"hello"}]})";
  EXPECT_EQ(find({row}, "supervision").severity, Severity::kFatal);
  const auto without = find({row, kAnswer}, "rows_without_supervision");
  EXPECT_EQ(without.severity, Severity::kWarning);
  EXPECT_THAT(without.text, HasSubstr("1 of 2 rows (first: rows.jsonl row 0)"));
}

TEST_F(Proof, RowsThatAreTooLongAreNotTakenForUnsupervised) {
  options_.max_length = 4;
  const auto finding = find({kAnswer}, "supervision");
  EXPECT_EQ(finding.severity, Severity::kWarning);
  EXPECT_THAT(finding.next_step, HasSubstr("row 0 (line 1): has"));
}

TEST_F(Proof, AnAnswerThatNeverEndsIsSeen) {
  set_template(
      "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' + m.content + '\\n' }}"
      "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif "
      "-%}");
  const auto never = find({kAnswer}, "end_of_turn");
  EXPECT_EQ(never.severity, Severity::kWarning);
  EXPECT_THAT(never.text, HasSubstr("NEVER trained"));
  const auto some = find({kAnswer, R"({"prompt":"a","completion":"b"})"}, "end_of_turn");
  EXPECT_THAT(some.text, HasSubstr("1 of 2 rows (first: rows.jsonl row 0) do not train the end"));
}

TEST_F(Proof, WhiteSpaceBehindTheEndOfTurnIsNoCut) {
  options_.train_on = TrainOn::kAll;  // so that the newline after <|im_end|> is supervised too
  EXPECT_EQ(find({kAnswer}, "end_of_turn").severity, Severity::kFine);
}

TEST_F(Proof, AGenerationPromptOfItsOwnIsFatal) {
  set_template(std::string(kPlainTemplate) +
               "{%- if add_generation_prompt -%}{{ 'Answer: ' }}{%- endif -%}");
  const auto finding = find({kAnswer, R"({"text":"c"})"}, "serving");
  EXPECT_EQ(finding.severity, Severity::kFatal);
  EXPECT_THAT(finding.text,
              HasSubstr("1 of 1 rows (first: rows.jsonl row 0) are rendered otherwise"));
}

TEST_F(Proof, APromptThatServingRefusesIsFatal) {
  set_template("{%- if add_generation_prompt -%}{{ raise_exception('never') }}{%- endif -%}" +
               std::string(kPlainTemplate));
  const auto row =
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})";
  options_.train_on = TrainOn::kAll;  // which needs no generation prompt to find the turns
  EXPECT_EQ(find({row}, "serving").severity, Severity::kFatal);
}

// "he" + "llo" are one token where they stand together.
TEST_F(Proof, ATokenAcrossThePromptsEndIsFatalWhereItIsTheRule) {
  set_template(
      "{%- for m in messages -%}{{ m.role + ':' + ('he' if m.role == 'assistant' else '') + "
      "m.content + '<|im_end|>' }}{%- endfor -%}"
      "{%- if add_generation_prompt -%}{{ 'assistant:he' }}{%- endif -%}");
  const auto row = [](const char* answer) {
    return str(R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":")",
               answer, "\"}]}");
  };
  ASSERT_NE(TextModel::load(folder_ / "model").tokenizer.encode("hello").size(),
            TextModel::load(folder_ / "model").tokenizer.encode("he").size() +
                TextModel::load(folder_ / "model").tokenizer.encode("llo").size());
  EXPECT_EQ(find({row("llo")}, "serving").severity, Severity::kFatal);
  const auto some = find({row("zz"), row("llo"), row("zz")}, "serving");
  EXPECT_EQ(some.severity, Severity::kWarning);
  EXPECT_THAT(some.text,
              HasSubstr("1 of 3 rows (first: rows.jsonl row 1) have a token that reaches"));
}

TEST_F(Proof, ADoubleBosIsFatal) {
  set_roles(R"({"eos_token":"<|im_end|>","bos_token":"<|endoftext|>"})");
  set_template("{{ bos_token }}" + std::string(kPlainTemplate));
  EXPECT_EQ(find({kAnswer}, "double_bos").severity, Severity::kFine);
  set_template("{{ bos_token + bos_token }}" + std::string(kPlainTemplate));
  const auto finding = find({kAnswer}, "double_bos");
  EXPECT_EQ(finding.severity, Severity::kFatal);
  EXPECT_THAT(finding.text, HasSubstr("1 of 1 rows"));
}

TEST_F(Proof, EosAsPadIsNoted) {
  set_roles(R"({"eos_token":"<|im_end|>","pad_token":"<|im_end|>"})");
  EXPECT_EQ(find({kAnswer}, "eos_is_pad").severity, Severity::kNote);
}

TEST_F(Proof, CountsRowsThatAreShortened) {
  options_ = {.max_length = 8, .overflow = Overflow::kTruncate};
  const auto finding = find({R"({"text":"a"})", R"({"text":"zzzzzzzzzzzzzzzz"})"}, "length");
  EXPECT_EQ(finding.severity, Severity::kWarning);
  EXPECT_THAT(finding.text, HasSubstr("1 of 2 rows (first: rows.jsonl row 1) are longer"));
}

TEST_F(Proof, TheLedgerMustAccountForEveryRow) {
  const auto model = TextModel::load(folder_ / "model");
  FileReport report{
      .path = "x", .rows = 3, .kept = 2, .tokens = 9, .supervised_tokens = 1, .ledger_tokens = 9};
  const auto severity = [&] { return prove(model, {report}).back().severity; };
  EXPECT_EQ(severity(), Severity::kFatal);
  report.dropped = 1;
  EXPECT_EQ(severity(), Severity::kFine);
  report.ledger_tokens = 8;
  EXPECT_EQ(severity(), Severity::kFatal);
}

TEST(RequireProof, RefusesUnlessToldToWarn) {
  const std::vector<Finding> findings = {
      {.check = "a", .text = "fine"},
      {.check = "b", .severity = Severity::kFatal, .text = "it is wrong", .next_step = "mend it"}};
  EXPECT_USER_ERROR(
      require_proof(findings, ProofMode::kRefuse, "data.train", silent_reporter()),
      "the proof before step one failed: data.train: it is wrong; mend it; data.proof: "
      "warn trains nevertheless");
  require_proof(findings, ProofMode::kWarn, "data.train", silent_reporter());
}

}  // namespace
}  // namespace tunewright::data
