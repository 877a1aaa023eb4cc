// What rows are, by their columns, and how they become what is asked for.
#include <algorithm>
#include <array>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/mapping.h"
#include "tunewright/rows/rows.h"
#include "tunewright/rows/template_filters.h"

namespace tunewright::rows {
namespace {

using Names = std::span<const char* const>;

// What columns are called, the likeliest first.
constexpr std::array kPrompts = {"prompt", "question", "query", "instruction",
                                 "input",  "problem",  "user",  "source"};
constexpr std::array kCompletions = {"completion", "answer",    "response", "output",
                                     "reply",      "assistant", "solution", "target"};
constexpr std::array kTexts = {"text",    "content",  "sentence", "review", "body",
                               "comment", "document", "message",  "tweet",  "article"};
constexpr std::array kLabels = {"label", "category", "class", "sentiment", "intent",
                                "topic", "target",   "tag",   "group"};
constexpr std::array kTokens = {"tokens", "words"};
constexpr std::array kTags = {"tags", "ner_tags", "labels", "ner", "pos_tags"};

// The row's own column of one of these names, whatever its case; empty: none.
std::string column_among(const Json& row, Names names) {
  for (const std::string_view name : names) {
    for (const auto& [column, value] : row.items()) {
      if (to_lower(column) == name && !value.is_null()) return column;
    }
  }
  return {};
}

// A column under another name; the row's order stays.
Json renamed(const Json& row, const std::vector<std::pair<std::string, std::string>>& names) {
  Json result = Json::object();
  for (const auto& [column, value] : row.items()) {
    auto name = column;
    for (const auto& [from, to] : names) {
      if (column == from) name = to;
    }
    if (name != column || !result.contains(name)) result[name] = value;
  }
  return result;
}

void need(const Json& row, const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [from, to] : names) {
    if (!row.contains(from) || row[from].is_null())
      throw UserError(str("there is no '", from, "', which is taken as ", to));
  }
}

// {from, to} of columns that play these parts; empty: one is missing.
std::vector<std::pair<std::string, std::string>> parts_of(
    const Json& row, const std::vector<std::pair<Names, const char*>>& parts) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [names, part] : parts) {
    auto column = column_among(row, names);
    const bool taken =
        std::ranges::any_of(found, [&](const auto& other) { return other.first == column; });
    if (column.empty() || taken) return {};
    found.emplace_back(std::move(column), part);
  }
  return found;
}

constexpr std::array kChosen = {"chosen", "preferred", "accepted"};
constexpr std::array kRejected = {"rejected", "dispreferred"};

std::vector<std::pair<Names, const char*>> parts_for(Target target) {
  switch (target) {
    case Target::kPromptCompletion:
      return {{kPrompts, "prompt"}, {kCompletions, "completion"}};
    case Target::kText:
      return {{kTexts, "text"}};
    case Target::kClassification:
      return {{kTexts, "text"}, {kLabels, "label"}};
    case Target::kPreference:
      return {{kPrompts, "prompt"}, {kChosen, "chosen"}, {kRejected, "rejected"}};
    case Target::kUnpaired:
      return {{kPrompts, "prompt"}, {kCompletions, "completion"}, {kLabels, "label"}};
    case Target::kNer:
      return {{kTokens, "tokens"}, {kTags, "tags"}};
    default:
      return {};
  }
}

std::string name_of(Target target) {
  for (const auto& [name, value] : kTargetNames) {
    if (value == target) return name;
  }
  return {};
}

std::string columns_of(const Json& row) {
  std::vector<std::string> names;
  for (const auto& [column, value] : row.items()) names.push_back(excerpt(column, 30));
  if (names.size() > 12) names.resize(12);
  return join(names, ", ");
}

std::string note_of(const std::vector<std::pair<std::string, std::string>>& names,
                    const std::string& format) {
  std::vector<std::string> from, to;
  bool same = true;
  for (const auto& [column, part] : names) {
    from.push_back(column);
    to.push_back(part);
    same = same && column == part;
  }
  if (same) return str("rows taken as ", format);
  return str("columns ", join(from, ", "), " taken as ", join(to, ", "), " (", format,
             "); `map` says otherwise");
}

std::optional<Format> known_format(const Json& row) {
  try {
    return detect_format(row, {});
  } catch (const UserError&) {
    return std::nullopt;
  }
}

// Messages of a place that has none: the reason alone.
Row row_as(const Json& row, Format format) {
  try {
    return to_row(row, format, {});
  } catch (const UserError& error) {
    const std::string text = error.what();
    const auto place = describe({}) + ": ";
    throw UserError(text.starts_with(place) ? text.substr(place.size()) : text);
  }
}

