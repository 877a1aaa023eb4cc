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
  EXPECT_EQ(task.metrics, (std::vector<Metric>{Metric("accuracy"), Metric("macro_f1")}));
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
}

TEST_F(TaskFile, WithoutAFileShotsAreTakenOutOfTheTestedRows) {
  std::string lines;
  for (int i = 0; i < 12; ++i)
    lines += str(R"({"prompt":"Q)", i, R"(","completion":")", i < 9 ? "ham" : "spam", "\"}\n");
  auto options = triage(lines);
  options.fewshot = 4;
  const auto task = load_task(options, 0);
  EXPECT_EQ(task.rows.size(), 8u);
  const auto& prompt = task.rows[0].row.prompt;
  for (const auto& row : task.rows) {
    EXPECT_EQ(prompt.find(row.question + "ham\n"), std::string::npos) << "tested and shown";
    EXPECT_EQ(row.row.prompt.substr(0, 16), prompt.substr(0, 16)) << "the same for all";
  }
  int64_t spam = 0;
  for (size_t at = prompt.find("spam"); at != std::string::npos; at = prompt.find("spam", at + 1))
    ++spam;
  EXPECT_EQ(spam, 2) << "every label as often";
  options.fewshot_seed = 7;
  EXPECT_NE(load_task(options, 0).rows[0].row.prompt, prompt);
  options.fewshot = 12;
  EXPECT_USER_ERROR(load_task(options, 0), "12 examples wanted, but");
}

TEST_F(TaskFile, GroupsGetFiguresOfTheirOwn) {
  auto options = triage(str(R"({"prompt":"Q1","completion":"ham","sex":"f"})", "\n",
                            R"({"prompt":"Q2","completion":"spam","sex":"m"})", "\n"));
  options.group_by = "sex";
  const auto task = load_task(options, 0);
  std::vector<std::string> names;
  for (const auto metric : task.metrics) names.emplace_back(name_of(metric));
  EXPECT_EQ(names, (std::vector<std::string>{"accuracy", "macro_f1", "accuracy/f", "accuracy/m",
                                             "accuracy_gap"}));
  EXPECT_EQ(task.rows[1].group, 1);
  options.group_by = "age";
  EXPECT_USER_ERROR(load_task(options, 0), "'age', which group_by names, is missing");
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
  for (const char* metric : {"macro_f1", "roc_auc", "entity_f1"}) {
    options.metrics = {metric};
    EXPECT_USER_ERROR(load_task(options, 0), str("'", metric, "' is no metric of this type"));
  }
  options.metrics = {"bleu", "rougeL", "distinct2", "refusal_rate", "loss"};
  EXPECT_EQ(load_task(options, 0).metrics.size(), 5u);
  options.metric_options.labels.labels = {"ham"};
  EXPECT_USER_ERROR(load_task(options, 0), "the labels are those of task triage.labels");
  options.metric_options = {};
  options.metrics = {};
  options.name = "a.b";
  EXPECT_USER_ERROR(load_task(options, 0), "expected letters, digits, '_' and '-'");
  options.name = "a";
  options.limit = -1;
  EXPECT_USER_ERROR(load_task(options, 0), "task a.limit: must not be negative, got -1");
}

}  // namespace
}  // namespace tunewright::eval
