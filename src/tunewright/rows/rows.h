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
  kAuto, kMessages, kShareGpt, kAlpaca, kPromptCompletion, kText, kPreference, kUnpaired, kClassification, kTokens
};
inline constexpr std::array kFormatNames = {
    std::pair{"auto", Format::kAuto},           std::pair{"messages", Format::kMessages},
    std::pair{"sharegpt", Format::kShareGpt},   std::pair{"alpaca", Format::kAlpaca},
    std::pair{"prompt_completion", Format::kPromptCompletion}, std::pair{"text", Format::kText},
    std::pair{"preference", Format::kPreference}, std::pair{"unpaired", Format::kUnpaired},
    std::pair{"classification", Format::kClassification},      std::pair{"tokens", Format::kTokens}};

// Where a row stands: opens every message about it ("train.jsonl: row 3 (line 4)").
struct RowPlace {
  std::filesystem::path file;
  int64_t row = 0;   // from 0; blank lines do not count
  int64_t line = 0;  // from 1
};
std::string describe(const RowPlace& place);

// Calls `use` for each row of a JSON Lines file, in order.  A row that is not a JSON object, or is
// not valid UTF-8, is a UserError with its place.  A file without rows is a UserError.
void for_each_row(const std::filesystem::path& file, const std::function<void(const RowPlace&, Json&&)>& use);

// The format that the keys of `row` show; a UserError that lists the formats where none fits.
Format detect_format(const Json& row, const RowPlace& place);

// A supervised row in one of the three shapes that training knows.
struct Row {
  enum class Kind { kMessages, kPromptCompletion, kText, kTokens } kind = Kind::kText;
  Json messages = Json::array();        // kMessages: role, content, tool_calls?, train?, weight?
  Json tools;                           // kMessages; null: none
  Json extra = Json::object();          // kMessages: other top-level keys for the template (enable_thinking, …)
  std::string prompt, completion;       // kPromptCompletion; completion alone is the text of kText
  std::vector<int32_t> input_ids, labels;  // kTokens; label -100: not supervised
};

// Checks types and maps sharegpt and alpaca to messages; prompt and completion given as lists of
// messages become kMessages with all but the completion marked "train": false.  `format` kAuto
// detects.  A wrong type is a UserError with place, key, expected, got.
Row to_row(const Json& row, Format format, const RowPlace& place);

}  // namespace tunewright::rows
