#include "tunewright/eval/lm_eval.h"

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/lm_eval_docs.h"
#include "tunewright/eval/lm_eval_functions.h"
#include "tunewright/eval/lm_eval_metrics.h"
#include "tunewright/eval/python_literal.h"
#include "tunewright/eval/python_random.h"
#include "tunewright/eval/python_regex.h"

namespace tunewright::eval {
namespace {

using Strings = std::vector<std::string>;

// Drawn by Python 3.11: random.Random(1234).sample(range(10), 3), ….
TEST(PythonRandom, DrawsWhatPythonDraws) {
  PythonRandom random(1234);
  EXPECT_EQ(random.sample(10, 3), (std::vector<int64_t>{7, 1, 0}));
  EXPECT_EQ(random.sample(10, 10), (std::vector<int64_t>{1, 0, 9, 8, 2, 7, 6, 3, 5, 4}));
  EXPECT_EQ(random.sample(1000, 5), (std::vector<int64_t>{663, 638, 495, 630, 474}));
  EXPECT_EQ(random.sample(100, 6), (std::vector<int64_t>{19, 11, 23, 91, 14, 1}));
  auto many = random.sample(5000, 40);
  many.resize(12);
  EXPECT_EQ(many, (std::vector<int64_t>{4121, 3987, 2046, 528, 4432, 3816, 561, 4927, 728, 4219,
                                        4743, 376}));
  EXPECT_EQ(PythonRandom((uint64_t{1} << 40) + 5).sample(50, 4),
            (std::vector<int64_t>{32, 33, 17, 42}));
  EXPECT_EQ(PythonRandom(0).sample(21, 5), (std::vector<int64_t>{12, 13, 1, 8, 16}));
}

TEST(PythonLiteral, ReadsWhatPythonWrites) {
  EXPECT_EQ(*python_literal(R"(['it\'s', "a \"b\"", 'x' 'y', 1, -2.5, True, None, ('t',), (3)])"),
            Json::parse(R"(["it's","a \"b\"","xy",1,-2.5,true,null,["t"],3])"));
  EXPECT_EQ(*python_literal("{'a': [1, 2,], 'b': 'caf\\xe9 \\u2603'}"),
            Json::parse(R"({"a":[1,2],"b":"café ☃"})"));
  EXPECT_EQ(*python_literal(" 7 "), 7);
  for (const char* text : {"", "[1", "[1 2]", "a", "'x", "[1]]", "{1: 2}", "f(1)", "'\\q'"})
    EXPECT_FALSE(python_literal(text)) << text;
}

TEST(PythonRegex, FindsAndReplacesAsPython) {
  EXPECT_EQ(PythonRegex("a|(b)(c)?", "t").find_all("abbc"),
            (std::vector<Strings>{{"", ""}, {"b", ""}, {"b", "c"}}));
  EXPECT_EQ(PythonRegex("x*", "t").find_all("axé").size(), 4u);
  EXPECT_EQ(PythonRegex("\\[\\s*([^\\]]*?)\\s*\\]", "t").replace_all("[ a ] [b ]", "[\\1]"),
            "[a] [b]");
  EXPECT_USER_ERROR(PythonRegex("(", "task.yaml"), "task.yaml: '(' is not a regular expression");
}

TEST(LmEvalFilters, AreThoseOfTheOriginal) {
  const LmEvalPipeline strict{
      "strict",
      {{"regex", {{"regex_pattern", "#### (\\-?[0-9\\.\\,]+)"}}}, {"take_first", Json::object()}}};
  EXPECT_EQ(apply_filters(strict, "so #### 1,234 and #### 5", "t"), "1,234");
  EXPECT_EQ(apply_filters(strict, "no number", "t"), "[invalid]");
  const LmEvalPipeline last{
      "last",
      {{"regex", {{"group_select", -1}, {"regex_pattern", "(-?[$0-9.,]{2,})|(-?[0-9]+)"}}}}};
  EXPECT_EQ(apply_filters(last, "first 12 then 7", "t"), "7");
  const LmEvalPipeline words{
      "words", {{"remove_whitespace", Json::object()}, {"uppercase", Json::object()}}};
  EXPECT_EQ(apply_filters(words, "\n yes ", "t"), "YES");
  const LmEvalPipeline mapped{"mapped", {{"map", {{"mapping_dict", {{"A", "one"}}}}}}};
  EXPECT_EQ(apply_filters(mapped, "A", "t"), "one");
  EXPECT_EQ(apply_filters(mapped, "B", "t"), "None");
  const LmEvalPipeline unknown{"x", {{"regexp", Json::object()}}};
  EXPECT_USER_ERROR(apply_filters(unknown, "", "t"), "not supported (did you mean 'regex'?)");
}

TEST(LmEvalMetrics, ExactMatchIgnoresWhatItIsTold) {
  const Json options = {{"ignore_case", true},
                        {"ignore_punctuation", false},
                        {"regexes_to_ignore", {",", "\\$", "(?s).*#### ", "\\.$"}}};
  EXPECT_TRUE(lm_eval_exact_match("1,234.", "it is\n#### 1234", options, "t"));
  EXPECT_FALSE(lm_eval_exact_match("1,235", "#### 1234", options, "t"));
  EXPECT_TRUE(lm_eval_exact_match("A-b!", "ab",
                                  {{"ignore_case", true}, {"ignore_punctuation", true}}, "t"));
  EXPECT_FALSE(lm_eval_exact_match("A", "a", Json::object(), "t"));
}

class LmEvalFile : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    write_file_atomic(folder_ / name, text);
    return (folder_ / name).string();
  }
  Task load(const std::string& yaml, const std::string& docs = kDocs) {
    return load_lm_eval({.name = "t",
                         .type = TaskType::kLmEval,
                         .data = docs.empty() ? "" : write("docs.jsonl", docs),
                         .fewshot_data = shots_,
                         .task = write("task.yaml", yaml)});
  }
  static constexpr const char* kDocs =
      R"({"q":"one?","label":1,"choices":["no","it's \"yes\""],"key":"A"})"
      "\n"
      R"({"q":"two?","label":0,"choices":["a","b"],"key":"B"})"
      "\n";
  static constexpr const char* kChoice =
      "task: tiny\noutput_type: multiple_choice\ntest_split: test\ntag: [x]\n"
      "doc_to_text: \"Q: {{q}}\\nA:\"\ndoc_to_target: label\ndoc_to_choice: \"{{choices}}\"\n";
  std::string shots_;
  testing::TemporaryFolder folder_;
};

TEST_F(LmEvalFile, ChoicesAreContinuations) {
  const auto task = load(kChoice);
  ASSERT_EQ(task.items->items.size(), 2u);
  const auto& first = task.items->items[0].continuations;
  EXPECT_EQ(first[0].context, "Q: one?\nA:");
  EXPECT_EQ(first[0].text, " no");
  EXPECT_EQ(first[1].text, " it's \"yes\"");
  EXPECT_EQ(task.rows[0].reference, "it's \"yes\"");
  EXPECT_STREQ(name_of(task.metrics[0]), "acc");
  EXPECT_STREQ(name_of(task.metrics[1]), "acc_norm");
  std::vector<RowScore> scores(2);
  std::string answer;
  const auto judged = [&](double a, double b, size_t row) {
    scores[row].values.clear();
    task.items->judge(row, {.continuations = {{a, false}, {b, true}}}, scores[row], answer);
  };
  judged(-1, -2, 0);  // 2 and 10 characters: the second one is likelier by length
  judged(-1, -1, 1);  // of two alike the first
  EXPECT_EQ(scores[0].values, (std::vector<double>{0, 1}));
  EXPECT_EQ(scores[1].values, (std::vector<double>{1, 1}));
  EXPECT_EQ(answer, "a");
  const auto rows = all_rows(2);
  EXPECT_EQ(compute(task.metrics[0], scores, rows), 0.5);
}

TEST_F(LmEvalFile, ExamplesComeAsTheOriginalDrawsThem) {
  std::string lines;
  for (int i = 0; i < 10; ++i)
    lines += str(R"({"q":"s)", i, R"(","label":0,"choices":["x","y"],"key":"A"})", "\n");
  shots_ = write("shots.jsonl", lines);
  const auto yaml =
      str(kChoice, "training_split: train\nnum_fewshot: 3\ndescription: \"D {{key}}.\\n\"\n");
  const auto task = load(yaml);
  EXPECT_EQ(task.items->items[0].continuations[0].context,
            "D A.\nQ: s7\nA: x\n\nQ: s1\nA: x\n\nQ: s0\nA: x\n\nQ: one?\nA:");
  EXPECT_EQ(
      load(yaml + "fewshot_config: {sampler: first_n}\n").items->items[1].continuations[0].context,
      "D B.\nQ: s0\nA: x\n\nQ: s1\nA: x\n\nQ: s2\nA: x\n\nQ: two?\nA:");
}

TEST_F(LmEvalFile, IncludesAndGroups) {
  write("_base", kChoice);
  write("b.yaml",
        "include: _base\ntask: tiny_b\ndataset_path: json\n"
        "dataset_kwargs: {data_files: {test: b.jsonl}}\n");
  write("c.yaml",
        "include: _base\ntask: tiny_c\ndataset_path: json\n"
        "dataset_kwargs: {data_files: {test: [b.jsonl]}}\n");
  write("b.jsonl", kDocs);
  const auto task = load("group: both\ntask: [tiny_b, tiny_c]\n", "");
  EXPECT_EQ(task.rows.size(), 4u);
  EXPECT_EQ(task.rows[3].group, 1);
  EXPECT_EQ(task.metrics.size(), 6u);
  EXPECT_STREQ(name_of(task.metrics[4]), "acc/tiny_c");
  EXPECT_USER_ERROR(load("group: g\ntask: [tiny_d]\n", ""), "defines a task of the name 'tiny_d'");
  write("_loop", "include: task.yaml\n");
  EXPECT_USER_ERROR(load("include: _loop\n"), "include each other in a circle");
}

TEST_F(LmEvalFile, SaysWhatIsWrongAndWhere) {
  EXPECT_USER_ERROR(load(str(kChoice, "process_docs: !function utils.f\n")),
                    "process_docs: '!function utils.f' is Python, which is not run here");
  EXPECT_USER_ERROR(load(str(kChoice, "doc_to_txt: q\n")), "doc_to_txt: unknown key");
  EXPECT_USER_ERROR(load(str(kChoice, "doc_to_image: [q]\n")), "a task with images");
  EXPECT_USER_ERROR(load(str(kChoice, "metric_list: [{metric: bleu}]\n")),
                    "'bleu' is no metric of this output type here");
  EXPECT_USER_ERROR(load(kChoice, ""),
                    "no file for the split 'test'; data sets are not downloaded");
  EXPECT_USER_ERROR(load("output_type: multiple_choice\ntest_split: t\ndoc_to_text: q\n"
                         "doc_to_target: label\ndoc_to_choice: \"{{nothing}}\"\n"),
                    "doc_to_choice: line 1 of the template: 'nothing' is undefined");
  EXPECT_USER_ERROR(load("output_type: generate_until\ntest_split: t\ndoc_to_text: q\n"
                         "doc_to_target: key\ngeneration_kwargs: {do_sample: true}\n"),
                    "drawn answers are not supported");
  EXPECT_USER_ERROR(load("output_type: ppl\ntest_split: t\n"),
                    "output_type: 'ppl' is not supported");
}

TEST_F(LmEvalFile, AnswersAreFilteredByEachPipeline) {
  const auto task = load(
      "output_type: generate_until\ntest_split: t\ndoc_to_text: q\ndoc_to_target: key\n"
      "filter_list: [{name: raw, filter: [{function: take_first}]}, "
      "{name: up, filter: [{function: uppercase}]}]\n");
  EXPECT_EQ(task.items->stops, (Strings{"\n\n"}));
  EXPECT_STREQ(name_of(task.metrics[1]), "exact_match,up");
  RowScore score;
  std::string answer;
  task.items->judge(0, {.answer = "a"}, score, answer);
  EXPECT_EQ(score.values, (std::vector<double>{0, 1}));
}

}  // namespace
}  // namespace tunewright::eval
