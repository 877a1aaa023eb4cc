#include "tunewright/data/render.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/data/render_parts.h"

namespace tunewright::data {
namespace {

using rows::Row;
using text::ByteSpan;

void append_eos(const TextModel& model, std::vector<int32_t>& ids) {
  if (ids.empty() || ids.back() != model.eos) ids.push_back(model.eos);
}

Example render_text(const TextModel& model, const Row& row) {
  Example example{.ids = model.encode_string(row.completion)};
  append_eos(model, example.ids);
  example.labels = example.ids;
  return example;
}

Example render_prompt_completion(const TextModel& model, const Row& row, TrainOn train_on) {
  Example example{.ids = model.encode_string(row.prompt)};
  const auto completion = completion_ids(model, row.completion);
  example.labels = example.ids;
  if (train_on != TrainOn::kAll) std::ranges::fill(example.labels, kIgnoreLabel);
  example.ids.insert(example.ids.end(), completion.begin(), completion.end());
  example.labels.insert(example.labels.end(), completion.begin(), completion.end());
  return example;
}

Example render_tokens(const TextModel& model, const Row& row) {
  const auto largest = *std::ranges::max_element(row.input_ids);
  if (largest >= model.tokenizer.vocab_size()) {
    throw UserError(str("\"input_ids\": token ", largest, " is not one of the model's ",
                        model.tokenizer.vocab_size(),
                        "; were the rows made with another tokenizer?"));
  }
  return {.ids = row.input_ids, .labels = row.labels};
}

// A conversation as its template sees it.
struct Conversation {
  const text::ChatTemplate& chat_template;
  Json messages;
  const Json& tools;
  text::RenderOptions options;

  std::string render_first(size_t count) const {
    if (count == 0) return {};
    Json first = Json::array();
    for (size_t i = 0; i < count; ++i) first.push_back(messages[i]);
    return chat_template.render(first, tools, options).text;
  }
};

// A message that is not an assistant's stands between the renderings up to it and with it.
ByteSpan other_span(const Conversation& conversation, size_t message, const std::string& whole) {
  const auto before = conversation.render_first(message);
  const auto with = conversation.render_first(message + 1);
  if (!with.starts_with(before) || !whole.starts_with(with)) {
    throw UserError(str(
        "messages[", message,
        "]: the chat template does not show where this message stands, so "
        "its \"train\" or \"weight\" cannot be followed; remove the key or change data.train_on"));
  }
  return {.begin = before.size(), .end = with.size()};
}

struct WeightedSpan {
  ByteSpan span;
  float weight;
};

struct MarkedText {
  std::string text;
  std::vector<WeightedSpan> spans;
};

// Whether the assistant messages whose weight is not `base` are just the last one.
bool only_last_differs(const Json& messages, const std::vector<float>& weights, float base) {
  size_t differing = 0, last = 0, last_differing = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!is_assistant(messages[i])) continue;
    last = i;
    if (weights[i] != base) {
      ++differing;
      last_differing = i;
    }
  }
  return differing == 1 && last_differing == last;
}

// The rendering, with the spans of the messages whose weight differs from `base`.
MarkedText mark_messages(const Conversation& conversation, const std::vector<float>& weights,
                         float base) {
  const auto& messages = conversation.messages;
  const auto differs = [&](size_t i, bool assistant) {
    return weights[i] != base && is_assistant(messages[i]) == assistant;
  };
  bool any_turn = false;
  for (size_t i = 0; i < messages.size(); ++i) any_turn |= differs(i, true);

  MarkedText marked;
  std::vector<bool> found(messages.size(), false);
  if (any_turn) {
    auto turns =
        text::render_turns(conversation.chat_template, messages, conversation.tools,
                           conversation.options, only_last_differs(messages, weights, base));
    marked.text = std::move(turns.text);
    for (const auto& turn : turns.turns) {
      TUNEWRIGHT_ASSERT(turn.message < messages.size());
      found[turn.message] = true;
      if (weights[turn.message] != base) marked.spans.push_back({turn.span, weights[turn.message]});
    }
  } else {
    marked.text =
        conversation.chat_template.render(messages, conversation.tools, conversation.options).text;
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    if (differs(i, true) && !found[i]) {
      throw UserError(str("messages[", i,
                          "]: the chat template leaves this assistant message out, so it cannot be "
                          "supervised; mark it \"train\": false"));
    }
    if (differs(i, false))
      marked.spans.push_back({other_span(conversation, i, marked.text), weights[i]});
  }
  return marked;
}

