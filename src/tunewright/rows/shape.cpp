#include <cmath>
#include <limits>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/rows.h"

namespace tunewright::rows {
namespace {

constexpr int32_t kIgnoreLabel = -100;

// What the shapes look like, for messages.
constexpr const char* kShapes =
    "messages {\"messages\"}, sharegpt {\"conversations\"}, alpaca {\"instruction\", \"output\"}, "
    "prompt_completion {\"prompt\", \"completion\"}, text {\"text\"}, preference {\"chosen\", "
    "\"rejected\"}, "
    "unpaired {\"prompt\", \"completion\", \"label\"}, classification {\"text\", \"label\"}, "
    "tokens {\"input_ids\"}";

std::string key_list(const Json& row) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : row.items()) keys.push_back(excerpt(key, 30));
  if (keys.size() > 12) {
    keys.resize(12);
    keys.emplace_back("…");
  }
  return keys.empty() ? "no keys" : join(keys, ", ");
}

[[noreturn]] void wrong_type(const RowPlace& place, std::string_view key, std::string_view expected,
                             const Json& got) {
  throw UserError(str(describe(place), ": \"", key, "\": expected ", expected, ", got ",
                      type_name(got), " ", excerpt(dump_json(got))));
}

const Json& member(const Json& row, const char* key, std::string_view expected,
                   const RowPlace& place) {
  const auto it = row.find(key);
  if (it == row.end()) {
    throw UserError(str(describe(place), ": \"", key, "\": expected ", expected,
                        ", but the row has only ", key_list(row),
                        "; rename the key, or set the file's format"));
  }
  return *it;
}

std::string string_member(const Json& row, const char* key, const RowPlace& place) {
  const auto& value = member(row, key, "a string", place);
  if (!value.is_string()) wrong_type(place, key, "a string", value);
  return value.get<std::string>();
}

// Absent and null are the same.
std::string optional_string(const Json& row, const char* key, const RowPlace& place) {
  const auto it = row.find(key);
  return it == row.end() || it->is_null() ? std::string() : string_member(row, key, place);
}

// ---- messages

void check_content(const Json& message, const std::string& where, const RowPlace& place) {
  const auto it = message.find("content");
  const bool calls = message.contains("tool_calls");
  if (it == message.end() || it->is_null()) {
    if (!calls) throw UserError(str(describe(place), ": ", where, ": has no \"content\""));
    return;
  }
  if (!it->is_string() && !it->is_array()) wrong_type(place, where + ".content", "a string", *it);
}

float weight_of(const Json& value, const std::string& key, const char* expected,
                const RowPlace& place) {
  const bool fine =
      value.is_number() && value.get<double>() >= 0 && std::isfinite(value.get<float>());
  if (!fine) wrong_type(place, key, expected, value);
  return value.get<float>();
}

void check_message(const Json& message, const std::string& where, const RowPlace& place) {
  if (!message.is_object()) wrong_type(place, where, "an object with role and content", message);
  const auto role = message.find("role");
  if (role == message.end())
    throw UserError(str(describe(place), ": ", where, ": has no \"role\""));
  if (!role->is_string()) wrong_type(place, where + ".role", "a string", *role);
  check_content(message, where, place);
  if (const auto it = message.find("tool_calls");
      it != message.end() && !it->is_array() && !it->is_null()) {
    wrong_type(place, where + ".tool_calls", "a list", *it);
  }
  if (const auto it = message.find("train"); it != message.end() && !it->is_boolean()) {
    wrong_type(place, where + ".train", "true or false", *it);
  }
  if (const auto it = message.find("weight"); it != message.end())
    weight_of(*it, where + ".weight", "a number, 0 or more", place);
}

void check_messages(const Json& messages, const std::string& key, const RowPlace& place) {
  if (!messages.is_array()) wrong_type(place, key, "a list of messages", messages);
  if (messages.empty()) throw UserError(str(describe(place), ": \"", key, "\": has no messages"));
  for (size_t i = 0; i < messages.size(); ++i)
    check_message(messages[i], str(key, "[", i, "]"), place);
}

