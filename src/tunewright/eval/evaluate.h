#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/eval/compare.h"
#include "tunewright/eval/forgetting/forgetting.h"
#include "tunewright/eval/judge/judge.h"
#include "tunewright/eval/options.h"
#include "tunewright/eval/task.h"
#include "tunewright/metrics/coherence.h"
#include "tunewright/metrics/gates.h"
#include "tunewright/metrics/groups.h"
#include "tunewright/metrics/slices.h"
#include "tunewright/metrics/verdict.h"

namespace tunewright::eval {

// Which of both models' answers are right: McNemar's test on the rows on which they disagree.
struct RightAnswers {
  std::string figure;  // that says what is right: "accuracy", "acc"
  metrics::McNemar test;
};

struct TaskResult {
  Task task;
  TaskRun candidate;
  std::optional<TaskRun> baseline;
  std::vector<MetricResult> metrics;
  // With a baseline alone; the second where answers are right or wrong.
  std::optional<metrics::SliceReport> slices;
  std::optional<RightAnswers> right_answers;
  // Of the judged model, where rows belong to groups; chance alone makes a gap, and its p-value
  // says how often one as large.
  std::optional<metrics::GroupGap> groups;
  // Of each answer of a generation task; empty: not measured.
  std::vector<metrics::Coherence> coherence, baseline_coherence;
};

using Records = std::vector<std::shared_ptr<PartialResults>>;

struct Evaluation {
  EvalOptions options;
  std::vector<TaskResult> tasks;
  std::optional<metrics::Judgement> verdict;  // with a baseline alone
  std::vector<metrics::GateResult> gates;
  std::optional<JudgeReport> judge;
  std::optional<Forgetting> forgetting;
  Records records;                // of what the models gave, to go on from
  double seconds = 0;             // loading included
  int64_t peak_memory_bytes = 0;  // of the whole process

  bool passed() const;
  // The reports are written: what was kept to go on from becomes the record of what was asked.
  void complete() const;
};

// Everything that the configuration asks for.  What the models gave for each row goes, as it comes,
// into `requests/` of the output folder; an evaluation that was stopped (Interrupted, or killed)
// goes on from there when it is started again as it was, until complete() says that all is written.
// All files are read and checked before a model is loaded.  A baseline that is the judged model
// without its adapter shares its weights.
Evaluation evaluate(const EvalOptions& options, Reporter& reporter);

}  // namespace tunewright::eval
