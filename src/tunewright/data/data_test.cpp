#include <algorithm>
#include <numeric>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/data/dataset.h"

namespace tunewright::data {
namespace {

using testing::TemporaryFolder;

const rows::RowPlace kPlace{.file = "train.jsonl", .row = 2, .line = 3};

const TextModel& tiny() {
  static const TextModel model = TextModel::load(testing::source_path("tests/data/tiny_chat"));
  return model;
}

rows::Row row_of(const Json& json) { return rows::to_row(json, rows::Format::kAuto, kPlace); }
rows::Row row_of(const char* json) { return row_of(Json::parse(json)); }

// The text with supervised stretches in [[ ]].
std::string marked(const Example& example) {
  std::string text;
  bool inside = false;
  for (size_t i = 0; i < example.ids.size(); ++i) {
    const bool supervised = example.labels[i] != kIgnoreLabel;
    EXPECT_EQ(example.labels[i], supervised ? example.ids[i] : kIgnoreLabel);
    if (supervised != inside) text += supervised ? "[[" : "]]";
    inside = supervised;
    text += tiny().tokenizer.decode(std::span(&example.ids[i], 1));
  }
  return inside ? text + "]]" : text;
}

std::string mark(const char* json, TrainOn train_on = TrainOn::kCompletion) {
  return marked(render(tiny(), row_of(json), train_on, kPlace));
}

constexpr const char* kTwoTurns =
    R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},
  {"role":"user","content":"c"},{"role":"assistant","content":"d"}]})";

TEST(TextModel, KnowsWhereToStop) {
  EXPECT_EQ(tiny().eos, 2);
  EXPECT_EQ(tiny().stop_ids, (std::vector<int32_t>{2, 0}));
}

TEST(TextModel, FindsTheEndOfTurnOfTheTemplate) {
  const TemporaryFolder folder;
  std::filesystem::copy(testing::source_path("tests/data/tiny_chat"), folder.path(),
                        std::filesystem::copy_options::recursive);
  write_file_atomic(folder / "tokenizer_config.json", R"({"eos_token": "<|endoftext|>"})");
  std::filesystem::remove(folder / "generation_config.json");
  const auto model = TextModel::load(folder.path());
  EXPECT_EQ(model.eos, 0);
  EXPECT_EQ(model.stop_ids, (std::vector<int32_t>{0, 2}));
  write_file_atomic(folder / "tokenizer_config.json", "{}");
  EXPECT_USER_ERROR(TextModel::load(folder.path()), "no file names the token that ends a text");
  write_file_atomic(folder / "config.json", R"({"eos_token_id": 5000})");
  EXPECT_USER_ERROR(TextModel::load(folder.path()), "eos_token_id: 5000 is not a token");
}