// A list of tools, or JSON text of one (as datasets whose columns must have one type store it).
Json tools_of(const Json& row, const RowPlace& place) {
  const auto it = row.find("tools");
  if (it == row.end() || it->is_null()) return nullptr;
  if (it->is_array()) return it->empty() ? Json(nullptr) : *it;
  if (!it->is_string()) wrong_type(place, "tools", "a list", *it);
  const auto& text = it->get_ref<const std::string&>();
  if (trim(text).empty()) return nullptr;
  auto tools = parse_json(text, str(describe(place), ": \"tools\""));
  if (!tools.is_array()) wrong_type(place, "tools", "a list", tools);
  return tools.empty() ? Json(nullptr) : tools;
}

Json extra_of(const Json& row, std::initializer_list<std::string_view> known) {
  Json extra = Json::object();
  for (const auto& [key, value] : row.items()) {
    bool is_known = key == "tools";
    for (const auto name : known) is_known |= key == name;
    if (!is_known) extra[key] = value;
  }
  return extra;
}

Row from_messages(const Json& row, const RowPlace& place) {
  const auto& messages = member(row, "messages", "a list of messages", place);
  check_messages(messages, "messages", place);
  return {.kind = Row::Kind::kMessages,
          .messages = messages,
          .tools = tools_of(row, place),
          .extra = extra_of(row, {"messages"})};
}

// ---- sharegpt

constexpr std::array kShareGptRoles = {std::pair{"human", "user"},
                                       std::pair{"user", "user"},
                                       std::pair{"gpt", "assistant"},
                                       std::pair{"assistant", "assistant"},
                                       std::pair{"system", "system"},
                                       std::pair{"tool", "tool"},
                                       std::pair{"observation", "tool"},
                                       std::pair{"function_response", "tool"},
                                       std::pair{"function_call", "assistant"}};

// {"name", "arguments"} or a list of them, as text.
Json tool_calls_of(const std::string& text, const std::string& where) {
  auto parsed = parse_json(text, where);
  Json calls = Json::array();
  for (auto& call : parsed.is_array() ? parsed : Json::array({parsed})) {
    if (!call.is_object() || !call.contains("name")) {
      throw UserError(str(where, ": expected a call {\"name\", \"arguments\"}, got ",
                          excerpt(dump_json(call))));
    }
    calls.push_back({{"type", "function"}, {"function", call}});
  }
  return calls;
}

Json share_gpt_message(const Json& turn, const std::string& where, const RowPlace& place) {
  if (!turn.is_object()) wrong_type(place, where, "an object with from and value", turn);
  if (!turn.contains("from")) {
    check_message(turn, where, place);  // some sets name the keys role and content
    return turn;
  }
  const auto from = string_member(turn, "from", place);
  const auto value = string_member(turn, "value", place);
  Json message = Json::object();
  std::vector<std::string> names;
  for (const auto& [name, role] : kShareGptRoles) {
    if (from == name) message["role"] = role;
    names.emplace_back(name);
  }
  if (message.empty()) {
    throw UserError(str(describe(place), ": ", where, ".from: unknown role '", excerpt(from, 30),
                        "'", suggestion(from, names)));
  }
  if (from == "function_call") {
    message["content"] = "";
    message["tool_calls"] = tool_calls_of(value, str(describe(place), ": ", where, ".value"));
  } else {
    message["content"] = value;
  }
  for (const char* key : {"train", "weight"}) {
    if (turn.contains(key)) message[key] = turn[key];
  }
  check_message(message, where, place);
  return message;
}

Json system_message(const std::string& text) { return {{"role", "system"}, {"content", text}}; }
Json user_message(const std::string& text) { return {{"role", "user"}, {"content", text}}; }
Json assistant_message(const std::string& text) {
  return {{"role", "assistant"}, {"content", text}};
}

