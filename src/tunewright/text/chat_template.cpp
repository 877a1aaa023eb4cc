#include "tunewright/text/chat_template.h"

#include <algorithm>
#include <array>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/text/jinja_interpreter.h"
#include "tunewright/text/jinja_lexer.h"

namespace tunewright::text {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMemoryPerOutput = 16;  // what a rendering may make in all, relative to its output

// A special token as the files write it: a string, or an object with "content".
std::string token_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    return value["content"].get<std::string>();
  }
  return {};
}

void add_special_tokens(Json& variables, const Json& file) {
  if (!file.is_object()) return;
  for (const auto& [key, value] : file.items()) {
    const std::string text = key.ends_with("_token") ? token_text(value) : "";
    if (!text.empty() && !variables.contains(key)) variables[key] = text;
  }
}

// "chat_template" is one template or a list of named ones.
std::optional<std::string> template_of(const Json& file, const fs::path& path) {
  if (!file.is_object() || !file.contains("chat_template")) return std::nullopt;
  const Json& value = file["chat_template"];
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) {
    throw UserError(
        str(path.string(), ": chat_template must be a string or a list, not ", type_name(value)));
  }
  for (const Json& one : value) {
    const bool named = one.is_object() && one.contains("name") && one.contains("template");
    if (named && one["name"] == "default" && one["template"].is_string())
      return one["template"].get<std::string>();
  }
  throw UserError(str(path.string(), ": chat_template has no template of the name 'default'"));
}

Json read_optional(const fs::path& path) { return fs::exists(path) ? read_json(path) : Json(); }

// As transformers hands messages to a template: keys without a value are left out, and reasoning is
// there under the names that templates read.
Json normalized(const Json& message) {
  Json out = Json::object();
  const Json* reasoning = nullptr;
  for (const char* key : {"reasoning_content", "thinking", "reasoning"}) {
    const auto at = message.find(key);
    if (reasoning == nullptr && at != message.end() && !at->is_null()) reasoning = &*at;
  }
  if (reasoning != nullptr) out["thinking"] = *reasoning;
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) out[key] = value;
  }
  if (reasoning != nullptr) out["reasoning_content"] = *reasoning;
  return out;
}

jinja::Value message_values(const Json& messages, const std::string& where) {
  if (!messages.is_array())
    throw UserError(str(where, ": messages must be a list, not ", type_name(messages)));
  jinja::Items items;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].is_object()) {
      throw UserError(
          str(where, ": message ", i, " must be an object, not ", type_name(messages[i])));
    }
    items.push_back(jinja::from_json(normalized(messages[i])));
  }
  return jinja::Value::sequence(std::move(items));
}

}  // namespace

TemplateError::TemplateError(const std::string& where, int line, const std::string& words)
    : UserError(str(where, ": line ", line, ": ", words)), words_(words), line_(line) {}

struct ChatTemplate::Impl {
  std::string source, where;
  Json variables;
  TemplateLimits limits;
  jinja::Tree tree;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

const std::string& ChatTemplate::source() const { return impl_->source; }
const std::string& ChatTemplate::where() const { return impl_->where; }
const Json& ChatTemplate::variables() const { return impl_->variables; }

ChatTemplate ChatTemplate::load(const fs::path& folder) {
  const fs::path config_path = folder / "tokenizer_config.json";
  const Json config = read_optional(config_path);
  Json variables = Json::object();
  add_special_tokens(variables, config);
  add_special_tokens(variables, read_optional(folder / "special_tokens_map.json"));
  if (const fs::path path = folder / "chat_template.jinja"; fs::exists(path)) {
    return parse(read_file(path), path.string(), variables);
  }
  const fs::path json_path = folder / "chat_template.json";
  if (const auto source = template_of(read_optional(json_path), json_path)) {
    return parse(*source, json_path.string(), variables);
  }
  if (const auto source = template_of(config, config_path)) {
    return parse(*source, config_path.string() + ": chat_template", variables);
  }
  throw UserError(str(folder.string(),
                      ": no chat template: neither chat_template.jinja, chat_template.json nor "
                      "\"chat_template\" in tokenizer_config.json; put one there, or use rows of "
                      "the format text or "
                      "prompt_completion"));
}

ChatTemplate ChatTemplate::parse(std::string_view source, std::string_view where, Json variables,
                                 TemplateLimits limits) {
  auto impl = std::make_unique<Impl>();
  impl->source = source;
  impl->where = where;
  impl->variables = std::move(variables);
  impl->limits = limits;
  try {
    impl->tree = jinja::parse_template(source);
  } catch (const jinja::SyntaxFault& fault) {
    throw UserError(str(where, ": line ", fault.line(), ": ", fault.what()));
  }
  return ChatTemplate(std::move(impl));
}

Rendering ChatTemplate::render(const Json& messages, const Json& tools,
                               const RenderOptions& options) const {
  jinja::Dict variables;
  const auto set = [&](const std::string& name, jinja::Value value) {
    variables.set(jinja::Value(name), std::move(value));
  };
  for (const auto& [name, value] : impl_->variables.items()) set(name, jinja::from_json(value));
  set("documents", jinja::Value());
  for (const auto& [name, value] : options.extra.items()) set(name, jinja::from_json(value));
  set("messages", message_values(messages, impl_->where));
  set("tools", jinja::from_json(tools));
  set("add_generation_prompt", jinja::Value(options.add_generation_prompt));
  jinja::Limits limits;
  limits.steps = impl_->limits.steps;
  limits.text_bytes = impl_->limits.output_bytes;
  limits.memory_bytes = impl_->limits.output_bytes * kMemoryPerOutput;
  try {
    jinja::Rendered rendered = jinja::render(impl_->tree, variables, limits);
    return {std::move(rendered.text), std::move(rendered.generation),
            std::move(rendered.generation_messages), impl_->tree.has_generation};
  } catch (const jinja::RenderFault& fault) {
    if (!fault.is_limit()) throw TemplateError(impl_->where, fault.line(), fault.what());
    throw UserError(str(impl_->where, ": line ", fault.line(), ": ", fault.what()));
  }
}

}  // namespace tunewright::text
