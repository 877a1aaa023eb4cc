#include "tunewright/corpus/augment/text_roles.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace tunewright::corpus {
namespace {

// Of the fields that document.h names.
constexpr std::array<std::string_view, 4> kInputs = {"text", "prompt", "instruction", "input"};
constexpr std::array<std::string_view, 5> kOthers = {"completion", "chosen", "rejected", "output",
                                                     "system"};
constexpr std::array<std::string_view, 5> kMessageLists = {"messages", "prompt", "completion",
                                                           "chosen", "rejected"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

void add_turns(const Json& turns, std::string_view name, std::vector<bool>& inputs) {
  const bool conversation = name == "conversations";
  const char* text_key = conversation ? "value" : "content";
  for (const auto& turn : turns) {
    if (!turn.is_object()) continue;
    const auto it = turn.find(text_key);
    if (it == turn.end() || !it->is_string()) continue;
    const auto role = text_of(turn, conversation ? "from" : "role");
    const bool given = conversation || name == "messages" || name == "prompt";
    inputs.push_back(given && (role == "user" || role == "human"));
  }
}

}  // namespace

std::vector<bool> are_inputs(const Document& document) {
  std::vector<bool> inputs;
  const auto row = parse_json(document.line(), "row");
  for (const auto& [name, value] : row.items()) {
    const bool input = is_one_of(kInputs, name);
    if (value.is_string() && (input || is_one_of(kOthers, name))) {
      inputs.push_back(input);
    } else if (value.is_array() && (is_one_of(kMessageLists, name) || name == "conversations")) {
      add_turns(value, name, inputs);
    }
  }
  if (inputs.size() != document.texts().size()) inputs.assign(document.texts().size(), false);
  return inputs;
}

}  // namespace tunewright::corpus
