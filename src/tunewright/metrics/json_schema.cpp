#define PCRE2_CODE_UNIT_WIDTH 8
#include "tunewright/metrics/json_schema.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

constexpr std::array kTypes = {"null", "boolean", "integer", "number", "string", "array", "object"};
constexpr std::array kDescribing = {"title",  "description", "default",  "examples",
                                    "format", "$schema",     "$comment", "$id"};

// A search anywhere in a text, as a schema's `pattern` means it.
class Search {
 public:
  Search(const std::string& pattern, const std::string& place) : pattern_(pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF, &error, &offset, nullptr));
    if (!code_)
      throw UserError(str(place, ": '", excerpt(pattern), "' is not a regular expression"));
    context_.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context_.get(),
                          1'000'000);  // a hostile text gives up, and does not match
  }

  bool matches(const std::string& text) const {
    const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr), &pcre2_match_data_free);
    return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                       data.get(), context_.get()) >= 0;
  }
  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::unique_ptr<pcre2_code, void (*)(pcre2_code*)> code_{nullptr, &pcre2_code_free};
  std::unique_ptr<pcre2_match_context, void (*)(pcre2_match_context*)> context_{
      nullptr, &pcre2_match_context_free};
};

bool is_whole(const Json& value) {
  if (value.is_number_integer()) return true;
  return value.is_number_float() && value.get<double>() == std::trunc(value.get<double>());
}

bool is_type(const Json& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return is_whole(value);
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return value.is_object();
}

[[noreturn]] void fail(const std::string& place, const char* expected, const Json& got) {
  throw UserError(str(place, ": expected ", expected, ", got ", excerpt(dump_json(got))));
}

std::vector<std::string> read_strings(const Json& value, const std::string& place) {
  if (!value.is_array()) fail(place, "a list of strings", value);
  std::vector<std::string> out;
  for (const auto& item : value) {
    if (!item.is_string()) fail(place, "a list of strings", value);
    out.push_back(item.get<std::string>());
  }
  return out;
}

// Equal as JSON means it: the order of keys makes no difference, nor does 1 or 1.0.
bool same(const Json& a, const Json& b) {
  if (a.is_array() && b.is_array()) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
  }
  if (!a.is_object() || !b.is_object()) return a == b;
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.items()) {
    const auto it = b.find(key);
    if (it == b.end() || !same(value, *it)) return false;
  }
  return true;
}

// What a bound measures; none where the value has no such size.
using Measure = std::optional<double> (*)(const Json&);
std::optional<double> number_of(const Json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}
std::optional<double> length_of(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  return static_cast<double>(text::python::length(value.get_ref<const std::string&>()));
}
std::optional<double> items_of(const Json& value) {
  return value.is_array() ? std::optional(static_cast<double>(value.size())) : std::nullopt;
}

struct Bound {
  const char* keyword;
  Measure measure;
  bool (*holds)(double value, double bound);
};
bool at_least(double value, double bound) { return value >= bound; }
bool at_most(double value, double bound) { return value <= bound; }
bool above(double value, double bound) { return value > bound; }
bool below(double value, double bound) { return value < bound; }
constexpr std::array kBounds = {
    Bound{"minimum", number_of, at_least},       Bound{"maximum", number_of, at_most},
    Bound{"exclusiveMinimum", number_of, above}, Bound{"exclusiveMaximum", number_of, below},
    Bound{"minLength", length_of, at_least},     Bound{"maxLength", length_of, at_most},
    Bound{"minItems", items_of, at_least},       Bound{"maxItems", items_of, at_most}};

}  // namespace

struct JsonSchema::Rules {
  bool never = false;  // the schema `false`
  std::vector<std::string> types, required;
  std::optional<std::vector<Json>> values;  // of enum or const
  std::map<std::string, JsonSchema> properties;
  std::unique_ptr<JsonSchema> items, additional;
  std::unique_ptr<Search> pattern;
  std::vector<std::pair<const Bound*, double>> bounds;

  void read(const std::string& keyword, const Json& value, const std::string& place);
  void read_types(const Json& value, const std::string& place);
  bool read_bound(const std::string& keyword, const Json& value, const std::string& place);
  std::string problem_of_kind(const Json& value, const std::string& place) const;
  std::string problem_of_object(const Json& value, const std::string& place) const;
  std::string problem_of_items(const Json& value, const std::string& place) const;
};

void JsonSchema::Rules::read_types(const Json& value, const std::string& place) {
  types = read_strings(value.is_string() ? Json::array({value}) : value, place);
  const std::vector<std::string> known(kTypes.begin(), kTypes.end());
  for (const auto& type : types) {
    if (std::find(known.begin(), known.end(), type) == known.end())
      throw UserError(str(place, ": '", type, "' is not a type", suggestion(type, known)));
  }
}

