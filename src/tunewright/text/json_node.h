#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::text {

// A value of a JSON file together with where it stands, so that every error names the file, the
// key and what was expected.  Borrows the document and the file's name.
class JsonNode {
 public:
  JsonNode(const Json& value, std::string_view file, std::string path = "");

  JsonNode at(const std::string& key) const;                   // a missing or null one is an error
  std::optional<JsonNode> find(const std::string& key) const;  // none where missing or null
  std::vector<JsonNode> items() const;                         // of a list
  std::vector<std::pair<std::string, JsonNode>> entries() const;  // of an object

  const std::string& as_string() const;
  bool as_bool() const;
  int64_t as_int() const;
  char32_t as_character() const;  // a string of one character

  bool bool_or(const std::string& key, bool otherwise) const;
  std::string string_or(const std::string& key, const std::string& otherwise) const;

  // The index of this string in `names`; an unknown one is an error that lists those known.
  size_t choice(std::string_view what, const std::vector<std::string>& names) const;

  bool is_string() const { return value_.is_string(); }
  bool is_array() const { return value_.is_array(); }
  bool is_object() const { return value_.is_object(); }
  const std::string& path() const { return path_; }
  // "FILE: key 'a.b'", for messages.
  std::string where() const;
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  [[noreturn]] void expected(std::string_view what) const;
  std::string child(std::string_view key) const;

  const Json& value_;
  std::string_view file_;
  std::string path_;
};

}  // namespace tunewright::text
