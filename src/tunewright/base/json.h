#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tunewright {

// Keeps the order of keys, as rendered templates and written files need it.
using Json = nlohmann::ordered_json;

// `where` opens the message of the UserError that malformed text gives ("train.jsonl: row 3").
// Nesting beyond 500 levels is refused.
Json parse_json(std::string_view text, std::string_view where);
Json read_json(const std::filesystem::path& path);

// Compact text, non-ASCII kept as UTF-8; invalid UTF-8 becomes U+FFFD.
std::string dump_json(const Json& value);
// The same, indented by two spaces and ended by a newline: for files people read.
std::string pretty_json(const Json& value);

// "string", "number", …: for messages.
std::string type_name(const Json& value);

}  // namespace tunewright
