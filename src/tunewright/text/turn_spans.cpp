// Where the assistant's turns came out in a rendered conversation.
#include <algorithm>
#include <functional>

#include "tunewright/base/str.h"
#include "tunewright/text/chat_template.h"

namespace tunewright::text {
namespace {

bool is_assistant(const Json& message) {
  return message.is_object() && message.value("role", Json()) == "assistant";
}

size_t common_prefix(std::string_view left, std::string_view right) {
  return static_cast<size_t>(
      std::mismatch(left.begin(), left.end(), right.begin(), right.end()).first - left.begin());
}

size_t common_suffix(std::string_view left, std::string_view right) {
  return static_cast<size_t>(
      std::mismatch(left.rbegin(), left.rend(), right.rbegin(), right.rend()).first -
      left.rbegin());
}

Json first_messages(const Json& messages, size_t count) {
  Json out = Json::array();
  for (size_t i = 0; i < count; ++i) out.push_back(messages[i]);
  return out;
}

// Finds turns by rendering beginnings of the conversation and conversations in which the content of
// one message is another.  No content is ever searched for: what is compared are whole renderings.
class PrefixFinder {
 public:
  PrefixFinder(const ChatTemplate& chat_template, const Json& messages, const Json& tools,
               const RenderOptions& options, const std::string& whole)
      : template_(chat_template),
        messages_(messages),
        tools_(tools),
        options_(options),
        whole_(whole) {}

  std::optional<ByteSpan> turn(size_t message) const {
    const auto begin = start_of(message);
    const auto end = begin ? end_of(message) : std::nullopt;
    if (!end || *end < *begin) return std::nullopt;
    return ByteSpan{*begin, *end};
  }

 private:
  // Two contents that differ in their first and in their last letter.
  struct Probes {
    std::string first, second;
    // What surrounds the content.
    size_t before() const { return common_prefix(first, second); }
    std::string_view after() const {
      const std::string_view text = first;
      return text.substr(text.size() -
                         std::min(common_suffix(first, second), text.size() - before()));
    }
  };

  // None where the template refuses these messages.
  std::optional<std::string> render(const Json& messages, bool prompt) const {
    RenderOptions options = options_;
    options.add_generation_prompt = prompt;
    try {
      return template_.render(messages, tools_, options).text;
    } catch (const TemplateError&) {
      return std::nullopt;
    }
  }

  bool begins_whole(const std::optional<std::string>& text) const {
    return text && whole_.starts_with(*text);
  }

  // The first `count` messages with other contents of message `index`.
  std::optional<Probes> probe(size_t index, size_t count) const {
    const auto with_content = [&](const std::string& content) {
      Json messages = first_messages(messages_, count);
      Json& held = messages[index]["content"];
      held = held.is_array() ? Json::array({Json{{"type", "text"}, {"text", content}}})
                             : Json(content);
      return render(messages, options_.add_generation_prompt && count == messages_.size());
    };
    auto first = with_content("qa"), second = with_content("zb");
    if (!first || !second || *first == *second) return std::nullopt;
    return Probes{*std::move(first), *std::move(second)};
  }

  // Where message `index` ends: where the rendering of the messages up to it does, if what follows
  // leaves that as it is; else where the text that follows its content begins, plus its end of
  // turn.
  std::optional<size_t> end_of(size_t index) const {
    const auto upto = render(first_messages(messages_, index + 1), false);
    if (begins_whole(upto)) return upto->size();
    const std::string eos = template_.variables().value("eos_token", std::string());
    if (upto && !eos.empty() &&
        upto->ends_with(eos)) {  // templates that end every conversation with it
      const std::string without = upto->substr(0, upto->size() - eos.size());
      if (whole_.starts_with(without)) return without.size();
    }
    const auto in_whole = probe(index, messages_.size()), alone = probe(index, index + 1);
    if (!in_whole || !alone) return std::nullopt;
    const std::string_view rest = in_whole->after(), turn_end = alone->after();
    if (turn_end.empty() || !whole_.ends_with(rest) || !rest.starts_with(turn_end))
      return std::nullopt;
    return whole_.size() - rest.size() + turn_end.size();
  }

