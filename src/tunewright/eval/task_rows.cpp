#include "tunewright/eval/task_rows.h"

namespace tunewright::eval {
namespace {

size_t system_messages(const Json& messages) {
  return !messages.empty() && messages[0].value("role", "") == "system" ? 1 : 0;
}

}  // namespace

TaskRow shown_row(const rows::RowPlace& place, std::string question, std::string reference,
                  int64_t group) {
  TaskRow row;
  row.place = place;
  row.question = std::move(question);
  row.reference = std::move(reference);
  row.group = group;
  return row;
}

std::string last_user_text(const Json& messages, const rows::RowPlace& place) {
  const bool asked = messages.is_array() && !messages.empty() && messages.back().is_object() &&
                     messages.back().value("role", Json()) == "user" &&
                     messages.back().value("content", Json()).is_string();
  if (!asked)
    throw UserError(str(describe(place), ": messages: the last one must be the user's question"));
  return messages.back()["content"].get<std::string>();
}

Json with_talks_before(const Json& messages, const std::vector<Json>& talks) {
  Json all = Json::array();
  const auto head = system_messages(messages);
  for (size_t i = 0; i < head; ++i) all.push_back(messages[i]);
  for (const auto& talk : talks) {
    for (size_t i = system_messages(talk); i < talk.size(); ++i) all.push_back(talk[i]);
  }
  for (size_t i = head; i < messages.size(); ++i) all.push_back(messages[i]);
  return all;
}

std::string group_of(const Json& row, const std::string& key, const rows::RowPlace& place) {
  if (key.empty()) return "";
  const auto it = row.find(key);
  if (it == row.end() || it->is_null() || it->is_structured())
    throw UserError(str(describe(place), ": '", key, "', which group_by names, is missing"));
  return it->is_string() ? it->get<std::string>() : dump_json(*it);
}

int64_t group_index(Task& task, const std::string& group) {
  if (group.empty()) return kInvalid;
  const auto it = std::ranges::find(task.group_names, group);
  const auto index = it - task.group_names.begin();
  if (it == task.group_names.end()) task.group_names.push_back(group);
  return index;
}

void add_group_figures(Task& task, Figure figure) {
  const auto name = figure.name;
  if (task.group_names.size() < 2) {
    throw UserError(str("task ", task.options.name, ".group_by: all rows have the same '",
                        task.options.group_by, "'; there is nothing to compare"));
  }
  for (size_t i = 0; i < task.group_names.size(); ++i) {
    figure.name = str(name, "/", task.group_names[i]);
    figure.over = Over::kGroup;
    figure.group = static_cast<int64_t>(i);
    task.add_figure(figure);
  }
  figure.name = name + "_gap";
  figure.over = Over::kGap;
  figure.lower_is_better = true;
  figure.is_judged = true;  // none is best
  task.add_figure(figure);
}

}  // namespace tunewright::eval