// The tiny model with a tokenizer that puts a BOS before each text.
TextModel with_bos() {
  auto tokenizer = read_json(testing::source_path("tests/data/tiny_chat/tokenizer.json"));
  tokenizer["post_processor"] = Json::parse(R"({"type":"TemplateProcessing",
    "single":[{"SpecialToken":{"id":"<|endoftext|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
    "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
    "special_tokens":{"<|endoftext|>":{"id":"<|endoftext|>","ids":[0],"tokens":["<|endoftext|>"]}}})");
  const TemporaryFolder folder;
  std::filesystem::copy(testing::source_path("tests/data/tiny_chat"), folder.path());
  write_file_atomic(folder / "tokenizer.json", dump_json(tokenizer));
  return TextModel::load(folder.path());
}

TEST(SpecialTokens, ABosStandsOnceBeforeStringsAndNeverBeforeTemplates) {
  const auto model = with_bos();
  const auto text_of = [&](const char* json) {
    return model.tokenizer.decode(render(model, row_of(json), TrainOn::kCompletion, kPlace).ids);
  };
  EXPECT_EQ(text_of(R"({"text":"hello"})"), "<|endoftext|>hello<|im_end|>");
  EXPECT_EQ(text_of(R"({"text":"<|endoftext|>hello"})"), "<|endoftext|>hello<|im_end|>");
  EXPECT_EQ(text_of(R"({"prompt":"a","completion":"b"})"), "<|endoftext|>ab<|im_end|>");
  EXPECT_EQ(text_of(R"({"prompt":"","completion":"b"})"), "<|endoftext|>b<|im_end|>");
  EXPECT_THAT(text_of(kTwoTurns), ::testing::StartsWith("<|im_start|>user"));
  EXPECT_EQ(model.tokenizer.decode(prompt_ids(model, "a")), "<|endoftext|>a");
}

TEST(SpecialTokens, TruncationKeepsTheBos) {
  const auto model = with_bos();
  LedgerLine ledger;
  const auto row = row_of(R"({"prompt":"abcdef","completion":"xy"})");
  const auto fitted =
      fit(model, row, {.max_length = 5, .overflow = Overflow::kTruncate}, kPlace, ledger);
  ASSERT_EQ(fitted.size(), 1u);
  EXPECT_EQ(model.tokenizer.decode(fitted[0].ids), "<|endoftext|>fxy<|im_end|>");
}

TEST(Render, TextIsSupervisedThroughout) {
  EXPECT_EQ(mark(R"({"text":"hello the user"})"), "[[hello the user<|im_end|>]]");
}

TEST(Render, AnEosThatIsWrittenStandsOnce) {
  EXPECT_EQ(mark(R"({"text":"hello<|im_end|>"})"), "[[hello<|im_end|>]]");
  EXPECT_EQ(mark(R"({"prompt":"a","completion":"b<|im_end|>"})"), "a[[b<|im_end|>]]");
}

TEST(Render, PromptAndCompletionAreTokenisedApart) {
  const auto example =
      render(tiny(), row_of(R"({"prompt":"he","completion":"llo"})"), TrainOn::kCompletion, kPlace);
  EXPECT_EQ(marked(example), "he[[llo<|im_end|>]]");
  auto ids = tiny().tokenizer.encode("he");
  for (const auto id : tiny().tokenizer.encode("llo")) ids.push_back(id);
  ids.push_back(tiny().eos);
  EXPECT_EQ(example.ids, ids);
  EXPECT_NE(example.ids.size(), tiny().tokenizer.encode("hello").size() + 1);
  EXPECT_EQ(mark(R"({"prompt":"he","completion":"llo"})", TrainOn::kAll), "[[hello<|im_end|>]]");
}

TEST(Render, EveryAssistantTurnOrTheLastOneOrAll) {
  const std::string first = "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n";
  const std::string second = "\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(mark(kTwoTurns), first + "[[b<|im_end|>]]" + second + "[[d<|im_end|>]]\n");
  EXPECT_EQ(mark(kTwoTurns, TrainOn::kAssistant), mark(kTwoTurns));
  EXPECT_EQ(mark(kTwoTurns, TrainOn::kLastAssistant),
            first + "b<|im_end|>" + second + "[[d<|im_end|>]]\n");
  EXPECT_EQ(mark(kTwoTurns, TrainOn::kAll),
            "[[" + first + "b<|im_end|>" + second + "d<|im_end|>\n]]");
}

TEST(Render, OwnTrainWinsOverTrainOn) {
  const char* row =
      R"({"messages":[{"role":"user","content":"a","train":true},{"role":"assistant","content":"b","train":false},
    {"role":"user","content":"c"},{"role":"assistant","content":"d"}]})";
  const std::string tail = "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(mark(row), "[[<|im_start|>user\na<|im_end|>\n]]<|im_start|>assistant\nb<|im_end|>\n" +
                           tail + "[[d<|im_end|>]]\n");
  EXPECT_EQ(mark(row, TrainOn::kAll),
            "[[<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n]]b<|im_end|>[[\n" + tail +
                "d<|im_end|>\n]]");
}

TEST(Render, WeightsReachTheTokens) {
  const char* row =
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0.25},
    {"role":"user","content":"c"},{"role":"assistant","content":"d","weight":0}]})";
  const auto example = render(tiny(), row_of(row), TrainOn::kCompletion, kPlace);
  EXPECT_EQ(example.supervised_tokens(), 2);  // b and its end of turn
  const auto batch = make_batch({&example});
  EXPECT_EQ(batch.weight_sum(), 0.5);
}

