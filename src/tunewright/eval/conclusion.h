#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "tunewright/eval/evaluate.h"

// What the figures allow to say: verdict, slices, gates.
namespace tunewright::eval {

// The figures of `gates: {forgetting: {max_…}}`.
inline constexpr std::array kForgettingFigures = {
    "ppl_increase",         "perplexity",  "kl",      "choice_accuracy",
    "choice_accuracy_drop", "format_kept", "same_top"};

std::string figure_name(const Task& task, Metric metric);  // "triage.macro_f1"

metrics::GateContext gate_context(const EvalOptions& options, const std::vector<Task>& tasks);

// Fills verdict, gates, and each task's groups, slices and McNemar test from its figures and scores.
// `more`: figures that belong to no task ("forgetting.kl").
void conclude(Evaluation& evaluation, std::span<const metrics::Gate> gates,
              const BootstrapOptions& options, std::span<const metrics::MeasuredFigure> more = {});

// How good each answer is: 1 or 0 where answers are labels, token F1 of other answers, minus the
// loss a token where nothing is asked.
std::vector<double> row_goodness(const Task& task, const TaskRun& run);
// label, length of the question in characters (of text: in tokens), and every field of the rows of
// the file that is a short text, a number, or true or false.
std::vector<metrics::SliceField> slice_fields(const Task& task, const TaskRun& run);

}  // namespace tunewright::eval
