#include "tunewright/eval/items.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/choice.h"
#include "tunewright/eval/fewshot.h"
#include "tunewright/eval/perplexity.h"

namespace tunewright::eval {
namespace {

// The windows of lm_eval.utils.get_rolling_token_windows and make_disjoint_window, written down.
TEST(RollingWindows, ScoreEachTokenOnce) {
  std::vector<int32_t> ids(10);
  for (int32_t i = 0; i < 10; ++i) ids[static_cast<size_t>(i)] = 100 + i;
  const auto windows = rolling_windows(ids, 7, 4);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[0].ids, (std::vector<int32_t>{7, 100, 101, 102, 103}));
  EXPECT_EQ(windows[0].from, 1);
  EXPECT_EQ(windows[1].ids, (std::vector<int32_t>{103, 104, 105, 106, 107}));
  EXPECT_EQ(windows[1].from, 1);
  EXPECT_EQ(windows[2].ids, (std::vector<int32_t>{105, 106, 107, 108, 109}));
  EXPECT_EQ(windows[2].from, 3);
  EXPECT_TRUE(rolling_windows({}, 7, 4).empty());
  EXPECT_EQ(rolling_windows({1, 2}, 7, 4)[0].ids, (std::vector<int32_t>{7, 1, 2}));
}

TEST(ItemResult, IsTheSameAfterItsJson) {
  const ItemResult choices{.continuations = {{-1.25, true}, {-3, false}}, .tokens = 4};
  EXPECT_EQ(to_json(item_result(to_json(choices))), to_json(choices));
  const ItemResult text{.logprob = -7.5, .tokens = 3};
  EXPECT_EQ(item_result(to_json(text)).logprob, -7.5);
  const ItemResult answer{.answer = "yes"};
  EXPECT_EQ(item_result(to_json(answer)).answer, "yes");
  EXPECT_EQ(item_result(to_json(ItemResult{})).answer, "");
}

class Folder : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    write_file_atomic(folder_ / name, text);
    return (folder_ / name).string();
  }
  testing::TemporaryFolder folder_;
};
using PartialResultsFile = Folder;
using ChoiceTask = Folder;

TEST_F(PartialResultsFile, GoesOnBehindACutLine) {
  const auto folder = folder_ / "requests";
  {
    PartialResults results(folder, "t.model", "k1");
    results.add("items", 0, {{"logprob", -1.5}});
    results.add("items", 1, "yes");
  }
  const auto file = folder / "t.model-k1.jsonl";
  const auto whole = read_file(file);
  write_file_atomic(file, whole.substr(0, whole.size() - 4));
  PartialResults again(folder, "t.model", "k1");
  EXPECT_EQ(again.found(), 1);
  EXPECT_EQ((*again.find("items", 0))["logprob"], -1.5);
  EXPECT_EQ(again.find("items", 1), nullptr);
  EXPECT_EQ(again.find("loss", 0), nullptr);
  again.add("items", 1, "no");
  EXPECT_EQ(PartialResults(folder, "t.model", "other").found(), 0);
  again.complete();
  EXPECT_FALSE(fs::exists(file));
  // Of evaluations that are gone: of other answers, and of a task that is asked no more.
  PartialResults(folder, "old-task.baseline", "k1").add("items", 0, "no");
  PartialResults record(folder, "old-task.model", "k1");
  record.add("items", 0, "no");
  record.complete();
  remove_partial_results(folder);
  EXPECT_FALSE(fs::exists(folder / "t.model-other.jsonl"));
  EXPECT_FALSE(fs::exists(folder / "old-task.baseline-k1.jsonl"));
  EXPECT_TRUE(fs::exists(folder / "old-task.model.jsonl")) << "a record, and not a partial one";
  EXPECT_EQ(read_file(folder / "t.model.jsonl"),
            "{\"part\":\"items\",\"row\":0,\"result\":{\"logprob\":-1.5}}\n"
            "{\"part\":\"items\",\"row\":1,\"result\":\"no\"}\n");
}

TEST(DrawBalanced, EveryLabelAsOften) {
  std::vector<std::string> labels(100, "ham");
  for (const size_t i : {3u, 50u, 97u}) labels[i] = "spam";
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto drawn = draw_balanced(labels, 5, seed);
    const auto spam = std::ranges::count_if(drawn, [&](size_t i) { return labels[i] == "spam"; });
    EXPECT_TRUE(spam == 2 || spam == 3) << spam;
    EXPECT_EQ(drawn, draw_balanced(labels, 5, seed));
  }
  EXPECT_NE(draw_balanced(labels, 5, 1), draw_balanced(labels, 5, 2));
  const auto all =
      draw_balanced(labels, 100, 1);  // a label that runs out leaves the rest to others
  EXPECT_EQ(std::set<size_t>(all.begin(), all.end()).size(), 100u);
  EXPECT_TRUE(draw_balanced({}, 0, 1).empty());
}

