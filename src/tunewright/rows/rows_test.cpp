#include "tunewright/rows/rows.h"

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/rows/line_blocks.h"

namespace tunewright::rows {
namespace {

using testing::TemporaryFolder;

const RowPlace kPlace{.file = "train.jsonl", .row = 3, .line = 4};

Row shape(const char* json, Format format = Format::kAuto) {
  return to_row(Json::parse(json), format, kPlace);
}

struct Read {
  std::vector<Json> rows;
  std::vector<RowPlace> places;
};

Read read_text(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "rows.jsonl", bytes);
  Read read;
  for_each_row(folder / "rows.jsonl", [&](const RowPlace& place, Json&& row) {
    read.rows.push_back(std::move(row));
    read.places.push_back(place);
  });
  return read;
}

TEST(ForEachRow, SkipsBlankLinesAndCountsRowsFromZeroAndLinesFromOne) {
  const auto read = read_text("\xEF\xBB\xBF{\"a\":1}\r\n\n  \n{\"a\":2}");
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[1]["a"], 2);
  EXPECT_EQ(read.places[1].row, 1);
  EXPECT_EQ(read.places[1].line, 4);
}

TEST(ForEachLineBlock, GivesTheLinesOfForEachRawRowWhateverTheSize) {
  const TemporaryFolder folder;
  const auto file = folder / "rows.jsonl";
  for (const std::string bytes :
       {"\xEF\xBB\xBF{\"a\":1}\r\n\n  \n{\"a\":2}", "\n\n\na\n", "a", "\r\n \ra\r\n\tb\r\n\n",
        "a long line without an end to it, and more of it", "x\ny\n\nz"}) {
    write_file_atomic(file, bytes);
    std::vector<std::string> expected;
    for_each_raw_row(file, [&](RawRow&& row) { expected.push_back(row.text); });
    for (const size_t block_bytes : {1, 2, 3, 7, 1 << 20}) {
      std::vector<std::string> lines;
      for_each_line_block(file, block_bytes, [&](LineBlock&& block) {
        EXPECT_EQ(block.first_row, std::ssize(lines));
        const LineBlock moved = std::move(block);
        lines.insert(lines.end(), moved.lines.begin(), moved.lines.end());
      });
      EXPECT_EQ(lines, expected) << bytes << " in blocks of " << block_bytes;
    }
  }
  write_file_atomic(file, "\n \n");
  EXPECT_USER_ERROR(for_each_line_block(file, 8, [](LineBlock&&) {}), "has no rows");
  write_file_atomic(file, "PAR1 and so on");
  EXPECT_USER_ERROR(for_each_line_block(file, 8, [](LineBlock&&) {}), "is a Parquet file");
  EXPECT_USER_ERROR(for_each_line_block(folder.path(), 8, [](LineBlock&&) {}), "is a folder");
}

TEST(ForEachRow, KeepsTheOrderOfKeys) {
  EXPECT_EQ(read_text("{\"z\":1,\"a\":{\"y\":1,\"b\":2}}").rows[0].dump(),
            "{\"z\":1,\"a\":{\"y\":1,\"b\":2}}");
}

TEST(ForEachRow, NamesThePlaceOfABadRow) {
  EXPECT_USER_ERROR(read_text("{\"a\":1}\n\n[1]\n"),
                    "row 1 (line 3): expected a JSON object, got a list [1]");
  EXPECT_USER_ERROR(read_text("{\"a\":1}\n{\"a\":\n"), "row 1 (line 2): not valid JSON");
  EXPECT_USER_ERROR(read_text("{\"a\":\"\xff\"}\n"), "row 0 (line 1): not valid UTF-8 at byte 6");
  EXPECT_USER_ERROR(read_text("{\"a\":\"\xed\xa0\x80\"}\n"), "not valid UTF-8");
  EXPECT_USER_ERROR(read_text("{\"a\":\"\xc3"), "not valid UTF-8");
}

TEST(ForEachRow, SaysWhatToDoAboutOtherFiles) {
  EXPECT_USER_ERROR(read_text(""), "rows.jsonl: has no rows");
  EXPECT_USER_ERROR(read_text("\n \n"), "has no rows");
  EXPECT_USER_ERROR(read_text("[{\"a\":1}]"), "one object a line");
  EXPECT_USER_ERROR(read_text("PAR1\x15\x04"), "rows.jsonl");
  EXPECT_USER_ERROR(for_each_row("nowhere/rows.jsonl", [](const RowPlace&, Json&&) {}),
                    "nowhere/rows.jsonl");
}

TEST(ForEachRow, ALineWithoutAnEndIsRefused) {
  const TemporaryFolder folder;
  const auto file = folder / "rows.jsonl";
  write_file_atomic(file, "{}\n");
  fs::resize_file(file, 300 << 20);  // zeros, which take no disk
  EXPECT_USER_ERROR(for_each_raw_row(file, [](RawRow&&) {}), "has a line of more than 256.00 MiB");
  EXPECT_USER_ERROR(for_each_line_block(file, 1 << 20, [](LineBlock&&) {}), "a line of more than");
}

