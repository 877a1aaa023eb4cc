#include "tunewright/text/json_node.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {

JsonNode::JsonNode(const Json& value, std::string_view file, std::string path)
    : value_(value), file_(file), path_(std::move(path)) {}

std::string JsonNode::where() const {
  return path_.empty() ? std::string(file_) : str(file_, ": key '", path_, "'");
}

void JsonNode::fail(std::string_view problem) const {
  throw UserError(str(where(), ": ", problem));
}

void JsonNode::expected(std::string_view what) const {
  fail(str("expected ", what, ", got ", excerpt(dump_json(value_))));
}

std::string JsonNode::child(std::string_view key) const {
  return path_.empty() ? std::string(key) : str(path_, ".", key);
}

std::optional<JsonNode> JsonNode::find(const std::string& key) const {
  if (!value_.is_object()) expected("an object");
  const auto found = value_.find(key);
  if (found == value_.end() || found->is_null()) return std::nullopt;
  return JsonNode(*found, file_, child(key));
}

JsonNode JsonNode::at(const std::string& key) const {
  auto node = find(key);
  if (!node) throw UserError(str(file_, ": key '", child(key), "' is missing"));
  return *std::move(node);
}

std::vector<JsonNode> JsonNode::items() const {
  if (!value_.is_array()) expected("a list");
  std::vector<JsonNode> nodes;
  nodes.reserve(value_.size());
  for (size_t i = 0; i < value_.size(); ++i)
    nodes.emplace_back(value_[i], file_,
                       path_ + "[" + std::to_string(i) + "]");  // cheap: 50,000 merges
  return nodes;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::entries() const {
  if (!value_.is_object()) expected("an object");
  std::vector<std::pair<std::string, JsonNode>> nodes;
  for (const auto& [key, value] : value_.items())
    nodes.emplace_back(key, JsonNode(value, file_, child(key)));
  return nodes;
}

const std::string& JsonNode::as_string() const {
  if (!value_.is_string()) expected("a string");
  return value_.get_ref<const std::string&>();
}

bool JsonNode::as_bool() const {
  if (!value_.is_boolean()) expected("true or false");
  return value_.get<bool>();
}

int64_t JsonNode::as_int() const {
  if (!value_.is_number_integer()) expected("a whole number");
  return value_.get<int64_t>();
}

char32_t JsonNode::as_character() const {
  const auto& text = as_string();
  if (text.empty()) expected("one character");
  const auto character = code_point_at(text, 0);
  if (character.size != text.size()) expected("one character");
  return character.value;
}

bool JsonNode::bool_or(const std::string& key, bool otherwise) const {
  const auto node = find(key);
  return node ? node->as_bool() : otherwise;
}

std::string JsonNode::string_or(const std::string& key, const std::string& otherwise) const {
  const auto node = find(key);
  return node ? node->as_string() : otherwise;
}

size_t JsonNode::choice(std::string_view what, const std::vector<std::string>& names) const {
  const auto& name = as_string();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
  }
  fail(str(what, " '", excerpt(name), "' is not supported; known are ", join(names, ", ")));
}

}  // namespace tunewright::text
