#pragma once
// Runs a step on texts or lines, for the tests of steps that compare rows.
#include <string>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/run_step.h"

namespace tunewright::corpus::testing {

struct Ran {
  std::string out;
  std::vector<Json> rows;             // of the output
  std::vector<std::string> verdicts;  // of each input row: the decision, ": " and its reason
  StepCounts counts;
  Json summary;

  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const auto& row : rows) texts.push_back(row["text"]);
    return texts;
  }
};

inline Ran run_lines(const std::string& step_name, const Json& options, const std::string& lines,
                     int64_t workers = 2) {
  const tunewright::testing::TemporaryFolder folder;
  write_file_atomic(folder / "in.jsonl", lines);
  const auto step = make_step(step_name, options);
  Ran ran;
  ran.counts = run_step(*step,
                        {.in = folder / "in.jsonl",
                         .out = folder / "out.jsonl",
                         .ledger = folder / "ledger.jsonl",
                         .workers = workers},
                        silent_reporter());
  ran.summary = step->summary();
  ran.out = read_file(folder / "out.jsonl");
  for (const auto& line : split(ran.out, '\n')) {
    if (!line.empty()) ran.rows.push_back(parse_json(line, "the output"));
  }
  for (const auto& line : split(read_file(folder / "ledger.jsonl"), '\n')) {
    if (line.empty()) continue;
    const auto entry = parse_json(line, "the ledger");
    ran.verdicts.push_back(
        entry["decision"].get<std::string>() +
        (entry.contains("reason") ? ": " + entry["reason"].get<std::string>() : ""));
  }
  // Whatever is compared leaves nothing behind.
  for (const auto& file : fs::directory_iterator(folder.path()))
    EXPECT_FALSE(file.path().filename().string().starts_with(".tunewright")) << file.path();
  return ran;
}

inline std::string lines_of(const std::vector<std::string>& texts) {
  std::string lines;
  for (const auto& text : texts) lines += dump_json(Json{{"text", text}}) + "\n";
  return lines;
}

inline Ran run_texts(const std::string& step_name, const Json& options,
                     const std::vector<std::string>& texts, int64_t workers = 2) {
  return run_lines(step_name, options, lines_of(texts), workers);
}

// Texts that break what is careless: nothing, one word, one word a million times, no word at all,
// no space anywhere, and characters of all sizes.
inline std::vector<std::string> hostile_texts() {
  std::string same, dots(5000, '.'), chinese;
  for (int i = 0; i < 200000; ++i) same += "same ";
  for (int i = 0; i < 3000; ++i) chinese += "\u4e2d\u6587\u6ca1\u6709";
  return {"",
          " ",
          "one",
          same,
          dots,
          chinese,
          std::string(1000, '\n'),
          "\U0001F600\u00e9a\u0301",
          "\t",
          "a b c",
          same,
          dots,
          chinese + "x",
          "",
          "one",
          std::string(1, '\0')};
}

}  // namespace tunewright::corpus::testing