bool JsonSchema::Rules::read_bound(const std::string& keyword, const Json& value,
                                   const std::string& place) {
  for (const auto& bound : kBounds) {
    if (keyword != bound.keyword) continue;
    if (!value.is_number()) fail(place, "a number", value);
    bounds.emplace_back(&bound, value.get<double>());
    return true;
  }
  return false;
}

void JsonSchema::Rules::read(const std::string& keyword, const Json& value,
                             const std::string& place) {
  if (keyword == "type") return read_types(value, place);
  if (keyword == "required") {
    required = read_strings(value, place);
  } else if (keyword == "enum") {
    if (!value.is_array()) fail(place, "a list of values", value);
    values.emplace(value.begin(), value.end());
  } else if (keyword == "const") {
    values.emplace({value});
  } else if (keyword == "properties") {
    if (!value.is_object()) fail(place, "keys with a schema each", value);
    for (const auto& [key, schema] : value.items())
      properties.emplace(key, JsonSchema(schema, place + "." + key));
  } else if (keyword == "items") {
    items = std::make_unique<JsonSchema>(value, place);
  } else if (keyword == "additionalProperties") {
    additional = std::make_unique<JsonSchema>(value, place);
  } else if (keyword == "pattern") {
    if (!value.is_string()) fail(place, "a regular expression", value);
    pattern = std::make_unique<Search>(value.get<std::string>(), place);
  } else if (!read_bound(keyword, value, place)) {
    for (const auto* known : kDescribing) {
      if (keyword == known) return;
    }
    throw UserError(str(place, ": this keyword is not checked here; leave it out, or say it with ",
                        "type, properties, required, enum, const, items, additionalProperties, "
                        "pattern and the bounds"));
  }
}

std::string JsonSchema::Rules::problem_of_kind(const Json& value, const std::string& place) const {
  const auto is_it = [&](const std::string& type) { return is_type(value, type); };
  if (!types.empty() && std::none_of(types.begin(), types.end(), is_it))
    return str(place, ": is a ", type_name(value), ", not ", join(types, " or "));
  const auto equals = [&](const Json& allowed) { return same(allowed, value); };
  if (values && std::none_of(values->begin(), values->end(), equals))
    return str(place, ": ", excerpt(dump_json(value)), " is not one of the allowed values");
  if (pattern && value.is_string() && !pattern->matches(value.get_ref<const std::string&>()))
    return str(place, ": does not match ", excerpt(pattern->pattern()));
  for (const auto& [bound, limit] : bounds) {
    const auto size = bound->measure(value);
    if (size && !bound->holds(*size, limit))
      return str(place, ": ", *size, " is beyond ", bound->keyword, " ", limit);
  }
  return "";
}

std::string JsonSchema::Rules::problem_of_object(const Json& value,
                                                 const std::string& place) const {
  for (const auto& key : required) {
    if (!value.contains(key)) return str(place, ": '", key, "' is missing");
  }
  for (const auto& [key, item] : value.items()) {
    const auto known = properties.find(key);
    const auto* schema = known != properties.end() ? &known->second : additional.get();
    if (schema == nullptr) continue;
    if (auto found = schema->problem(item, place + "." + key); !found.empty()) return found;
  }
  return "";
}

std::string JsonSchema::Rules::problem_of_items(const Json& value, const std::string& place) const {
  for (size_t i = 0; items && i < value.size(); ++i) {
    if (auto found = items->problem(value[i], str(place, "[", i, "]")); !found.empty())
      return found;
  }
  return "";
}

JsonSchema::JsonSchema(const Json& schema, const std::string& place) {
  auto rules = std::make_unique<Rules>();
  if (schema.is_boolean()) {
    rules->never = !schema.get<bool>();
  } else if (!schema.is_object()) {
    fail(place, "a schema (keys and values)", schema);
  } else {
    for (const auto& [keyword, value] : schema.items())
      rules->read(keyword, value, place + "." + keyword);
  }
  rules_ = std::move(rules);
}
JsonSchema::~JsonSchema() = default;
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;

std::string JsonSchema::problem(const Json& value, const std::string& place) const {
  if (rules_->never) return str(place, ": is not allowed here");
  if (auto found = rules_->problem_of_kind(value, place); !found.empty()) return found;
  if (value.is_object()) return rules_->problem_of_object(value, place);
  return value.is_array() ? rules_->problem_of_items(value, place) : "";
}

}  // namespace tunewright::metrics