Json user_and_assistant(const std::string& question, const std::string& answer) {
  return {{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", answer}}};
}

// Messages of what has turns, or a question and an answer.
Json as_messages(const Json& row) {
  const auto format = known_format(row);
  if (!format || *format == Format::kText || *format == Format::kClassification)
    throw UserError(str("no turns: the columns are ", columns_of(row),
                        "; `map` can build messages: [{role: user, content: \"{…}\"}, …]"));
  auto turns = row_as(row, *format);
  if (turns.kind == Row::Kind::kTokens) throw UserError("token ids are no messages");
  Json result = Json::object();
  result["messages"] = turns.kind == Row::Kind::kPromptCompletion
                           ? user_and_assistant(turns.prompt, turns.completion)
                           : std::move(turns.messages);
  if (!turns.tools.is_null()) result["tools"] = std::move(turns.tools);
  for (const auto& [name, value] : turns.extra.items()) result[name] = value;
  return result;
}

// The last answer of a conversation, and what leads to it.
Json as_prompt_completion(const Json& row) {
  if (known_format(row) == Format::kPromptCompletion) return row;
  auto result = as_messages(row);
  auto messages = std::move(result["messages"]);
  result.erase("messages");
  if (messages.size() < 2 || messages.back()["role"] != "assistant")
    throw UserError("the conversation does not end with an answer");
  Json completion = Json::array({messages.back()});
  messages.erase(messages.size() - 1);
  Json turned = {{"prompt", std::move(messages)}, {"completion", std::move(completion)}};
  turned.update(result);
  return turned;
}

Json true_or_false(const Json& value) {
  if (value.is_boolean()) return value;
  const auto text = to_lower(plain_text(value));
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  throw UserError(str("label: expected true or false, got '", excerpt(text, 30), "'"));
}

Json as_ner(Json row) {
  for (const char* column : {"tokens", "tags"}) {
    if (!row[column].is_array())
      throw UserError(str(column, ": expected a list, got a ", type_name(row[column])));
  }
  if (row["tokens"].size() != row["tags"].size())
    throw UserError(str("has ", row["tokens"].size(), " tokens and ", row["tags"].size(), " tags"));
  std::vector<std::string> tokens, tags;
  for (const auto& token : row["tokens"]) tokens.push_back(plain_text(token));
  for (const auto& tag : row["tags"]) tags.push_back(plain_text(tag));
  row["tags"] = iob2_tags(tags);
  if (!row.contains("text")) row["text"] = join(tokens, " ");
  return row;
}

// Last touches once the columns have their names.
Json finished(Json row, Target target) {
  switch (target) {
    case Target::kClassification:
      row["label"] = plain_text(row["label"]);
      return row;
    case Target::kUnpaired:
      row["label"] = true_or_false(row["label"]);
      return row;
    case Target::kNer:
      return as_ner(std::move(row));
    default:
      return row;
  }
}

Guess renaming(const std::vector<std::pair<std::string, std::string>>& names, Target target) {
  return {.note = note_of(names, name_of(target)), .turn = [names, target](const Json& row) {
            need(row, names);
            return finished(renamed(row, names), target);
          }};
}

Guess guess_any(const Json& row) {
  const auto has_list = [&](const char* name) {
    return row.contains(name) && row[name].is_array();
  };
  if (has_list("tokens") && has_list("tags")) return {.note = "rows taken as ner"};
  const auto format = known_format(row);
  const bool lacks_prompt = format == Format::kPreference && !row.contains("prompt");
  if (format && !lacks_prompt) return {.note = str("rows taken as ", format_name(*format))};
  for (const auto target : {Target::kPreference, Target::kNer, Target::kPromptCompletion,
                            Target::kClassification, Target::kText}) {
    if (const auto names = parts_of(row, parts_for(target)); !names.empty())
      return renaming(names, target);
  }
  return {.note = str("columns ", columns_of(row),
                      " fit no format; rows stay as they are (`map` says what they are)")};
}

}  // namespace

Guess guess_target(const Json& row, Target target) {
  switch (target) {
    case Target::kAsIs:
      return {};
    case Target::kAuto:
      return guess_any(row);
    case Target::kMessages:
      return {.turn = &as_messages};
    default:
      break;
  }
  if (const auto names = parts_of(row, parts_for(target)); !names.empty())
    return renaming(names, target);
  if (target == Target::kPromptCompletion) return {.turn = &as_prompt_completion};
  return {.turn = [target](const Json& any) -> Json {
    throw UserError(str("cannot become ", name_of(target), ": the columns are ", columns_of(any),
                        "; `map` says which is what"));
  }};
}

std::vector<std::string> iob2_tags(const std::vector<std::string>& tags) {
  std::vector<std::string> result;
  std::string type_before;  // with its dash, as "-PER"; empty after what is outside
  for (const auto& tag : tags) {
    const bool is_typed = tag.size() >= 2 && tag[1] == '-';
    const char prefix = is_typed ? tag[0] : '\0';
    if (std::string_view("BIESLUM").find(prefix) == std::string_view::npos || !is_typed) {
      result.push_back(tag);
      type_before.clear();
      continue;
    }
    const auto type = tag.substr(1);
    const bool begins = prefix == 'B' || prefix == 'S' || prefix == 'U' || type != type_before;
    result.push_back((begins ? "B" : "I") + type);
    type_before = prefix == 'S' || prefix == 'U' || prefix == 'E' || prefix == 'L' ? "" : type;
  }
  return result;
}

}  // namespace tunewright::rows
