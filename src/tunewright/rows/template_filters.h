#pragma once
#include <string>
#include <string_view>

#include "tunewright/base/json.h"

namespace tunewright::rows {

// A filter of templates (see mapping.h) on a value; null stands for a missing one, and goes through
// all but `default`.
Json apply_filter(std::string_view name, const std::string& argument, Json value);

// A filter that is not there, or an argument that it does not take, is a UserError; `where` opens
// it.
void check_filter(const std::string& name, const std::string& argument, const std::string& where);

// Strings as they are, anything else as JSON.
std::string plain_text(const Json& value);

}  // namespace tunewright::rows