TEST(Render, ARowsOwnWeightMultipliesThoseOfItsTokens) {
  const auto weights_of = [](const char* json, float weight) {
    auto row = row_of(json);
    row.weight = weight;
    const auto example = render(tiny(), row, TrainOn::kCompletion, kPlace);
    std::vector<float> weights;
    for (const auto& target : make_batch({&example}).targets) weights.push_back(target.weight);
    return weights;
  };
  EXPECT_EQ(weights_of(kTwoTurns, 3), (std::vector<float>{3, 3, 3, 3}));
  EXPECT_EQ(weights_of(R"({"messages":[{"role":"user","content":"a"},
      {"role":"assistant","content":"b","weight":0.25}]})",
                       2),
            (std::vector<float>{0.5, 0.5}));
  EXPECT_EQ(weights_of(R"({"prompt":"he","completion":"l"})", 0.5), (std::vector<float>{0.5, 0.5}));
  EXPECT_TRUE(weights_of(kTwoTurns, 0).empty());
  auto plain = row_of(kTwoTurns);
  EXPECT_TRUE(render(tiny(), plain, TrainOn::kCompletion, kPlace).weights.empty());
}

TEST(Render, ToolCallsAreSupervisedAndToolsShown) {
  const auto text = mark(R"({"messages":[{"role":"user","content":"a"},
    {"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f"}}]},
    {"role":"tool","content":"7"},{"role":"assistant","content":"b"}],"tools":[{"name":"f"}]})");
  EXPECT_EQ(text,
            "<|im_start|>system\n[{\"name\": "
            "\"f\"}]<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n"
            "[[<tool>[{\"function\": {\"name\": \"f\"}}]<|im_end|>]]\n"
            "<|im_start|>tool\n7<|im_end|>\n<|im_start|>assistant\n[[b<|im_end|>]]\n");
}

TEST(Render, PromptListsAreSupervisedOnlyUnderAll) {
  const char* row = R"({"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},
    {"role":"user","content":"c"}],"completion":[{"role":"assistant","content":"d"}]})";
  EXPECT_EQ(mark(row), mark(kTwoTurns, TrainOn::kLastAssistant));
  EXPECT_EQ(mark(row, TrainOn::kAll), mark(kTwoTurns, TrainOn::kAll));
}

TEST(Render, TokensStandAsTheyAre) {
  EXPECT_EQ(mark(R"({"input_ids":[70,71],"labels":[-100,71]})"),
            tiny().tokenizer.decode(std::vector<int32_t>{70}) + "[[" +
                tiny().tokenizer.decode(std::vector<int32_t>{71}) + "]]");
  EXPECT_USER_ERROR(mark(R"({"input_ids":[70,71000]})"),
                    "train.jsonl: row 2 (line 3): \"input_ids\": token 71000 is not one of");
}

TEST(Render, TheTextSpanOfATokenDecides) {
  const auto text =
      mark(R"({"messages":[{"role":"user","content":"é"},{"role":"assistant","content":"é…"}]})");
  EXPECT_THAT(text, ::testing::EndsWith("<|im_end|>]]\n"));
  const auto example = render(
      tiny(),
      row_of(R"({"messages":[{"role":"user","content":"é"},{"role":"assistant","content":"é…"}]})"),
      TrainOn::kCompletion, kPlace);
  EXPECT_EQ(example.supervised_tokens(), 2 + 3 + 1);  // bytes of é and …, and the end of turn
}

TEST(PromptIds, TrainingContinuesThePrompt) {
  const Json messages = Json::parse(R"([{"role":"user","content":"a","train":false}])");
  const auto prompt = prompt_ids(tiny(), messages, nullptr, Json::object());
  const auto whole = render(
      tiny(),
      row_of(R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})"),
      TrainOn::kCompletion, kPlace);
  ASSERT_LT(prompt.size(), whole.ids.size());
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), whole.ids.begin()));
  EXPECT_EQ(whole.labels[prompt.size() - 1], kIgnoreLabel);
  EXPECT_NE(whole.labels[prompt.size()], kIgnoreLabel);
  EXPECT_EQ(prompt_ids(tiny(), "hello"), tiny().tokenizer.encode("hello"));
}

// ---- lengths

struct Fitted {
  std::vector<Example> examples;
  LedgerLine ledger;
};

Fitted fit_row(const Json& json, Overflow overflow, int64_t max_length,
               TrainOn train_on = TrainOn::kCompletion) {
  Fitted fitted;
  fitted.examples = fit(tiny(), row_of(json),
                        {.max_length = max_length, .overflow = overflow, .train_on = train_on},
                        kPlace, fitted.ledger);
  return fitted;
}

