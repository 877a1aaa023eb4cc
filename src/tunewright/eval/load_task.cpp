#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/task.h"

namespace tunewright::eval {
namespace {

using rows::Row;

std::vector<Metric> default_metrics(TaskType type) {
  switch (type) {
    case TaskType::kClassification:
      return {Metric::kAccuracy, Metric::kMacroF1};
    case TaskType::kGeneration:
      return {Metric::kExactMatch, Metric::kTokenF1};
    case TaskType::kPerplexity:
      return {Metric::kLoss, Metric::kPerplexity};
  }
  TUNEWRIGHT_ASSERT(!"every type has metrics");
  return {};
}

bool fits(Metric metric, TaskType type) {
  if (needs_loss(metric)) return true;
  return needs_labels(metric) ? type == TaskType::kClassification : type != TaskType::kPerplexity;
}

std::vector<Metric> metrics_of(const TaskOptions& options, const std::string& where) {
  if (options.metrics.empty()) return default_metrics(options.type);
  std::vector<Metric> metrics;
  for (const auto& wanted : options.metrics) {
    std::vector<std::string> fitting;
    bool found = false;
    for (const auto& [name, metric] : kMetricNames) {
      if (!fits(metric, options.type)) continue;
      fitting.emplace_back(name);
      if (wanted == name) {
        metrics.push_back(metric);
        found = true;
      }
    }
    if (!found)
      throw UserError(str(where, ".metrics: '", wanted, "' is no metric of this type of task",
                          suggestion(wanted, fitting)));
  }
  return metrics;
}

void check(const TaskOptions& options, const std::string& where) {
  const bool plain_name =
      std::all_of(options.name.begin(), options.name.end(),
                  [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  if (options.name.empty() || !plain_name) {
    throw UserError(
        str(where, ".name: expected letters, digits, '_' and '-', got '", options.name, "'"));
  }
  if (options.data.empty()) throw UserError(str(where, ".data: missing; give a JSON Lines file"));
  if (options.type != TaskType::kClassification && !options.labels.empty()) {
    throw UserError(str(where, ".labels: only type: classification has labels"));
  }
  for (const auto& [name, value] :
       {std::pair{"fewshot", options.fewshot}, std::pair{"limit", options.limit},
        std::pair{"max_new_tokens", options.max_new_tokens}}) {
    if (value < 0) throw UserError(str(where, ".", name, ": must not be negative, got ", value));
  }
  if (options.fewshot > 0 && options.fewshot_data.empty()) {
    throw UserError(str(where, ".fewshot_data: missing; name the file whose first ",
                        options.fewshot, " rows are put before each question"));
  }
}

[[noreturn]] void no_answer(const rows::RowPlace& place, const char* what) {
  throw UserError(str(describe(place), ": ", what,
                      "; an evaluated row needs a question and an answer to compare with "
                      "(messages that end with the assistant's, or prompt and completion)"));
}

std::string text_of(const Json& message) {
  const auto it = message.find("content");
  return it != message.end() && it->is_string() ? it->get<std::string>() : std::string();
}

void split_messages(TaskRow& row) {
  const auto& messages = row.row.messages;
  if (messages.size() < 2 || messages.back()["role"] != "assistant")
    no_answer(row.place, "the last message is not the assistant's");
  row.reference = text_of(messages.back());
  row.question = text_of(messages[messages.size() - 2]);
}

TaskRow task_row(const rows::RowPlace& place, Row&& read, TaskType type) {
  TaskRow row{.place = place, .row = std::move(read), .question = {}, .reference = {}};
  if (type == TaskType::kPerplexity) return row;
  switch (row.row.kind) {
    case Row::Kind::kMessages:
      split_messages(row);
      break;
    case Row::Kind::kPromptCompletion:
      row.reference = row.row.completion;
      row.question = row.row.prompt;
      break;
    default:
      no_answer(place, "the row is text without a question");
  }
  if (trim(row.reference).empty()) no_answer(place, "the answer is empty");
  return row;
}

// Up to `limit` rows, 0: all.
std::vector<TaskRow> read_rows(const std::string& file, const TaskOptions& options, int64_t limit) {
  std::vector<TaskRow> rows;
  rows::for_each_row(file, [&](const rows::RowPlace& place, Json&& row) {
    if (limit > 0 && place.row >= limit) return;
    rows.push_back(task_row(place, rows::to_row(row, options.format, place), options.type));
  });
  return rows;
}

size_t system_messages(const Json& messages) {
  return !messages.empty() && messages[0]["role"] == "system" ? 1 : 0;
}

// The examples' questions and answers go behind the system message.
Json with_shots(const Json& messages, const std::vector<TaskRow>& shots) {
  Json all = Json::array();
  const auto head = system_messages(messages);
  for (size_t i = 0; i < head; ++i) all.push_back(messages[i]);
  for (const auto& shot : shots) {
    for (size_t i = system_messages(shot.row.messages); i < shot.row.messages.size(); ++i)
      all.push_back(shot.row.messages[i]);
  }
  for (size_t i = head; i < messages.size(); ++i) all.push_back(messages[i]);
  return all;
}

void put_before(TaskRow& row, const std::vector<TaskRow>& shots) {
  for (const auto& shot : shots) {
    if (shot.row.kind != row.row.kind) {
      throw UserError(str(describe(row.place), ": its format is not that of the few-shot row ",
                          describe(shot.place)));
    }
  }
  if (row.row.kind == Row::Kind::kMessages) {
    row.row.messages = with_shots(row.row.messages, shots);
    return;
  }
  std::string before;
  for (const auto& shot : shots) before += shot.row.prompt + shot.row.completion + "\n\n";
  row.row.prompt = before + row.row.prompt;
}

void add_shots(Task& task, const std::string& where) {
  if (task.options.fewshot == 0) return;
  if (!task.asks())
    throw UserError(str(where, ".fewshot: a perplexity task asks no questions; remove the key"));
  const auto shots = read_rows(task.options.fewshot_data, task.options, task.options.fewshot);
  if (static_cast<int64_t>(shots.size()) < task.options.fewshot) {
    throw UserError(str(where, ".fewshot: ", task.options.fewshot, " examples wanted, but ",
                        task.options.fewshot_data, " has ", shots.size(), " rows"));
  }
  for (auto& row : task.rows) put_before(row, shots);
}

void check_references(const Task& task) {
  for (const auto& row : task.rows) {
    if (task.labels->index_of(row.reference)) continue;
    throw UserError(str(describe(row.place), ": the answer '", excerpt(row.reference, 40),
                        "' is none of the labels",
                        suggestion(std::string(trim(row.reference)), task.labels->labels())));
  }
}

}  // namespace

Task load_task(const TaskOptions& options, int64_t samples) {
  const auto where = str("task ", options.name);
  check(options, where);
  Task task{.options = options,
            .metrics = metrics_of(options, where),
            .labels = {},
            .rows = {},
            .samples = samples};
  if (options.type == TaskType::kClassification) task.labels.emplace(options.labels, where);
  task.rows = read_rows(options.data, options, options.limit);
  if (task.labels) check_references(task);
  add_shots(task, where);
  return task;
}

}  // namespace tunewright::eval
