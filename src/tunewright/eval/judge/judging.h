#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tunewright/eval/evaluate.h"

namespace tunewright::eval {

// What the configuration asks of the judge, checked before a model is loaded.
struct Judging {
  JudgeOptions options;
  std::set<std::string> tasks;  // the names of those that are judged
  HumanMarks human;
};
// A task that is not there or asks no questions, or nothing to judge at all: a UserError.
Judging prepare_judging(const JudgeOptions& options, const std::vector<Task>& tasks);

struct JudgeRun {
  const BootstrapOptions& bootstrap;
  std::filesystem::path folder;  // where what local judges say is kept as it comes, to go on from
  Records& records;              // those files are added
  bool deterministic = false;    // of local judges, as of the judged models
};
// Opens the judges and asks them about the answers.  Local judges are loaded here: the judged
// models are out of memory by then.
JudgeReport run_judging(const Judging& judging, const std::vector<TaskResult>& results,
                        const JudgeRun& run, Reporter& reporter);

}  // namespace tunewright::eval
