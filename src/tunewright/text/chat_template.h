#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/json.h"
#include "tunewright/text/tokenizer.h"

namespace tunewright::text {

struct TemplateLimits {
  int64_t steps = 2'000'000;  // evaluated nodes of one rendering
  size_t output_bytes = 64 << 20;
};

// An error that the template itself makes: raise_exception, an undefined value in use, a wrong
// type.
class TemplateError : public UserError {
 public:
  TemplateError(const std::string& where, int line, const std::string& words);
  const std::string& words() const { return words_; }  // as Jinja would say it
  int line() const { return line_; }

 private:
  std::string words_;
  int line_;
};

struct RenderOptions {
  bool add_generation_prompt = false;
  Json extra = Json::object();  // other variables: enable_thinking, documents, …
};

struct Rendering {
  std::string text;
  // What stood in {% generation %} blocks, in order, as bytes of `text`.
  std::vector<ByteSpan> generation;
  // The message that each of them came from; none where it stood outside of a loop over messages.
  std::vector<std::optional<size_t>> generation_messages;
  bool has_generation_blocks = false;  // the template has such blocks at all
};

// A Hugging Face chat template: Jinja as transformers runs it (trim_blocks, lstrip_blocks, loop
// controls), sandboxed, with limits on steps and size.  Immutable; rendering is thread-safe.
class ChatTemplate {
 public:
  // From chat_template.jinja, else chat_template.json, else tokenizer_config.json ("chat_template",
  // of several named ones "default"); bos_token & co. come from tokenizer_config.json.
  // A folder without one is a UserError.
  static ChatTemplate load(const std::filesystem::path& folder);
  // `variables`: bos_token, eos_token, ….  A syntax error is a UserError with `where` and the line.
  static ChatTemplate parse(std::string_view source, std::string_view where,
                            Json variables = Json::object(), TemplateLimits limits = {});

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // What goes wrong inside the template is a TemplateError; an exceeded limit is a plain UserError.
  Rendering render(const Json& messages, const Json& tools,
                   const RenderOptions& options = {}) const;

  const std::string& source() const;
  const std::string& where() const;
  const Json& variables() const;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// Where each message of a conversation came out in the rendering.
struct TurnSpans {
  std::string text;
  struct Turn {
    size_t message = 0;  // index in `messages`; always an assistant message
    ByteSpan span;  // content and end-of-turn, without the header that the generation prompt gives
  };
  std::vector<Turn> turns;
};

// Renders a whole conversation and finds its assistant turns: from {% generation %} where the
// template has it, else by rendering prefixes.  A template that can do neither is a UserError that
// says so.  With `only_last`, only the last assistant turn has to be found.
TurnSpans render_turns(const ChatTemplate& chat_template, const Json& messages, const Json& tools,
                       const RenderOptions& options = {}, bool only_last = false);

}  // namespace tunewright::text
