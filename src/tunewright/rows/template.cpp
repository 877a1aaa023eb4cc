#include <charconv>
#include <filesystem>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/mapping.h"
#include "tunewright/rows/template_filters.h"

namespace tunewright::rows {
namespace {

// {path.…} of a source's path; null for an unknown step.
Json path_value(std::string_view source, std::span<const std::string> steps) {
  std::filesystem::path path(source);
  if (steps.empty()) return std::string(source);
  for (size_t i = 0; i + 1 < steps.size(); ++i) {
    if (steps[i] != "parent") return nullptr;
    path = path.parent_path();
  }
  const auto& last = steps.back();
  if (last == "name") return path.filename().string();
  if (last == "stem") return path.stem().string();
  if (last == "extension") return path.extension().string();
  if (last == "parent") return path.parent_path().filename().string();
  return nullptr;
}

const Json* step_into(const Json& value, const std::string& step) {
  if (value.is_object()) {
    const auto it = value.find(step);
    return it == value.end() ? nullptr : &*it;
  }
  size_t index = 0;
  const auto* end = step.data() + step.size();
  const bool is_index = std::from_chars(step.data(), end, index).ptr == end;
  return value.is_array() && is_index && index < value.size() ? &value[index] : nullptr;
}

const Json* find_value(const Json& row, std::span<const std::string> steps) {
  // A name may have dots of its own.
  if (const auto it = row.find(join(steps, ".")); it != row.end()) return &*it;
  const auto* value = &row;
  for (const auto& step : steps) {
    value = step_into(*value, step);
    if (value == nullptr) return nullptr;
  }
  return value;
}

std::string known_columns(const Json& row) {
  std::vector<std::string> names;
  for (const auto& [name, value] : row.items()) {
    if (names.size() == 12) {
      names.emplace_back("…");
      break;
    }
    names.push_back(excerpt(name, 30));
  }
  return join(names, ", ");
}

}  // namespace

Json column_value(const Json& row, std::span<const std::string> steps, std::string_view source) {
  if (const auto* value = find_value(row, steps)) return *value;
  return steps.front() == "path" ? path_value(source, steps.subspan(1)) : Json(nullptr);
}

Template::Part Template::parse_part(std::string_view inside, const std::string& where) {
  auto words = split(inside, '|');
  auto name = std::string(trim(words.front()));
  Part part;
  if (name.ends_with('?')) {
    part.optional = true;
    name.pop_back();
  }
  if (name.empty())
    throw UserError(
        str(where, ": '{", excerpt(inside, 30), "}' names no column; write {{ and }} for braces"));
  part.column = split(name, '.');
  for (size_t i = 1; i < words.size(); ++i) {
    const auto colon = words[i].find(':');
    Filter filter{.name = std::string(trim(std::string_view(words[i]).substr(0, colon)))};
    if (colon != std::string::npos) filter.argument = words[i].substr(colon + 1);
    check_filter(filter.name, filter.argument, where);
    part.filters.push_back(std::move(filter));
  }
  return part;
}

void Template::add_literal(char c) {
  if (parts_.empty() || !parts_.back().column.empty()) parts_.emplace_back();
  parts_.back().text += c;
}

Template::Template(std::string_view text, std::string where) : where_(std::move(where)) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_doubled = (c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c;
    if (is_doubled || (c != '{' && c != '}')) {
      add_literal(c);
      i += is_doubled ? 1 : 0;
      continue;
    }
    const auto end = text.find('}', i);
    if (c == '}' || end == std::string_view::npos)
      throw UserError(str(where_, ": a single '", c, "' at byte ", i, " of '", excerpt(text),
                          "'; write {{ and }} for braces"));
    parts_.push_back(parse_part(text.substr(i + 1, end - i - 1), where_));
    i = end;
  }
}

Json Template::value_of(const Part& part, const Json& row, std::string_view source) const {
  auto value = column_value(row, part.column, source);
  for (const auto& filter : part.filters)
    value = apply_filter(filter.name, filter.argument, std::move(value));
  if (!value.is_null()) return value;
  if (part.optional) return "";
  throw UserError(str(where_, ": there is no '", join(part.column, "."), "' (the row has ",
                      known_columns(row), ")"));
}

Json Template::render(const Json& row, std::string_view source) const {
  if (parts_.size() == 1 && !parts_[0].column.empty()) return value_of(parts_[0], row, source);
  std::string text;
  for (const auto& part : parts_)
    text += part.column.empty() ? part.text : plain_text(value_of(part, row, source));
  return text;
}

}  // namespace tunewright::rows