constexpr const char* kRows =
    R"({"prompt":"2+2 =","choices":["3","four"],"answer":1,"kind":"sum"})"
    "\n"
    R"({"question":"Sky?","choices":["blue","red","x"],"answer":"A","kind":"fact"})"
    "\n"
    R"({"prompt":"P","choices":["u","v"],"answer":"v","kind":"fact"})"
    "\n";

TEST_F(ChoiceTask, AnswersAreIndicesLettersOrTexts) {
  TaskOptions options{.name = "c", .type = TaskType::kChoice, .data = write("c.jsonl", kRows)};
  options.metrics = {"acc", "acc_norm", "acc_mutual_info"};
  options.group_by = "kind";
  const auto task = load_choice(options);
  EXPECT_EQ(task.rows[0].reference, "four");
  EXPECT_EQ(task.rows[1].reference, "blue");
  EXPECT_EQ(task.rows[2].reference, "v");
  ASSERT_EQ(task.items->items[0].continuations.size(), 4u);
  EXPECT_EQ(task.items->items[0].continuations[1].context, "2+2 =");
  EXPECT_EQ(task.items->items[0].continuations[1].text, " four");
  EXPECT_EQ(task.items->items[0].continuations[3].context, "");
  RowScore score;
  std::string answer;
  // Likelier as it stands: 3 (-2 against -3); a byte: four; by what the prompt adds: 3.
  task.items->judge(0, {.continuations = {{-2, false}, {-3, false}, {-4, false}, {-4, false}}},
                    score, answer);
  EXPECT_EQ(score.values, (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(answer, "3");
  EXPECT_STREQ(name_of(task.metrics.back()), "acc_gap");
}

TEST_F(ChoiceTask, ExamplesComeFromTheRowsThatAreNotTested) {
  TaskOptions options{.name = "c", .type = TaskType::kChoice, .data = write("c.jsonl", kRows)};
  options.fewshot = 2;
  const auto task = load_choice(options);
  ASSERT_EQ(task.rows.size(), 1u);
  const auto& context = task.items->items[0].continuations[0].context;
  EXPECT_TRUE(context.ends_with("\n\n" + task.rows[0].question)) << context;
  options.fewshot = 3;
  EXPECT_USER_ERROR(load_choice(options), "task c.fewshot: 3 examples wanted, but");
}

TEST_F(ChoiceTask, SaysWhatIsWrongAndWhere) {
  const auto load = [&](const std::string& row) {
    return load_choice(
        {.name = "c", .type = TaskType::kChoice, .data = write("c.jsonl", row + "\n")});
  };
  EXPECT_USER_ERROR(load(R"({"prompt":"P","choices":["u"],"answer":0})"), "two or more texts");
  EXPECT_USER_ERROR(load(R"({"prompt":"P","choices":["u","v"],"answer":2})"),
                    "answer: expected an index");
  EXPECT_USER_ERROR(load(R"({"prompt":"P","choices":["u","v"]})"), "got null");
  EXPECT_USER_ERROR(load(R"({"choices":["u","v"],"answer":0})"), "prompt: expected text");
  EXPECT_USER_ERROR(load(R"({"prompt":"P","choices":["u",""],"answer":0})"),
                    "choices: expected texts");
}

TEST_F(ChoiceTask, PerplexityIsCountedByWordsBytesAndTokens) {
  TaskOptions options{.name = "p", .type = TaskType::kPerplexity};
  options.data = write("p.jsonl", "{\"text\":\"caf\u00e9 au lait\"}\n{\"text\":\"one two\"}\n");
  options.metrics = {"word_perplexity", "byte_perplexity", "bits_per_byte", "token_perplexity"};
  const auto task = load_rolling_perplexity(options);
  std::vector<RowScore> scores(2);
  std::string answer;
  task.items->judge(0, {.logprob = -12, .tokens = 4}, scores[0], answer);
  task.items->judge(1, {.logprob = -8, .tokens = 2}, scores[1], answer);
  const auto rows = all_rows(2);
  EXPECT_DOUBLE_EQ(compute(task.metrics[0], scores, rows), std::exp(20.0 / 5));
  EXPECT_DOUBLE_EQ(compute(task.metrics[1], scores, rows), std::exp(20.0 / 20));
  EXPECT_DOUBLE_EQ(compute(task.metrics[2], scores, rows), 20.0 / 20 / std::log(2.0));
  EXPECT_DOUBLE_EQ(compute(task.metrics[3], scores, rows), std::exp(20.0 / 6));
  EXPECT_TRUE(lower_is_better(task.metrics[3]));
}

}  // namespace
}  // namespace tunewright::eval