Row from_share_gpt(const Json& row, const RowPlace& place) {
  const auto& turns = member(row, "conversations", "a list of turns", place);
  if (!turns.is_array()) wrong_type(place, "conversations", "a list of turns", turns);
  if (turns.empty()) throw UserError(str(describe(place), ": \"conversations\": has no turns"));
  Row result{.kind = Row::Kind::kMessages,
             .tools = tools_of(row, place),
             .extra = extra_of(row, {"conversations", "system"})};
  if (const auto system = optional_string(row, "system", place); !system.empty()) {
    result.messages.push_back(system_message(system));
  }
  for (size_t i = 0; i < turns.size(); ++i) {
    result.messages.push_back(share_gpt_message(turns[i], str("conversations[", i, "]"), place));
  }
  return result;
}

// ---- alpaca

void add_history(const Json& row, Json& messages, const RowPlace& place) {
  const auto it = row.find("history");
  if (it == row.end() || it->is_null()) return;
  constexpr const char* kExpected = "a list of pairs of strings";
  if (!it->is_array()) wrong_type(place, "history", kExpected, *it);
  for (const auto& pair : *it) {
    const bool fine =
        pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
    if (!fine) wrong_type(place, "history", kExpected, pair);
    messages.push_back(user_message(pair[0]));
    messages.push_back(assistant_message(pair[1]));
  }
}

Row from_alpaca(const Json& row, const RowPlace& place) {
  const auto instruction = string_member(row, "instruction", place);
  const auto input = optional_string(row, "input", place);
  const auto output = string_member(row, "output", place);
  Row result{.kind = Row::Kind::kMessages};
  if (const auto system = optional_string(row, "system", place); !system.empty()) {
    result.messages.push_back(system_message(system));
  }
  add_history(row, result.messages, place);
  result.messages.push_back(user_message(input.empty() ? instruction : instruction + "\n" + input));
  result.messages.push_back(assistant_message(output));
  return result;
}

// ---- prompt and completion

Json as_prompt(Json messages) {
  for (auto& message : messages) {
    const auto train = message.find("train");
    if (train == message.end()) {
      message["train"] = false;
    } else if (!train->get<bool>()) {
      message["weight"] = 0;
    }
  }
  return messages;
}

Row from_prompt_completion(const Json& row, const RowPlace& place) {
  constexpr const char* kExpected = "a string or a list of messages";
  const auto& prompt = member(row, "prompt", kExpected, place);
  const auto& completion = member(row, "completion", kExpected, place);
  if (prompt.is_array()) {
    check_messages(prompt, "prompt", place);
    check_messages(completion, "completion", place);
    Row result{.kind = Row::Kind::kMessages,
               .messages = as_prompt(prompt),
               .tools = tools_of(row, place),
               .extra = extra_of(row, {"prompt", "completion"}),
               .prompt_messages = static_cast<int64_t>(prompt.size())};
    for (const auto& message : completion) result.messages.push_back(message);
    return result;
  }
  if (!prompt.is_string()) wrong_type(place, "prompt", kExpected, prompt);
  if (!completion.is_string())
    wrong_type(place, "completion", "a string, as the prompt is one", completion);
  return {.kind = Row::Kind::kPromptCompletion, .prompt = prompt, .completion = completion};
}

// ---- tokens

std::vector<int32_t> token_list(const Json& list, const char* key, int64_t smallest,
                                const RowPlace& place) {
  if (!list.is_array()) wrong_type(place, key, "a list of token ids", list);
  std::vector<int32_t> ids;
  ids.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const auto& item = list[i];
    const bool whole =
        item.is_number_integer() &&
        (!item.is_number_unsigned() || item.get<uint64_t>() <= std::numeric_limits<int32_t>::max());
    if (!whole || item.get<int64_t>() < smallest ||
        item.get<int64_t>() > std::numeric_limits<int32_t>::max()) {
      wrong_type(place, str(key, "[", i, "]"), "a token id", item);
    }
    ids.push_back(item.get<int32_t>());
  }
  return ids;
}