  // Nothing stands before the first message, and the template may then leave out what opens a text.
  std::optional<size_t> start_of_first(std::string_view header) const {
    const auto probes = probe(0, messages_.size());
    if (!probes) return std::nullopt;
    const std::string_view opening = std::string_view(probes->first).substr(0, probes->before());
    if (!opening.ends_with(header) || !whole_.starts_with(opening)) return std::nullopt;
    return opening.size();
  }

  // Where the generation prompt before message `index` ends.
  std::optional<size_t> start_of(size_t index) const {
    const Json before = first_messages(messages_, index);
    const auto prompted = render(before, true);
    if (begins_whole(prompted)) return prompted->size();
    const auto plain = render(before, false);
    if (!prompted || !plain || !prompted->starts_with(*plain)) return std::nullopt;
    const std::string_view header = std::string_view(*prompted).substr(plain->size());
    if (index == 0) return start_of_first(header);
    std::optional<size_t> before_header;
    if (begins_whole(plain)) {
      before_header = plain->size();
    } else if (index > 0) {
      before_header = end_of(index - 1);
    }
    const auto probes = probe(index, messages_.size());
    if (!before_header || !probes) return std::nullopt;
    const size_t base = *before_header;
    if (base > probes->before()) return std::nullopt;
    // A prompt that says more than the turn has, as an empty thought: what both have.
    const std::string_view here =
        std::string_view(probes->first).substr(base, probes->before() - base);
    const std::string_view there = std::string_view(whole_).substr(base);
    const size_t shared = common_prefix(header.substr(0, common_prefix(header, here)), there);
    if (shared == 0 && !header.empty()) return std::nullopt;
    return base + shared;
  }

  const ChatTemplate& template_;
  const Json& messages_;
  const Json& tools_;
  const RenderOptions& options_;
  const std::string& whole_;
};

// A block outside of the loop over messages belongs to the turn before it.
std::vector<TurnSpans::Turn> turns_of_blocks(const Rendering& rendering, const Json& messages) {
  std::vector<TurnSpans::Turn> turns;
  std::optional<size_t> current;
  for (size_t i = 0; i < messages.size() && !current; ++i) {
    if (is_assistant(messages[i])) current = i;
  }
  for (size_t i = 0; i < rendering.generation.size(); ++i) {
    const auto message = rendering.generation_messages[i];
    if (message && is_assistant(messages[*message])) current = message;
    if (current) turns.push_back({*current, rendering.generation[i]});
  }
  return turns;
}

[[noreturn]] void fail(const ChatTemplate& chat_template, size_t message) {
  throw UserError(
      str(chat_template.where(), ": cannot tell where assistant message ", message,
          " stands in the rendered conversation: the template has no {% generation %} block, and "
          "renders "
          "the messages before it differently when more follow; use train_on: last_assistant, or a "
          "template with {% generation %}"));
}

}  // namespace

TurnSpans render_turns(const ChatTemplate& chat_template, const Json& messages, const Json& tools,
                       const RenderOptions& options, bool only_last) {
  Rendering rendering = chat_template.render(messages, tools, options);
  TurnSpans out;
  std::vector<size_t> wanted;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (is_assistant(messages[i])) wanted.push_back(i);
  }
  if (only_last && wanted.size() > 1) wanted.erase(wanted.begin(), wanted.end() - 1);
  if (rendering.has_generation_blocks) {
    for (const TurnSpans::Turn& turn : turns_of_blocks(rendering, messages)) {
      if (std::find(wanted.begin(), wanted.end(), turn.message) != wanted.end())
        out.turns.push_back(turn);
    }
  } else {
    const PrefixFinder finder(chat_template, messages, tools, options, rendering.text);
    for (const size_t message : wanted) {
      const auto span = finder.turn(message);
      const bool in_order = span && (out.turns.empty() || out.turns.back().span.end <= span->begin);
      if (!in_order) fail(chat_template, message);
      out.turns.push_back({message, *span});
    }
  }
  out.text = std::move(rendering.text);
  return out;
}

}  // namespace tunewright::text
