#include "tunewright/eval/lm_eval_fields.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/lm_eval_functions.h"
#include "tunewright/eval/python_literal.h"
#include "tunewright/text/jinja_interpreter.h"
#include "tunewright/text/python_text.h"

namespace tunewright::eval {
namespace {

namespace jinja = text::jinja;

constexpr jinja::Limits kLimits{.steps = 2'000'000,
                                .text_bytes = size_t{16} << 20,
                                .memory_bytes = size_t{256} << 20,
                                .strict_undefined = true};

bool is_digits(const std::string& text) {
  const auto points = text::python::decode(text);
  return !points.empty() && std::ranges::all_of(points, text::python::is_digit);
}

// A Python int or str where text is wanted.
std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

}  // namespace

struct DocTemplates::Parsed {
  jinja::Tree tree;
};

DocTemplates::DocTemplates() = default;
DocTemplates::~DocTemplates() = default;

std::string DocTemplates::render(const std::string& source, const Json& doc,
                                 const std::string& where) {
  try {
    auto& parsed = parsed_[source];
    if (!parsed) {
      parsed = std::make_unique<Parsed>(Parsed{jinja::parse_template(
          source, {.trim_blocks = false, .lstrip_blocks = false, .keep_trailing_newline = true})});
    }
    jinja::Dict variables;
    for (const auto& [key, value] : doc.items())
      variables.set(jinja::Value(key), jinja::from_json(value));
    return jinja::render(parsed->tree, variables, kLimits).text;
  } catch (const jinja::SyntaxFault& fault) {
    throw UserError(str(where, ": line ", fault.line(), " of the template: ", fault.what()));
  } catch (const jinja::RenderFault& fault) {
    throw UserError(str(where, ": line ", fault.line(), " of the template: ", fault.what()));
  }
}

DocReader::DocReader(const LmEvalConfig& config, std::set<std::string> features)
    : config_(config),
      features_(std::move(features)),
      templates_(std::make_unique<DocTemplates>()) {}
DocReader::DocReader(DocReader&&) noexcept = default;
DocReader::~DocReader() = default;

std::string DocReader::where(const char* key) const { return str(config_.where(), ": ", key); }

Json DocReader::column_or_text(const Json& doc, const std::string& field, const char* key,
                               bool& rendered) {
  rendered = false;
  if (features_.contains(field)) return doc.value(field, Json());
  if (is_function(field)) return known_function(field, config_.file, key)(doc);
  rendered = true;
  return templates_->render(field, doc, where(key));
}

Json DocReader::text(const Json& doc, const LmEvalFields& fields) {
  const auto& field = fields.doc_to_text;
  if (field.is_number_integer()) return field;
  if (!field.is_string()) {
    throw UserError(str(where("doc_to_text"), ": expected a template or a column, got ",
                        excerpt(dump_json(field))));
  }
  bool rendered = false;
  const Json value = column_or_text(doc, field.get<std::string>(), "doc_to_text", rendered);
  if (rendered && !config_.fields.doc_to_choice.is_null() && is_digits(value.get<std::string>()))
    return python_literal(text::python::ascii_digits(value.get<std::string>())).value_or(value);
  return value;
}

Json DocReader::target(const Json& doc, const LmEvalFields& fields) {
  const auto& field = fields.doc_to_target;
  if (field.is_number_integer() || field.is_array()) return field;
  if (!field.is_string()) {
    throw UserError(str(where("doc_to_target"), ": expected a template, a column or an index, got ",
                        excerpt(dump_json(field))));
  }
  bool rendered = false;
  const Json value = column_or_text(doc, field.get<std::string>(), "doc_to_target", rendered);
  if (!rendered) return value.is_boolean() ? Json(value.get<bool>() ? 1 : 0) : value;
  const auto words = value.get<std::string>();
  if (!config_.fields.doc_to_choice.is_null() && is_digits(words))
    return python_literal(text::python::ascii_digits(words)).value_or(value);
  if (words.size() >= 2 && words.front() == '[' && words.back() == ']')
    return python_literal(words).value_or(value);
  return value;
}

std::vector<std::string> DocReader::choices(const Json& doc, const LmEvalFields& fields) {
  Json list = fields.doc_to_choice;
  if (list.is_string()) {
    bool rendered = false;
    list = column_or_text(doc, list.get<std::string>(), "doc_to_choice", rendered);
    if (rendered) {
      const auto words = list.get<std::string>();
      const auto literal = python_literal(words);
      if (!literal) {
        throw UserError(str(where("doc_to_choice"), ": '", excerpt(words),
                            "' is not a list as Python writes it"));
      }
      list = *literal;
    }
  }
  std::vector<std::string> choices;
  if (list.is_array() || list.is_object()) {
    for (const auto& one : list) choices.push_back(text_of(one));
  }
  if (choices.empty()) {
    throw UserError(str(where("doc_to_choice"), ": expected a list of choices, got ",
                        excerpt(dump_json(list))));
  }
  return choices;
}

std::string DocReader::plain(const Json& doc, const std::string& field, const char* key) {
  if (field.empty()) return "";
  if (doc.contains(field)) return text_of(doc[field]);
  return templates_->render(field, doc, where(key));
}

}  // namespace tunewright::eval
