#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tunewright/corpus/document.h"

namespace tunewright::corpus {

// The value of a field as a name: text as it is, numbers and true/false as JSON writes them.  None
// where the field is missing, null, empty, a list or an object.
std::optional<std::string> name_in(const Document& document, std::string_view field);
std::optional<std::string> name_of(const Json& value);

// The number in a field; none where there is no finite one.
std::optional<double> number_in(const Document& document, std::string_view field);

}  // namespace tunewright::corpus