Row from_tokens(const Json& row, const RowPlace& place) {
  Row result{.kind = Row::Kind::kTokens};
  result.input_ids =
      token_list(member(row, "input_ids", "a list of token ids", place), "input_ids", 0, place);
  if (result.input_ids.empty()) throw UserError(str(describe(place), ": \"input_ids\": is empty"));
  const auto labels = row.find("labels");
  result.labels = labels == row.end() || labels->is_null()
                      ? result.input_ids
                      : token_list(*labels, "labels", kIgnoreLabel, place);
  if (result.labels.size() != result.input_ids.size()) {
    throw UserError(str(describe(place), ": \"labels\": has ", result.labels.size(),
                        " entries, but \"input_ids\" has ", result.input_ids.size()));
  }
  for (size_t i = 0; i < result.labels.size(); ++i) {
    if (result.labels[i] == kIgnoreLabel || result.labels[i] == result.input_ids[i]) continue;
    throw UserError(str(describe(place), ": \"labels[", i, "]\": is ", result.labels[i],
                        ", but the token is ", result.input_ids[i],
                        "; a label is the token's own id (not shifted), or -100"));
  }
  return result;
}

[[noreturn]] void refuse(Format format, const RowPlace& place) {
  const char* reason = format == Format::kPreference
                           ? "preference rows are for objectives that compare answers"
                       : format == Format::kUnpaired
                           ? "unpaired rows are for objectives that take good and bad answers"
                           : "classification rows are for `eval` and `metrics`";
  const char* advice = format == Format::kClassification
                           ? "write them as {\"prompt\": …, \"completion\": …} to train on the "
                             "labels, or set format: text"
                           : "keep the wanted answers as {\"prompt\": …, \"completion\": …}, or "
                             "set format: prompt_completion";
  throw UserError(str(describe(place), ": ", reason,
                      ", not for supervised training (objective: sft); ", advice));
}

}  // namespace

std::string format_name(Format format) {
  for (const auto& [name, value] : kFormatNames) {
    if (value == format) return name;
  }
  TUNEWRIGHT_ASSERT(!"a format without a name");
}

Format detect_format(const Json& row, const RowPlace& place) {
  const auto has = [&](const char* key) { return row.contains(key); };
  if (has("messages")) return Format::kMessages;
  if (has("conversations")) return Format::kShareGpt;
  if (has("input_ids")) return Format::kTokens;
  if (has("chosen") && has("rejected")) return Format::kPreference;
  if (has("prompt") && has("completion"))
    return has("label") && row["label"].is_boolean() ? Format::kUnpaired
                                                     : Format::kPromptCompletion;
  if (has("instruction") && has("output")) return Format::kAlpaca;
  if (has("text")) return has("label") ? Format::kClassification : Format::kText;
  throw UserError(
      str(describe(place), ": no known format has the keys ", key_list(row), "; known: ", kShapes));
}

Row to_row(const Json& row, Format format, const RowPlace& place) {
  if (!row.is_object()) wrong_type(place, "row", "an object", row);
  if (format == Format::kAuto) format = detect_format(row, place);
  switch (format) {
    case Format::kMessages:
      return from_messages(row, place);
    case Format::kShareGpt:
      return from_share_gpt(row, place);
    case Format::kAlpaca:
      return from_alpaca(row, place);
    case Format::kPromptCompletion:
      return from_prompt_completion(row, place);
    case Format::kText:
      return {.kind = Row::Kind::kText, .completion = string_member(row, "text", place)};
    case Format::kTokens:
      return from_tokens(row, place);
    default:
      refuse(format, place);
  }
}

float row_weight(const Json& row, const RowPlace& place) {
  const auto it = row.find("weight");
  if (it == row.end() || it->is_null()) return 1;
  return weight_of(*it, "weight",
                   "the row's share in the loss, a number, 0 or more (rename the column where it "
                   "means something else)",
                   place);
}

}  // namespace tunewright::rows