Json long_messages(size_t user, size_t system, size_t answer) {
  return {{"messages",
           {{{"role", "system"}, {"content", std::string(system, 's')}},
            {{"role", "user"}, {"content", std::string(user, 'q')}},
            {{"role", "assistant"}, {"content", std::string(answer, 'z')}}}}};
}

TEST(Fit, ARowThatFitsIsKept) {
  const auto fitted = fit_row({{"text", "hello"}}, Overflow::kError, 2);
  EXPECT_EQ(fitted.ledger.decision, "kept");
  EXPECT_EQ(fitted.ledger.tokens, 2);
  EXPECT_EQ(fitted.ledger.supervised_tokens, 1);
  EXPECT_EQ(
      to_json(fitted.ledger).dump(),
      R"({"source":"train.jsonl","row":2,"decision":"kept","reason":"","tokens":2,"supervised_tokens":1})");
}

TEST(Fit, ErrorNamesPlaceLengthAndLimit) {
  EXPECT_USER_ERROR(
      fit_row({{"prompt", "qqqqq"}, {"completion", "z"}}, Overflow::kError, 6),
      "train.jsonl: row 2 (line 3): has 7 tokens, more than data.max_length 6; raise max_length");
  EXPECT_USER_ERROR(fit_row({{"prompt", "qqqqq"}, {"completion", "z"}}, Overflow::kSplit, 6),
                    "has 7 tokens");
}

TEST(Fit, TextIsSplitAndNothingIsLost) {
  for (const int64_t length : {9, 10, 11, 20, 21, 22}) {
    const auto text = std::string(static_cast<size_t>(length - 1), 'z');
    for (const auto overflow : {Overflow::kError, Overflow::kSplit}) {
      const auto fitted = fit_row({{"text", text}}, overflow, 10);
      std::vector<int32_t> joined;
      for (const auto& piece : fitted.examples) {
        EXPECT_LE(piece.ids.size(), 10u);
        EXPECT_GE(piece.supervised_tokens(), 1);
        joined.insert(joined.end(), piece.ids.begin(), piece.ids.end());
      }
      EXPECT_EQ(joined,
                render(tiny(), row_of(Json{{"text", text}}), TrainOn::kCompletion, kPlace).ids);
      EXPECT_EQ(fitted.ledger.decision, length > 10 ? "changed" : "kept");
      EXPECT_EQ(fitted.ledger.tokens, length);
    }
  }
}

TEST(Fit, DropSaysWhy) {
  const auto fitted = fit_row({{"text", "zzzzzzzzzzzz"}}, Overflow::kDrop, 10);
  EXPECT_TRUE(fitted.examples.empty());
  EXPECT_EQ(fitted.ledger.decision, "dropped");
  EXPECT_EQ(fitted.ledger.reason, "13 tokens, more than max_length 10");
  EXPECT_EQ(fitted.ledger.tokens, 0);
}

TEST(Fit, ARowWithoutSupervisedTokensIsDropped) {
  const auto fitted = fit_row(Json::parse(R"({"messages":[{"role":"user","content":"a"}]})"),
                              Overflow::kError, 100);
  EXPECT_EQ(fitted.ledger.decision, "dropped");
  EXPECT_EQ(fitted.ledger.reason, "no supervised token");
}

TEST(Truncate, TextKeepsItsEos) {
  const auto fitted = fit_row({{"text", "abcdefghijkl"}}, Overflow::kTruncate, 5);
  ASSERT_EQ(fitted.examples.size(), 1u);
  EXPECT_EQ(marked(fitted.examples[0]), "[[abcd<|im_end|>]]");
}

TEST(Truncate, APromptLosesItsMiddle) {
  const auto fitted =
      fit_row({{"prompt", "abcdefghijkl"}, {"completion", "xyz"}}, Overflow::kTruncate, 9);
  ASSERT_EQ(fitted.examples.size(), 1u);
  EXPECT_EQ(marked(fitted.examples[0]), "abckl[[xyz<|im_end|>]]");
  EXPECT_EQ(fitted.ledger.reason, "truncated to 9 tokens: 16 tokens, more than max_length 9");
}

