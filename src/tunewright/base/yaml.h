#pragma once
#include <filesystem>
#include <string_view>

#include "tunewright/base/json.h"

namespace tunewright {

// YAML 1.2 core scalars become null, booleans, integers, floats (1e-4 too) and strings; quoted
// scalars stay strings; a scalar with a tag of its own ("!function f") becomes that text; a
// repeated key is an error.  `where` opens error messages.
Json parse_yaml(std::string_view text, std::string_view where);
Json read_yaml(const std::filesystem::path& path);
// Block style; reads back as the same value.
std::string dump_yaml(const Json& value);

}  // namespace tunewright