bool overlaps(const ByteSpan& token, const ByteSpan& span) {
  if (token.begin == token.end) return span.begin <= token.begin && token.begin < span.end;
  return token.begin < span.end && span.begin < token.end;
}

// Labels and weights from the weight of each token.
Example weigh(std::vector<int32_t> ids, std::vector<float> weights) {
  Example example{.ids = std::move(ids)};
  example.labels.assign(example.ids.size(), kIgnoreLabel);
  bool plain = true;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) example.labels[i] = example.ids[i];
    plain &= weights[i] == 0 || weights[i] == 1;
  }
  if (!plain) example.weights = std::move(weights);
  return example;
}

Example render_messages(const TextModel& model, const Row& row, TrainOn train_on) {
  const Conversation conversation{
      template_of(model), without_marks(row.messages), row.tools, {.extra = row.extra}};
  const float base = train_on == TrainOn::kAll ? 1.0F : 0.0F;
  const auto marked = mark_messages(conversation, message_weights(row, train_on), base);
  auto encoding = model.tokenizer.encode_with_spans(marked.text);
  std::vector<float> weights(encoding.ids.size(), base);
  for (const auto& [span, weight] : marked.spans) {
    for (size_t i = 0; i < weights.size(); ++i) {
      if (overlaps(encoding.spans[i], span)) weights[i] = weight;
    }
  }
  return weigh(std::move(encoding.ids), std::move(weights));
}

void weigh_row(Example& example, float weight) {
  if (example.weights.empty()) example.weights.assign(example.ids.size(), 1);
  for (auto& token : example.weights) token *= weight;
}

Example render_kind(const TextModel& model, const Row& row, TrainOn train_on) {
  switch (row.kind) {
    case Row::Kind::kText:
      return render_text(model, row);
    case Row::Kind::kPromptCompletion:
      return render_prompt_completion(model, row, train_on);
    case Row::Kind::kTokens:
      return render_tokens(model, row);
    case Row::Kind::kMessages:
      return render_messages(model, row, train_on);
  }
  TUNEWRIGHT_ASSERT(!"a row of no kind");
}

}  // namespace

Json without_marks(Json messages) {
  for (auto& message : messages) {
    message.erase("train");
    message.erase("weight");
  }
  return messages;
}

const text::ChatTemplate& template_of(const TextModel& model) {
  if (!model.chat_template) {
    throw UserError(
        "the model has no chat template to render messages with; add chat_template.jinja to its "
        "folder, or give rows of prompt and completion as strings");
  }
  return *model.chat_template;
}

bool is_assistant(const Json& message) { return message["role"] == "assistant"; }

std::vector<float> message_weights(const Row& row, TrainOn train_on) {
  const auto& messages = row.messages;
  std::optional<size_t> last_assistant;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (is_assistant(messages[i])) last_assistant = i;
  }
  std::vector<float> weights;
  for (size_t i = 0; i < messages.size(); ++i) {
    const bool chosen =
        train_on == TrainOn::kAll ||
        (is_assistant(messages[i]) && (train_on != TrainOn::kLastAssistant || i == last_assistant));
    const bool marked_as_prompt =
        static_cast<int64_t>(i) < row.prompt_messages && train_on == TrainOn::kAll;
    const bool trained = marked_as_prompt ? chosen : messages[i].value("train", chosen);
    weights.push_back(trained ? messages[i].value("weight", 1.0F) : 0.0F);
  }
  return weights;
}

std::vector<int32_t> completion_ids(const TextModel& model, std::string_view completion) {
  auto ids = model.tokenizer.encode(completion);
  append_eos(model, ids);
  return ids;
}

std::vector<int32_t> prompt_ids(const TextModel& model, const Json& messages, const Json& tools,
                                const Json& extra) {
  const auto rendering = template_of(model).render(without_marks(messages), tools,
                                                   {.add_generation_prompt = true, .extra = extra});
  return model.tokenizer.encode(rendering.text);
}

std::vector<int32_t> prompt_ids(const TextModel& model, std::string_view prompt) {
  return model.encode_string(prompt);
}

Example render(const TextModel& model, const Row& row, TrainOn train_on,
               const rows::RowPlace& place) {
  try {
    auto example = render_kind(model, row, train_on);
    if (row.weight != 1) weigh_row(example, row.weight);
    return example;
  } catch (const UserError& error) {
    throw UserError(str(rows::describe(place), ": ", full_message(error)));
  }
}

Json to_json(const LedgerLine& line) {
  return {{"source", line.source},     {"row", line.row},
          {"decision", line.decision}, {"reason", line.reason},
          {"tokens", line.tokens},     {"supervised_tokens", line.supervised_tokens}};
}

}  // namespace tunewright::data