TEST(Truncate, ACompletionThatIsTooLongIsDropped) {
  const auto fitted = fit_row({{"prompt", "ab"}, {"completion", "uvwxyz"}}, Overflow::kTruncate, 7);
  EXPECT_EQ(fitted.ledger.decision, "dropped");
  EXPECT_THAT(fitted.ledger.reason,
              ::testing::HasSubstr("9 tokens, more than max_length 7, and what may not be cut"));
}

TEST(Truncate, MessagesLoseTheEndOfTheLongestContent) {
  const auto whole = fit_row(long_messages(100, 10, 5), Overflow::kError, 1000).examples[0];
  const auto limit = static_cast<int64_t>(whole.ids.size()) - 60;
  const auto fitted = fit_row(long_messages(100, 10, 5), Overflow::kTruncate, limit);
  ASSERT_EQ(fitted.examples.size(), 1u);
  EXPECT_EQ(static_cast<int64_t>(fitted.examples[0].ids.size()), limit);
  EXPECT_EQ(marked(fitted.examples[0]),
            marked(fit_row(long_messages(40, 10, 5), Overflow::kError, 1000).examples[0]));
}

TEST(Truncate, NeverCutsTheTemplateOrTheAnswer) {
  for (const auto train_on : {TrainOn::kCompletion, TrainOn::kAll}) {
    const auto bare =
        fit_row(long_messages(0, 0, 30), Overflow::kError, 1000, train_on).examples[0];
    const auto least = static_cast<int64_t>(bare.ids.size());
    for (int64_t limit = least - 2; limit < least + 45; ++limit) {
      const auto fitted = fit_row(long_messages(30, 25, 30), Overflow::kTruncate, limit, train_on);
      if (limit < least) {
        EXPECT_EQ(fitted.ledger.decision, "dropped");
        continue;
      }
      ASSERT_EQ(fitted.examples.size(), 1u);
      EXPECT_LE(fitted.examples[0].ids.size(), static_cast<size_t>(limit));
      const auto text = tiny().tokenizer.decode(fitted.examples[0].ids);
      EXPECT_THAT(text, ::testing::EndsWith("<|im_start|>assistant\n" + std::string(30, 'z') +
                                            "<|im_end|>\n"));
      EXPECT_THAT(
          text,
          ::testing::MatchesRegex(
              "<.im_start.>system\ns*<.im_end.>\n<.im_start.>user\nq*<.im_end.>\n.*z<.im_end.>\n"));
    }
  }
}

TEST(Truncate, LeavesWholeCharacters) {
  const Json row = {
      {"messages",
       {{{"role", "user"}, {"content", "ééééééééé"}}, {{"role", "assistant"}, {"content", "z"}}}}};
  const auto whole =
      static_cast<int64_t>(fit_row(row, Overflow::kError, 1000).examples[0].ids.size());
  for (int64_t cut = 1; cut < 18; ++cut) {
    const auto fitted = fit_row(row, Overflow::kTruncate, whole - cut);
    ASSERT_EQ(fitted.examples.size(), 1u) << cut;
    EXPECT_LE(static_cast<int64_t>(fitted.examples[0].ids.size()), whole - cut);
    EXPECT_THAT(tiny().tokenizer.decode(fitted.examples[0].ids),
                ::testing::Not(::testing::HasSubstr("\xEF\xBF\xBD")));
  }
}

// ---- data sets

class LoadDataset : public ::testing::Test {
 protected:
  FileOptions file(const std::string& name, const std::string& lines, double weight = 1) {
    write_file_atomic(folder_ / name, lines);
    return {.path = (folder_ / name).string(), .weight = weight};
  }
  Dataset load(const std::vector<FileOptions>& files, Overflow overflow = Overflow::kDrop) {
    return load_dataset(tiny(), files, {.max_length = 12, .overflow = overflow}, silent_reporter());
  }
  TemporaryFolder folder_;
};

