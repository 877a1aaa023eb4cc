#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::rows {

enum class Format {
  kAuto,
  kMessages,
  kShareGpt,
  kAlpaca,
  kPromptCompletion,
  kText,
  kPreference,
  kUnpaired,
  kClassification,
  kTokens
};
inline constexpr std::array kFormatNames = {
    std::pair{"auto", Format::kAuto},
    std::pair{"messages", Format::kMessages},
    std::pair{"sharegpt", Format::kShareGpt},
    std::pair{"alpaca", Format::kAlpaca},
    std::pair{"prompt_completion", Format::kPromptCompletion},
    std::pair{"text", Format::kText},
    std::pair{"preference", Format::kPreference},
    std::pair{"unpaired", Format::kUnpaired},
    std::pair{"classification", Format::kClassification},
    std::pair{"tokens", Format::kTokens}};

// Where a row stands: opens every message about it ("train.jsonl: row 3 (line 4)").
struct RowPlace {
  std::filesystem::path file;
  int64_t row = 0;   // from 0; blank lines do not count
  int64_t line = 0;  // from 1
};
std::string describe(const RowPlace& place);

// The line of a row, not read yet.
struct RawRow {
  RowPlace place;
  std::string text;
};

// Calls `use` for each line that is not blank, in order.  A file without one is a UserError.
void for_each_raw_row(const std::filesystem::path& file, const std::function<void(RawRow&&)>& use);

// The JSON object on a line; errors as below.  Thread-safe.
Json parse_row(const RawRow& row);

// Calls `use` for each row of a JSON Lines file, in order.  A row that is not a JSON object, or is
// not valid UTF-8, is a UserError with its place.  A file without rows is a UserError.
void for_each_row(const std::filesystem::path& file,
                  const std::function<void(const RowPlace&, Json&&)>& use);

// The name of a format in configurations.
std::string format_name(Format format);

// The format that the keys of `row` show; a UserError that lists the formats where none fits.
Format detect_format(const Json& row, const RowPlace& place);

// A supervised row in one of the four shapes that training knows.
struct Row {
  enum class Kind { kMessages, kPromptCompletion, kText, kTokens } kind = Kind::kText;
  Json messages = Json::array();  // kMessages: role, content, tool_calls?, train?, weight?
  Json tools;                     // kMessages; null: none
  Json extra =
      Json::object();  // kMessages: other top-level keys for the template (enable_thinking, …)
  int64_t prompt_messages = 0;     // kMessages: so many of the first came as a `prompt` list
  std::string prompt, completion;  // kPromptCompletion; completion alone is the text of kText
  float weight = 1;                // of the row in training's loss; to_row() leaves it
  std::vector<int32_t> input_ids,
      labels;  // kTokens; label -100: not supervised, else the token's own id
};

// Checks types and maps sharegpt and alpaca to messages; prompt and completion given as lists of
// messages become kMessages with all but the completion marked "train": false (a prompt message
// that says so itself gets "weight": 0 as well).  `format` kAuto detects.  A wrong type is a
// UserError with place, key, expected, got; so is a format that has no supervised reading.
//
// alpaca: `instruction`, a newline and `input` (where it is not empty) are one user message, as in
// LLaMA-Factory; `system` and `history` (pairs of question and answer) come before it.
// sharegpt: human/user, gpt/assistant, system, tool/observation/function_response; `function_call`
// holds a call, or a list of them, as JSON.  `tools` may be a list or JSON text of one.
// tokens: without `labels` every token is supervised.
Row to_row(const Json& row, Format format, const RowPlace& place);

// A row's own "weight", of any format: a number, 0 or more (else a UserError); 1 where it has none.
float row_weight(const Json& row, const RowPlace& place);

}  // namespace tunewright::rows
