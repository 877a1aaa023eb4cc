#pragma once
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tunewright/eval/evaluate.h"

// What the figures allow to say: verdict, slices, gates.
namespace tunewright::eval {

std::string figure_name(const Task& task, Metric metric);  // "triage.macro_f1"

// `judged`: names of the tasks that a judge marks ("replies.judge_score", and with a baseline and
// pairs "replies.judge_win_rate").
metrics::GateContext gate_context(const EvalOptions& options, const std::vector<Task>& tasks,
                                  const std::set<std::string>& judged = {});

// Fills verdict, gates, and each task's groups, slices and right answers from its figures and
// scores. `more`: figures that belong to no task ("forgetting.kl").
void conclude(Evaluation& evaluation, std::span<const metrics::Gate> gates,
              const BootstrapOptions& options, std::span<const metrics::MeasuredFigure> more = {});

// How good each answer is: 1 or 0 where answers are labels, token F1 of other answers, minus the
// loss a token where nothing is asked.
std::vector<double> row_goodness(const Task& task, const TaskRun& run);
// label, task of a group of task files, index of the right choice, length of the question in
// characters (of text: in tokens), and every field of the rows of the file that is a short text, a
// number, or true or false.
std::vector<metrics::SliceField> slice_fields(const Task& task, const TaskRun& run);

}  // namespace tunewright::eval
