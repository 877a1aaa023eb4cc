#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::corpus {

// A row of JSON Lines on its way through the workshop: its bytes, and the texts in it that steps
// look at.  What no step has a reason to change keeps its bytes.
//
// The texts are the values of `text`, `prompt`, `completion`, `chosen`, `rejected`, `instruction`,
// `input`, `output` and `system` that are strings, and each `content` of the lists `messages`,
// `prompt`, `completion`, `chosen` and `rejected`, each `value` of the list `conversations`; in the
// order of the line.
class Document {
 public:
  // Room behind a line that saves parse() a copy.
  static constexpr size_t kPadding = 64;
  // A line that is not a JSON object in UTF-8, nests deeper than 500 levels, or holds no text
  // (unless none is needed) is a UserError that says why (without place).
  static Document parse(std::string line, bool needs_text = true);

  const std::string& line() const { return line_; }
  // Decoded; at least one, unless none was needed.
  const std::vector<std::string>& texts() const { return texts_; }
  // The only text, or all of them, a newline between two.
  std::string_view text() const { return texts_.size() == 1 ? texts_.front() : joined_; }

  // Puts another text in the place of texts()[i]; every other byte of the line stays.
  void replace(size_t i, std::string text);

  // A field at the top of the row; null where there is none.
  Json field(std::string_view name) const;
  // Sets a field at the top of the row: in its place, or after the last one.
  void set_field(std::string_view name, const Json& value);

 private:
  void join_texts();

  std::string line_;
  std::vector<std::string> texts_;
  std::string joined_;  // empty where there is one text
};

}  // namespace tunewright::corpus
