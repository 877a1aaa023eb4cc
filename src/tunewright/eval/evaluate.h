#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/eval/compare.h"
#include "tunewright/eval/options.h"
#include "tunewright/eval/task.h"

namespace tunewright::eval {

struct TaskResult {
  Task task;
  TaskRun candidate;
  std::optional<TaskRun> baseline;
  std::vector<MetricResult> metrics;
};

// A limit on one figure of the judged model.
struct Gate {
  std::string name;  // "triage.macro_f1"
  std::optional<double> min, max;
};
struct GateResult {
  Gate gate;
  double value = 0;
  bool passed = false;
};

struct Evaluation {
  EvalOptions options;
  std::vector<TaskResult> tasks;
  std::vector<GateResult> gates;
  double seconds = 0;             // loading included
  int64_t peak_memory_bytes = 0;  // of the whole process

  bool passed() const;
};

// The limits of `gates:`, each checked against the tasks and their metrics.
std::vector<Gate> parse_gates(const Json& gates, const std::vector<Task>& tasks);
std::vector<GateResult> judge_gates(const std::vector<Gate>& gates,
                                    const std::vector<TaskResult>& results);

// Everything that the configuration asks for.  All files are read and checked before a model is
// loaded.  A baseline that is the judged model without its adapter shares its weights.
Evaluation evaluate(const EvalOptions& options, Reporter& reporter);

}  // namespace tunewright::eval
