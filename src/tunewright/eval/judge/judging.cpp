#include "tunewright/eval/judge/judging.h"

#include <algorithm>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/version.h"
#include "tunewright/eval/judge/endpoint_judge.h"
#include "tunewright/eval/judge/local_judge.h"

namespace tunewright::eval {
namespace {

std::unique_ptr<Judge> open_local_judge(const std::string& path, const char* who,
                                        const JudgeRun& run, Reporter& reporter) {
  const auto key =
      sha256(str(version(), run.deterministic, path, "\n", stamp_of_files(path))).substr(0, 16);
  const auto& record = run.records.emplace_back(
      std::make_shared<PartialResults>(run.folder, str("judge.local.", who), key));
  if (record->found() > 0) {
    reporter.info(str("judge ", path, ": going on behind ", record->found(),
                      " opinions of an interrupted evaluation"));
  }
  auto judge = std::make_unique<LocalJudge>(path, record, reporter);
  judge->set_deterministic(run.deterministic);
  return judge;
}

JudgedTask judged_task(const TaskResult& result, int64_t limit) {
  JudgedTask task{.name = result.task.options.name, .rows = {}};
  const auto& rows = result.task.rows;
  const auto count =
      limit > 0 ? std::min<size_t>(rows.size(), static_cast<size_t>(limit)) : rows.size();
  for (size_t i = 0; i < count; ++i) {
    task.rows.push_back({.row = rows[i].place.row,
                         .question = rows[i].question,
                         .reference = rows[i].reference,
                         .answer = result.candidate.answers[i],
                         .baseline_answer = {}});
    if (result.baseline) task.rows.back().baseline_answer = result.baseline->answers[i];
  }
  return task;
}

}  // namespace

Judging prepare_judging(const JudgeOptions& options, const std::vector<Task>& tasks) {
  options.validate("judge");
  Judging judging{.options = options, .tasks = {}, .human = {}};
  std::vector<std::string> names;
  for (const auto& task : tasks) {
    if (!task.asks()) continue;
    names.push_back(task.options.name);
    if (options.tasks.empty() && task.options.type == TaskType::kGeneration)
      judging.tasks.insert(task.options.name);
  }
  for (const auto& name : options.tasks) {
    if (std::ranges::find(names, name) == names.end()) {
      throw UserError(
          str("judge.tasks: no task with answers is named '", name, "'", suggestion(name, names)));
    }
    judging.tasks.insert(name);
  }
  if (judging.tasks.empty()) {
    throw UserError(
        "judge: no task of type generation to judge; add one, or name tasks in "
        "judge.tasks");
  }
  if (!options.human.empty()) judging.human = read_human_marks(options.human, options.scale);
  return judging;
}

JudgeReport run_judging(const Judging& judging, const std::vector<TaskResult>& results,
                        const JudgeRun& run, Reporter& reporter) {
  const auto& options = judging.options;
  std::vector<JudgedTask> tasks;
  for (const auto& result : results) {
    if (judging.tasks.contains(result.task.options.name))
      tasks.push_back(judged_task(result, options.limit));
  }
  const auto spending = std::make_shared<Spending>();
  const auto open = [&](const JudgeSource& source, const char* who) -> std::unique_ptr<Judge> {
    if (!source.path.empty()) return open_local_judge(source.path, who, run, reporter);
    return std::make_unique<EndpointJudge>(source, options, spending);
  };
  const auto first = open(options.source, "first");
  const auto second = options.second ? open(*options.second, "second") : nullptr;
  return judge_tasks(options, tasks,
                     {.first = *first,
                      .second = second.get(),
                      .human = options.human.empty() ? nullptr : &judging.human},
                     run.bootstrap, reporter);
}

}  // namespace tunewright::eval