TEST(ForEachRow, ReadsTables) {
  const TemporaryFolder folder;
  const auto read = [](const fs::path& file) {
    std::vector<Json> rows;
    std::vector<std::string> places;
    for_each_row(file, [&](const RowPlace& place, Json&& row) {
      rows.push_back(std::move(row));
      places.push_back(describe(place));
    });
    return std::pair{rows, places};
  };
  write_file_atomic(folder / "rows.csv",
                    "prompt,completion\nHi,\"Hello, you\"\nBye,\"So\nlong\"\n");
  const auto [rows, places] = read(folder / "rows.csv");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1], (Json{{"prompt", "Bye"}, {"completion", "So\nlong"}}));
  EXPECT_TRUE(places[1].ends_with("rows.csv: row 1")) << places[1];
  write_file_atomic(folder / "rows.tsv", "text\tlabel\na\tb\n");
  EXPECT_EQ(read(folder / "rows.tsv").first[0], (Json{{"text", "a"}, {"label", "b"}}));
  write_file_atomic(folder / "ragged.csv", "a,b\n1,2\n1,2,3\n");
  EXPECT_USER_ERROR(read(folder / "ragged.csv"), "ragged.csv: row 1: ");
}

TEST(DetectFormat, LooksAtTheKeys) {
  const auto detect = [](const char* json) { return detect_format(Json::parse(json), kPlace); };
  EXPECT_EQ(detect(R"({"messages":[]})"), Format::kMessages);
  EXPECT_EQ(detect(R"({"conversations":[]})"), Format::kShareGpt);
  EXPECT_EQ(detect(R"({"instruction":"","input":"","output":""})"), Format::kAlpaca);
  EXPECT_EQ(detect(R"({"prompt":"","completion":""})"), Format::kPromptCompletion);
  EXPECT_EQ(detect(R"({"prompt":"","completion":"","label":"spam"})"), Format::kPromptCompletion);
  EXPECT_EQ(detect(R"({"prompt":"","completion":"","label":true})"), Format::kUnpaired);
  EXPECT_EQ(detect(R"({"prompt":"","chosen":"","rejected":""})"), Format::kPreference);
  EXPECT_EQ(detect(R"({"text":"","source":""})"), Format::kText);
  EXPECT_EQ(detect(R"({"text":"","label":"spam"})"), Format::kClassification);
  EXPECT_EQ(detect(R"({"input_ids":[1]})"), Format::kTokens);
  EXPECT_USER_ERROR(detect(R"({"question":1,"answer":2})"),
                    "row 3 (line 4): no known format has the keys question, answer");
}

TEST(ToRow, MessagesKeepToolsAndOtherKeysForTheTemplate) {
  const auto row = shape(R"({"messages":[{"role":"user","content":"a"},
    {"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":{}}}],"train":true,"weight":0.5}],
    "tools":[{"type":"function"}],"enable_thinking":false})");
  EXPECT_EQ(row.kind, Row::Kind::kMessages);
  EXPECT_EQ(row.messages.size(), 2u);
  EXPECT_EQ(row.tools.size(), 1u);
  EXPECT_EQ(row.extra, Json::parse(R"({"enable_thinking":false})"));
}

TEST(RowWeight, IsANumberThatIsNotNegative) {
  const auto weight = [](const char* row) { return row_weight(Json::parse(row), kPlace); };
  EXPECT_EQ(weight(R"({"text":"a"})"), 1);
  EXPECT_EQ(weight(R"({"text":"a","weight":null})"), 1);
  EXPECT_EQ(weight(R"({"text":"a","weight":0})"), 0);
  EXPECT_EQ(weight(R"({"text":"a","weight":2.5})"), 2.5F);
  for (const char* bad : {R"({"weight":-1})", R"({"weight":"12 kg"})", R"({"weight":1e300})"})
    EXPECT_USER_ERROR(weight(bad), "\"weight\": expected the row's share in the loss");
}