TEST_F(LoadDataset, EveryRowHasALedgerLine) {
  const auto one = file(
      "one.jsonl", "{\"text\":\"hello\"}\n{\"text\":\"zzzzzzzzzzzzzzzzzzzz\"}\n{\"text\":\"\"}\n");
  const auto two = file("two.jsonl", "\n{\"prompt\":\"a\",\"completion\":\"b\"}\n");
  const auto dataset = load({one, two}, Overflow::kError);
  ASSERT_EQ(dataset.ledger.size(), 4u);
  const std::vector<std::string> decisions = {"kept", "changed", "dropped", "kept"};
  int64_t tokens = 0, supervised = 0;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(dataset.ledger[i].decision, decisions[i]);
    EXPECT_EQ(dataset.ledger[i].row, i < 3 ? static_cast<int64_t>(i) : 0);
    tokens += dataset.ledger[i].tokens;
    supervised += dataset.ledger[i].supervised_tokens;
  }
  EXPECT_EQ(dataset.ledger[3].source, two.path);
  EXPECT_EQ(tokens, dataset.tokens());
  EXPECT_EQ(supervised, dataset.supervised_tokens());
  ASSERT_EQ(dataset.examples.size(), 4u);  // the second row gave two
  EXPECT_EQ(dataset.examples[2].row, 1);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(dataset.examples.file(i), i < 3 ? 0 : 1);
  EXPECT_EQ(dataset.sha256.size(), 64u);
}

TEST_F(LoadDataset, ThreadsDoNotChangeTheOrder) {
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += str("{\"text\":\"", i, "\"}\n");
  const auto dataset = load({file("many.jsonl", lines)});
  ASSERT_EQ(dataset.examples.size(), 3000u);
  for (int64_t i = 0; i < 3000; ++i) {
    const auto example = dataset.examples[static_cast<size_t>(i)];
    EXPECT_EQ(example.row, i);
    EXPECT_EQ(tiny().tokenizer.decode(example.ids, true), str(i));
  }
}

TEST_F(LoadDataset, TheNumberOfThreadsChangesNothing) {
  std::string lines;
  for (int i = 0; i < 1000; ++i)
    lines += str("{\"text\":\"", std::string(static_cast<size_t>(i % 30), 'z'), "\"}\n");
  const std::vector<FileOptions> files = {file("rows.jsonl", lines)};
  std::vector<std::string> results;
  for (const int threads : {1, 2, 4}) {
    const auto dataset = load_dataset(
        tiny(), files, {.max_length = 12, .overflow = Overflow::kSplit, .num_workers = threads},
        silent_reporter());
    std::string result;
    for (size_t i = 0; i < dataset.examples.size(); ++i) {
      const auto example = dataset.examples[i];
      result += str(example.row, ":");
      for (const auto id : example.ids) result += str(" ", id);
      result += "\n";
    }
    dataset.ledger.text().for_each_chunk([&](std::string_view chunk) { result += chunk; });
    results.push_back(result);
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
  EXPECT_USER_ERROR(load_dataset(tiny(), files, {.num_workers = "many"}, silent_reporter()),
                    "data.num_workers: expected auto or a number from 1 to 1024, got \"many\"");
}

TEST_F(LoadDataset, ARefusedRowIsReportedBeforeALaterBrokenOne) {
  EXPECT_USER_ERROR(
      load({file("bad.jsonl", "{\"prompt\":\"zzzzzzzzzzzzzzzzz\",\"completion\":\"z\"}\n{")},
           Overflow::kError),
      "row 0 (line 1): has");
}

TEST_F(LoadDataset, TheFirstBadRowIsReported) {
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += i == 41 || i == 87 ? str("{\"text\":", i, "}\n") : "{\"text\":\"fine\"}\n";
  EXPECT_USER_ERROR(load({file("bad.jsonl", lines)}),
                    "bad.jsonl: row 41 (line 42): \"text\": expected a string, got number 41");
}

TEST_F(LoadDataset, RefusesASetThatCannotTrain) {
  EXPECT_USER_ERROR(load({file("empty.jsonl", "")}), "empty.jsonl: has no rows");
  EXPECT_USER_ERROR(load({file("none.jsonl", "{\"text\":\"\"}\n")}),
                    "none of the 1 rows can be trained on (first: row 0: no supervised token)");
  EXPECT_USER_ERROR(load({}), "names no file");
  EXPECT_USER_ERROR(load({file("zero.jsonl", "{\"text\":\"a\"}\n", 0)}), "every file has weight 0");
  EXPECT_USER_ERROR(load({file("minus.jsonl", "{\"text\":\"a\"}\n", -1)}),
                    "must be 0 or more, got -1");
}

}  // namespace
}  // namespace tunewright::data
