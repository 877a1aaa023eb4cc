#include "tunewright/corpus/field_value.h"

#include <cmath>

namespace tunewright::corpus {

std::optional<std::string> name_of(const Json& value) {
  if (value.is_string()) {
    auto text = value.get<std::string>();
    return text.empty() ? std::nullopt : std::optional(std::move(text));
  }
  if (value.is_number() || value.is_boolean()) return dump_json(value);
  return std::nullopt;
}

std::optional<std::string> name_in(const Document& document, std::string_view field) {
  return name_of(document.field(field));
}

std::optional<double> number_in(const Document& document, std::string_view field) {
  const auto value = document.field(field);
  if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
  return value.get<double>();
}

}  // namespace tunewright::corpus
