#pragma once
#include <optional>
#include <string_view>

#include "tunewright/base/json.h"

namespace tunewright::eval {

// What Python's ast.literal_eval makes of a text: lists, tuples (as lists), dicts with text keys,
// strings, numbers, True, False, None.  None where the text is not a literal.
std::optional<Json> python_literal(std::string_view text);

}  // namespace tunewright::eval