TEST(ToRow, ShareGptRolesBecomeMessages) {
  const auto row = shape(
      R"({"system":"s","tools":"[{\"name\":\"f\"}]","conversations":[{"from":"human","value":"q"},
    {"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{\"x\":1}}"},{"from":"observation","value":"7"},
    {"from":"gpt","value":"a","weight":2}]})");
  EXPECT_EQ(row.messages,
            Json::parse(R"([{"role":"system","content":"s"},{"role":"user","content":"q"},
    {"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"f","arguments":{"x":1}}}]},
    {"role":"tool","content":"7"},{"role":"assistant","content":"a","weight":2}])"));
  EXPECT_EQ(row.tools, Json::parse(R"([{"name":"f"}])"));
  EXPECT_TRUE(row.extra.empty());
}

TEST(ToRow, AlpacaBecomesOneExchange) {
  EXPECT_EQ(
      shape(R"({"instruction":"Add.","input":"1 2","output":"3"})").messages,
      Json::parse(R"([{"role":"user","content":"Add.\n1 2"},{"role":"assistant","content":"3"}])"));
  EXPECT_EQ(
      shape(R"({"instruction":"Hi","input":"","output":"Yo","history":[["a","b"]],"system":"s"})")
          .messages,
      Json::parse(R"([{"role":"system","content":"s"},{"role":"user","content":"a"},
              {"role":"assistant","content":"b"},{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"}])"));
}

TEST(ToRow, PromptListsAreMarkedAsUntrained) {
  const auto row = shape(
      R"({"prompt":[{"role":"user","content":"q"},{"role":"assistant","content":"a","train":false}],
    "completion":[{"role":"assistant","content":"b"}]})");
  EXPECT_EQ(row.prompt_messages, 2);
  EXPECT_EQ(row.messages, Json::parse(R"([{"role":"user","content":"q","train":false},
    {"role":"assistant","content":"a","train":false,"weight":0},{"role":"assistant","content":"b"}])"));
}

TEST(ToRow, StringsStayAsTheyStand) {
  const auto pair = shape(R"({"prompt":" p\n","completion":" c "})");
  EXPECT_EQ(pair.prompt, " p\n");
  EXPECT_EQ(pair.completion, " c ");
  EXPECT_EQ(shape(R"({"text":"t "})").completion, "t ");
  EXPECT_EQ(shape(R"({"text":"t","label":"x"})", Format::kText).completion, "t");
}

TEST(ToRow, TokensDefaultToAllSupervised) {
  EXPECT_EQ(shape(R"({"input_ids":[5,6]})").labels, (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(shape(R"({"input_ids":[5,6],"labels":[-100,6]})").labels,
            (std::vector<int32_t>{-100, 6}));
}

TEST(ToRow, AWrongTypeNamesPlaceKeyExpectedAndGot) {
  EXPECT_USER_ERROR(shape(R"({"prompt":7,"completion":"x"})"),
                    "train.jsonl: row 3 (line 4): \"prompt\": expected a string or a list of "
                    "messages, got number 7");
  EXPECT_USER_ERROR(shape(R"({"prompt":"x","completion":[]})"),
                    "\"completion\": expected a string, as the prompt is one");
  EXPECT_USER_ERROR(shape(R"({"text":["a"]})"), "\"text\": expected a string, got list [\"a\"]");
  EXPECT_USER_ERROR(shape(R"({"messages":"hi"})"),
                    "\"messages\": expected a list of messages, got string \"hi\"");
  EXPECT_USER_ERROR(shape(R"({"messages":[]})"), "has no messages");
  EXPECT_USER_ERROR(shape(R"({"messages":["hi"]})"),
                    "\"messages[0]\": expected an object with role and content");
  EXPECT_USER_ERROR(shape(R"({"messages":[{"content":"x"}]})"), "messages[0]: has no \"role\"");
  EXPECT_USER_ERROR(shape(R"({"messages":[{"role":"user"}]})"), "messages[0]: has no \"content\"");
  EXPECT_USER_ERROR(shape(R"({"messages":[{"role":"user","content":3}]})"), "messages[0].content");
  EXPECT_USER_ERROR(shape(R"({"messages":[{"role":"user","content":"x","train":1}]})"),
                    "messages[0].train\": expected true or false");
  EXPECT_USER_ERROR(shape(R"({"messages":[{"role":"user","content":"x","weight":-1}]})"),
                    "expected a number, 0 or more");
  EXPECT_USER_ERROR(shape(R"({"messages":[{"role":"user","content":"x"}],"tools":{}})"),
                    "\"tools\": expected a list");
  EXPECT_USER_ERROR(shape(R"({"conversations":[{"from":"humen","value":"x"}]})"),
                    "did you mean 'human'");
  EXPECT_USER_ERROR(shape(R"({"conversations":[{"from":"function_call","value":"x"}]})"),
                    "conversations[0].value: not valid JSON");
  EXPECT_USER_ERROR(shape(R"({"instruction":"x"})", Format::kAlpaca),
                    "\"output\": expected a string, but the row has only instruction");
}

TEST(ToRow, TokensAreChecked) {
  EXPECT_USER_ERROR(shape(R"({"input_ids":[1,2.5]})"),
                    "\"input_ids[1]\": expected a token id, got number 2.5");
  EXPECT_USER_ERROR(shape(R"({"input_ids":[-1]})"), "expected a token id");
  EXPECT_USER_ERROR(shape(R"({"input_ids":[18446744073709551615]})"), "expected a token id");
  EXPECT_USER_ERROR(shape(R"({"input_ids":[1,2],"labels":[1]})"),
                    "has 1 entries, but \"input_ids\" has 2");
  EXPECT_USER_ERROR(shape(R"({"input_ids":[1,2],"labels":[2,-100]})"), "not shifted");
}

TEST(ToRow, RefusesRowsOfOtherObjectives) {
  EXPECT_USER_ERROR(shape(R"({"text":"x","label":"spam"})"), "classification rows are for `eval`");
  EXPECT_USER_ERROR(shape(R"({"prompt":"x","chosen":"a","rejected":"b"})"), "preference rows");
  EXPECT_USER_ERROR(shape(R"({"prompt":"x","completion":"a","label":true})"), "unpaired rows");
}

}  // namespace
}  // namespace tunewright::rows
