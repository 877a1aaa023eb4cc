#include "tunewright/eval/task.h"

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/evaluate.h"

namespace tunewright::eval {
namespace {

class TaskFile : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& lines) {
    write_file_atomic(folder_ / name, lines);
    return (folder_ / name).string();
  }
  TaskOptions triage(const std::string& lines) {
    return {.name = "triage",
            .type = TaskType::kClassification,
            .data = write("test.jsonl", lines),
            .labels = {"ham", "spam"}};
  }
  testing::TemporaryFolder folder_;
};

constexpr const char* kHamRow = R"({"prompt":"Q1","completion":" ham"})"
                                "\n";
constexpr const char* kSpamTalk =
    R"({"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q2"},{"role":"assistant","content":"spam"}]})"
    "\n";

TEST_F(TaskFile, TakesQuestionAndReferenceFromEitherShape) {
  const auto task = load_task(triage(str(kHamRow, kSpamTalk)), 3);
  ASSERT_EQ(task.rows.size(), 2u);
  EXPECT_EQ(task.rows[0].question, "Q1");
  EXPECT_EQ(task.rows[0].reference, " ham");
  EXPECT_EQ(task.rows[1].question, "Q2");
  EXPECT_EQ(task.rows[1].reference, "spam");
  EXPECT_EQ(task.metrics, (std::vector{Metric::kAccuracy, Metric::kMacroF1}));
}

TEST_F(TaskFile, LimitTakesTheFirstRows) {
  auto options = triage(str(kHamRow, kSpamTalk));
  options.limit = 1;
  EXPECT_EQ(load_task(options, 0).rows.size(), 1u);
}

TEST_F(TaskFile, ShotsStandBehindTheSystemMessage) {
  auto options = triage(kSpamTalk);
  options.fewshot = 1;
  options.fewshot_data =
      write("shots.jsonl",
            R"({"messages":[{"role":"user","content":"Q0"},{"role":"assistant","content":"ham"}]})"
            "\n");
  const auto task = load_task(options, 0);
  std::vector<std::string> contents;
  for (const auto& message : task.rows[0].row.messages) contents.push_back(message["content"]);
  EXPECT_EQ(contents, (std::vector<std::string>{"S", "Q0", "ham", "Q2", "spam"}));

  options.fewshot = 2;
  EXPECT_USER_ERROR(load_task(options, 0), "2 examples wanted, but");
  options.fewshot_data = "";
  EXPECT_USER_ERROR(load_task(options, 0), "task triage.fewshot_data: missing");
}

TEST_F(TaskFile, ShotsOfStringsStandBeforeThePrompt) {
  auto options = triage(kHamRow);
  options.fewshot = 1;
  options.fewshot_data = write("shots.jsonl", R"({"prompt":"Q0","completion":" spam"})"
                                              "\n");
  EXPECT_EQ(load_task(options, 0).rows[0].row.prompt, "Q0 spam\n\nQ1");
}

TEST_F(TaskFile, SaysWhatIsWrongAndWhere) {
  EXPECT_USER_ERROR(load_task(triage(str(kHamRow, R"({"prompt":"Q","completion":"spma"})"
                                                  "\n")),
                              0),
                    "row 1");
  EXPECT_USER_ERROR(load_task(triage(R"({"prompt":"Q","completion":"spma"})"
                                     "\n"),
                              0),
                    "the answer 'spma' is none of the labels (did you mean 'spam'?)");
  EXPECT_USER_ERROR(load_task(triage(R"({"text":"just text"})"
                                     "\n"),
                              0),
                    "the row is text without a question");
  EXPECT_USER_ERROR(load_task(triage(R"({"messages":[{"role":"user","content":"Q"}]})"
                                     "\n"),
                              0),
                    "the last message is not the assistant's");
  EXPECT_USER_ERROR(load_task(triage(R"({"prompt":"Q","completion":" "})"
                                     "\n"),
                              0),
                    "the answer is empty");
}

TEST_F(TaskFile, ChecksTheOptions) {
  auto options = triage(kHamRow);
  options.metrics = {"acuracy"};
  EXPECT_USER_ERROR(load_task(options, 0),
                    "task triage.metrics: 'acuracy' is no metric of this type of task (did you "
                    "mean 'accuracy'?)");
  options.metrics = {};
  options.labels = {};
  EXPECT_USER_ERROR(load_task(options, 0), "labels: none given");
  options = triage(kHamRow);
  options.type = TaskType::kGeneration;
  EXPECT_USER_ERROR(load_task(options, 0), "only type: classification has labels");
  options.labels = {};
  options.metrics = {"macro_f1"};
  EXPECT_USER_ERROR(load_task(options, 0), "'macro_f1' is no metric of this type");
  options.metrics = {};
  options.name = "a.b";
  EXPECT_USER_ERROR(load_task(options, 0), "expected letters, digits, '_' and '-'");
  options.name = "a";
  options.limit = -1;
  EXPECT_USER_ERROR(load_task(options, 0), "task a.limit: must not be negative, got -1");
}

TEST_F(TaskFile, GatesNameFiguresThatExist) {
  std::vector<Task> tasks;
  tasks.push_back(load_task(triage(kHamRow), 0));
  const auto gates = parse_gates(Json::parse(R"({"triage.macro_f1":{"min":0.9}})"), tasks);
  ASSERT_EQ(gates.size(), 1u);
  EXPECT_EQ(gates[0].min, 0.9);
  EXPECT_FALSE(gates[0].max.has_value());
  EXPECT_USER_ERROR(parse_gates(Json::parse(R"({"triage.macrof1":{"min":0.9}})"), tasks),
                    "did you mean 'triage.macro_f1'?");
  EXPECT_USER_ERROR(parse_gates(Json::parse(R"({"triage.accuracy":{}})"), tasks),
                    "neither min nor max given");
  EXPECT_USER_ERROR(parse_gates(Json::parse(R"({"triage.accuracy":{"minimum":1}})"), tasks),
                    "gates.triage.accuracy.minimum: unknown key");
}

TEST_F(TaskFile, AGateAtItsLimitPasses) {
  TaskResult result{.task = load_task(triage(kHamRow), 0),
                    .candidate = {},
                    .baseline = {},
                    .metrics = {{.metric = Metric::kAccuracy, .candidate = {0.9, 0.8, 1}}}};
  std::vector<TaskResult> results;
  results.push_back(std::move(result));
  EXPECT_TRUE(judge_gates({{.name = "triage.accuracy", .min = 0.9, .max = {}}}, results)[0].passed);
  EXPECT_FALSE(
      judge_gates({{.name = "triage.accuracy", .min = 0.91, .max = {}}}, results)[0].passed);
  EXPECT_FALSE(
      judge_gates({{.name = "triage.accuracy", .min = {}, .max = 0.5}}, results)[0].passed);
}

}  // namespace
}  // namespace tunewright::eval
