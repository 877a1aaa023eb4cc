#include "tunewright/rows/mapping.h"

#include <array>
#include <charconv>
#include <variant>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/email.h"
#include "tunewright/rows/readers/html.h"
#include "tunewright/rows/template_filters.h"

namespace tunewright::rows {
namespace {

constexpr int kMaxDepth = 100;  // of what a map builds

enum class Parse { kEmail, kJson, kHtml, kNumber };
constexpr std::array kParseNames = {
    std::pair{"email", Parse::kEmail}, std::pair{"json", Parse::kJson},
    std::pair{"html", Parse::kHtml}, std::pair{"number", Parse::kNumber}};

Parse parse_named(const Json& name, const std::string& where) {
  std::vector<std::string> known;
  for (const auto& [word, parse] : kParseNames) {
    if (name == word) return parse;
    known.emplace_back(word);
  }
  const auto got = plain_text(name);
  throw UserError(
      str(where, ": '", excerpt(got), "' is no way to read a column", suggestion(got, known)));
}

Json number_of(const std::string& text) {
  const auto trimmed = trim(text);
  const auto* end = trimmed.data() + trimmed.size();
  int64_t whole = 0;
  if (!trimmed.empty() && std::from_chars(trimmed.data(), end, whole).ptr == end) return whole;
  double real = 0;
  if (!trimmed.empty() && std::from_chars(trimmed.data(), end, real).ptr == end && real - real == 0)
    return real;
  throw UserError(str("'", excerpt(text, 30), "' is no number"));
}

Json parsed(Parse how, const std::string& text, const MailOptions& mail) {
  switch (how) {
    case Parse::kEmail:
      return parse_mail(text, mail);
    case Parse::kJson:
      return parse_json(text, "its text");
    case Parse::kHtml:
      return html_text(text).text;
    case Parse::kNumber:
      return number_of(text);
  }
  return nullptr;
}

// Where a column stands, to be replaced: none where it is missing.
Json* find_column(Json& row, const std::vector<std::string>& steps) {
  if (const auto it = row.find(join(steps, ".")); it != row.end()) return &*it;
  auto* value = &row;
  for (const auto& step : steps) {
    if (!value->is_object() || !value->contains(step)) return nullptr;
    value = &(*value)[step];
  }
  return value;
}

const Json& object_of(const Json& value, const char* name) {
  if (!value.is_object())
    throw UserError(
        str(name, ": expected columns and what to do with them, got a ", type_name(value)));
  return value;
}

struct Parsing {
  std::vector<std::string> column;
  Parse how = Parse::kEmail;
};

struct Values {
  std::string column;
  std::vector<std::string> steps;
  Json table;
};

// What a map builds: a template, or a list or object with templates inside.
struct Member;
struct Node {
  // A literal is a number, boolean or null.
  std::variant<Json, Template, std::vector<Node>, std::vector<Member>> value;
};
struct Member {
  std::string name;
  Node node;
};

Node node_of(const Json& value, const std::string& where, int depth) {
  if (depth == 0) throw UserError(str(where, ": nested deeper than ", kMaxDepth, " levels"));
  if (value.is_string()) return {Template(value.get<std::string>(), where)};
  if (value.is_array()) {
    std::vector<Node> items;
    for (size_t i = 0; i < value.size(); ++i)
      items.push_back(node_of(value[i], str(where, "[", i, "]"), depth - 1));
    return {std::move(items)};
  }
  if (value.is_object()) {
    std::vector<Member> members;
    for (const auto& [name, member] : value.items())
      members.push_back({name, node_of(member, str(where, ".", name), depth - 1)});
    return {std::move(members)};
  }
  return {value};
}

Json built(const Node& node, const Json& row, std::string_view source) {
  if (const auto* text = std::get_if<Template>(&node.value)) return text->render(row, source);
  if (const auto* items = std::get_if<std::vector<Node>>(&node.value)) {
    Json list = Json::array();
    for (const auto& item : *items) list.push_back(built(item, row, source));
    return list;
  }
  if (const auto* members = std::get_if<std::vector<Member>>(&node.value)) {
    Json object = Json::object();
    for (const auto& [name, member] : *members) object[name] = built(member, row, source);
    return object;
  }
  return std::get<Json>(node.value);
}

}  // namespace

struct Mapping::Plan {
  std::vector<Parsing> parsings;
  std::vector<Values> values;
  std::optional<Node> map;
  MailOptions mail;

  void parse(Json& row) const {
    for (const auto& parsing : parsings) {
      auto* value = find_column(row, parsing.column);
      const auto name = join(parsing.column, ".");
      if (value == nullptr || value->is_null())
        throw UserError(str("parse.", name, ": the row has no such column"));
      if (!value->is_string()) continue;  // already more than text
      try {
        *value = parsed(parsing.how, value->get<std::string>(), mail);
      } catch (const UserError& error) {
        throw UserError(str("parse.", name, ": ", error.what()));
      }
    }
  }

  void translate(Json& row, std::string_view source) const {
    for (const auto& [column, steps, table] : values) {
      const auto value = column_value(row, steps, source);
      if (value.is_null()) throw UserError(str("values.", column, ": the row has no such column"));
      const auto text = plain_text(value);
      auto it = table.find(text);
      if (it == table.end()) it = table.find("*");
      if (it == table.end() || it->is_null())
        throw UserError(str("values.", column, ": '", excerpt(text, 40), "' is ",
                            it == table.end() ? "not listed" : "left out"));
      auto* place = find_column(row, steps);
      (place == nullptr ? row[column] : *place) = *it;
    }
  }
};

Mapping::Mapping(const SourceOptions& options) {
  auto plan = std::make_unique<Plan>();
  plan->mail = mail_options(options);
  for (const auto& [column, how] : object_of(options.parse, "parse").items())
    plan->parsings.push_back(
        {.column = split(column, '.'), .how = parse_named(how, "parse." + column)});
  for (const auto& [column, table] : object_of(options.values, "values").items())
    plan->values.push_back({.column = column,
                            .steps = split(column, '.'),
                            .table = object_of(table, ("values." + column).c_str())});
  if (!object_of(options.map, "map").empty()) plan->map = node_of(options.map, "map", kMaxDepth);
  plan_ = std::move(plan);
}

Mapping::~Mapping() = default;
Mapping::Mapping(Mapping&&) noexcept = default;

bool Mapping::is_identity() const {
  return plan_->parsings.empty() && plan_->values.empty() && !plan_->map;
}

Json Mapping::apply(Json row, std::string_view source) const {
  plan_->parse(row);
  plan_->translate(row, source);
  if (const auto& map = plan_->map) return built(*map, row, source);
  return row;
}

}  // namespace tunewright::rows
