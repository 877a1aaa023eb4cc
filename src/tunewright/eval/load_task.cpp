#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/bias.h"
#include "tunewright/eval/choice.h"
#include "tunewright/eval/compare.h"
#include "tunewright/eval/lm_eval.h"
#include "tunewright/eval/perplexity.h"
#include "tunewright/eval/task.h"
#include "tunewright/eval/task_rows.h"

namespace tunewright::eval {
namespace {

using rows::Row;

std::vector<std::string> default_metrics(TaskType type) {
  switch (type) {
    case TaskType::kClassification:
      return {"accuracy", "macro_f1"};
    case TaskType::kGeneration:
      return {"exact_match", "token_f1"};
    case TaskType::kPerplexity:
      return {"loss", "perplexity"};
    default:  // have figures of their own
      return {};
  }
}

bool fits(const metrics::Metric& line, TaskType type) {
  switch (line.needs) {
    case metrics::Needs::kPrediction:
    case metrics::Needs::kReferences:
      return type == TaskType::kGeneration || type == TaskType::kClassification;
    case metrics::Needs::kLabel:
    case metrics::Needs::kProbabilities:
      return type == TaskType::kClassification;
    case metrics::Needs::kTags:
    case metrics::Needs::kLogprobs:  // tasks count their own losses, in figures of the same names
      return false;
  }
  return false;
}

// Every metric that rows of the type can be measured by.
std::vector<std::pair<std::string, Metric>> fitting_metrics(TaskType type) {
  std::vector<std::pair<std::string, Metric>> fitting;
  fitting.reserve(std::size(kLossNames) + metrics::metric_table().size());
  for (const auto& [name, kind] : kLossNames) fitting.emplace_back(name, kind);
  for (const auto& line : metrics::metric_table()) {
    if (fits(line, type)) fitting.emplace_back(line.name, Metric(line.name));
  }
  return fitting;
}

std::vector<Metric> metrics_of(const TaskOptions& options, const std::string& where) {
  const auto fitting = fitting_metrics(options.type);
  std::vector<Metric> chosen;
  for (const auto& wanted :
       options.metrics.empty() ? default_metrics(options.type) : options.metrics) {
    const auto it = std::ranges::find(fitting, wanted, [](const auto& pair) { return pair.first; });
    if (it == fitting.end()) {
      std::vector<std::string> names;
      names.reserve(fitting.size());
      for (const auto& [name, metric] : fitting) names.push_back(name);
      throw UserError(str(where, ".metrics: '", wanted, "' is no metric of this type of task",
                          suggestion(wanted, names)));
    }
    if (std::ranges::find(chosen, it->second) == chosen.end()) chosen.push_back(it->second);
  }
  return chosen;
}

// Scores two rows without a fault, so that what is set wrong is said before a model is loaded.
void check_settings(const Task& task, const std::string& where) {
  Task tried{.options = task.options, .labels = task.labels, .rows = {}};
  TaskRun run;
  const auto names = task.labels ? task.labels->labels() : std::vector<std::string>();
  const auto labels = std::ssize(names);
  for (int64_t i = 0; i < std::max<int64_t>(2, labels); ++i) {
    auto& row = tried.rows.emplace_back();
    row.reference = labels > 0 ? names[static_cast<size_t>(i % labels)]
                               : str("one two three four five six ", i);
    run.answers.push_back(row.reference);
    auto& score = run.scores.emplace_back();
    if (labels == 0) continue;
    score.reference = score.predicted = i % labels;
    score.probabilities.assign(static_cast<size_t>(labels), 0.5 / static_cast<double>(labels));
    score.probabilities[static_cast<size_t>(score.reference)] += 0.5;
  }
  const auto options = metric_options(tried);
  for (const auto metric : task.metrics) {
    if (!metric.line()) continue;
    try {
      metrics::score(*metric.line(), prediction_rows(tried, run), options);
    } catch (const UserError& error) {
      throw UserError(str(where, ".metric_options: ", error.what()));
    }
  }
}

// Keys that only some types know.
void check_keys(const TaskOptions& options, const std::string& where) {
  const auto only = [&](const char* key, bool given, std::initializer_list<TaskType> types) {
    if (!given || std::ranges::find(types, options.type) != types.end()) return;
    throw UserError(str(where, ".", key, ": means nothing to this type of task; remove the key"));
  };
  only("task", !options.task.empty(), {TaskType::kLmEval});
  only("swaps", !options.swaps.empty(), {TaskType::kCounterfactual});
  only("method", options.method != Method::kGeneration, {TaskType::kClassification});
  only("target_delimiter", options.target_delimiter != " ", {TaskType::kChoice});
  only("max_new_tokens", options.max_new_tokens > 0,
       {TaskType::kGeneration, TaskType::kClassification});
  only("group_by", !options.group_by.empty(),
       {TaskType::kGeneration, TaskType::kClassification, TaskType::kChoice});
  only("fewshot", options.fewshot.value_or(0) > 0,
       {TaskType::kGeneration, TaskType::kClassification, TaskType::kChoice, TaskType::kLmEval});
}

void check_fewshot(const TaskOptions& options, const std::string& where) {
  const bool unused = !options.fewshot_data.empty() && options.type != TaskType::kLmEval &&
                      options.fewshot.value_or(0) == 0;
  if (unused)
    throw UserError(
        str(where, ".fewshot_data: names examples, but fewshot says how many; write fewshot: 4"));
}

void check(const TaskOptions& options, const std::string& where) {
  const bool plain_name =
      std::all_of(options.name.begin(), options.name.end(),
                  [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  if (options.name.empty() || !plain_name) {
    throw UserError(
        str(where, ".name: expected letters, digits, '_' and '-', got '", options.name, "'"));
  }
  if (options.name == "forgetting")
    throw UserError(str(where, ".name: 'forgetting' opens the names of the general set's figures"));
  if (options.data.empty() && options.type != TaskType::kLmEval)
    throw UserError(str(where, ".data: missing; give a JSON Lines file"));
  const bool labelled =
      options.type == TaskType::kClassification || options.type == TaskType::kCounterfactual;
  if (!labelled && !options.labels.empty()) {
    throw UserError(str(where, ".labels: only type: classification has labels"));
  }
  check_keys(options, where);
  check_fewshot(options, where);
  if (!options.metric_options.labels.labels.empty())
    throw UserError(str(where, ".metric_options.labels.labels: the labels are those of ", where,
                        ".labels; remove the key"));
  for (const auto& [name, value] :
       {std::pair{"fewshot", options.fewshot.value_or(0)}, std::pair{"limit", options.limit},
        std::pair{"max_new_tokens", options.max_new_tokens}}) {
    if (value < 0) throw UserError(str(where, ".", name, ": must not be negative, got ", value));
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
  auto row = shown_row(place, "", "");
  row.row = std::move(read);
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

void put_before(TaskRow& row, const std::vector<TaskRow>& shots) {
  std::vector<Json> talks;
  std::string before;
  for (const auto& shot : shots) {
    if (shot.row.kind != row.row.kind) {
      throw UserError(str(describe(row.place), ": its format is not that of the few-shot row ",
                          describe(shot.place)));
    }
    talks.push_back(shot.row.messages);
    before += shot.row.prompt + shot.row.completion + "\n\n";
  }
  if (row.row.kind == Row::Kind::kMessages) {
    row.row.messages = with_talks_before(row.row.messages, talks);
  } else {
    row.row.prompt = before + row.row.prompt;
  }
}

void add_shots(Task& task) {
  const auto& options = task.options;
  const auto shots = take_shots(
      options, task.rows, [&](const std::string& file) { return read_rows(file, options, 0); },
      [&](const TaskRow& row) {
        return task.labels ? std::string(trim(row.reference)) : std::string();
      });
  if (shots.empty()) return;
  for (auto& row : task.rows) put_before(row, shots);
}

// Figures of each value of group_by.
void add_groups(Task& task) {
  if (task.options.group_by.empty()) return;
  std::vector<std::string> groups;
  rows::for_each_row(task.options.data, [&](const rows::RowPlace& place, Json&& row) {
    groups.push_back(group_of(row, task.options.group_by, place));
  });
  for (auto& row : task.rows)
    row.group = group_index(task, groups[static_cast<size_t>(row.place.row)]);
  add_group_figures(task, {.name = task.labels ? "accuracy" : "exact_match"});
}

void check_references(const Task& task, const LabelReader& labels) {
  for (const auto& row : task.rows) {
    if (labels.index_of(row.reference)) continue;
    throw UserError(str(describe(row.place), ": the answer '", excerpt(row.reference, 40),
                        "' is none of the labels",
                        suggestion(std::string(trim(row.reference)), labels.labels())));
  }
}

// Types of tasks that have loaders of their own.
std::optional<Task> load_other(const TaskOptions& options) {
  switch (options.type) {
    case TaskType::kChoice:
      return load_choice(options);
    case TaskType::kLmEval:
      return load_lm_eval(options);
    case TaskType::kCrowsPairs:
      return load_crows_pairs(options);
    case TaskType::kBbq:
      return load_bbq(options);
    case TaskType::kCounterfactual:
      return load_counterfactual(options);
    case TaskType::kPerplexity:
      if (rolls(options)) return load_rolling_perplexity(options);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

Task load_task(const TaskOptions& options, int64_t samples) {
  const auto where = str("task ", options.name);
  check(options, where);
  if (auto task = load_other(options)) {
    task->samples = samples;
    return *std::move(task);
  }
  Task task{.options = options,
            .metrics = metrics_of(options, where),
            .labels = {},
            .rows = {},
            .samples = samples};
  if (options.type == TaskType::kClassification) task.labels.emplace(options.labels, where);
  task.rows = read_rows(options.data, options, options.limit);
  if (task.labels) check_references(task, *task.labels);
  check_settings(task, where);
  add_shots(task);
  add_groups(task);
  return task;
}

}  // namespace tunewright::eval
