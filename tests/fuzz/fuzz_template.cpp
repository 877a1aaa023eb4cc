// Any bytes as a chat template: only UserError may come out, and spans lie in the text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/text/chat_template.h"

namespace {

using namespace tunewright;

const Json& conversation() {
  static const Json messages = {
      {{"role", "system"}, {"content", "Be brief."}},
      {{"role", "user"}, {"content", "H\u00e9 <b>?"}},
      {{"role", "assistant"}, {"content", "<think>\nhm\n</think>\n\n1.5"}},
      {{"role", "user"}, {"content", ""}},
      {{"role", "assistant"}, {"content", " a {{ b }} "}}};
  return messages;
}

void check(const text::ByteSpan& span, const std::string& whole) {
  TUNEWRIGHT_ASSERT(span.begin <= span.end && span.end <= whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const Json variables = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"n", 7}, {"x", 2.5}, {"xs", {3, nullptr, "a"}}};
  try {
    const auto chat_template = text::ChatTemplate::parse(
        source, "template", variables, {.steps = 20'000, .output_bytes = size_t{1} << 20});
    const auto rendering = chat_template.render(conversation(), nullptr);
    for (const auto& span : rendering.generation) TUNEWRIGHT_ASSERT(span.begin <= span.end);
    TUNEWRIGHT_ASSERT(rendering.generation.size() == rendering.generation_messages.size());
    const auto turns = text::render_turns(chat_template, conversation(), nullptr);
    for (const auto& turn : turns.turns) {
      check(turn.span, turns.text);
      TUNEWRIGHT_ASSERT(conversation()[turn.message]["role"] == "assistant");
    }
  } catch (const UserError&) {
  }
  return 0;
}
