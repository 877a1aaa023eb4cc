#include "tunewright/eval/evaluate.h"

#include <algorithm>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/ops/device.h"

namespace tunewright::eval {
namespace {

struct GateLimits {
  std::optional<double> min, max;
};
template <class V>
void fields(V& v, GateLimits& o) {
  v("min", o.min, "The figure must not be below it.");
  v("max", o.max, "The figure must not be above it.");
}

std::vector<Task> load_tasks(const EvalOptions& options) {
  if (options.tasks.empty())
    throw UserError("tasks: none given; write tasks: [{name: triage, type: classification, …}]");
  std::set<std::string> names;
  std::vector<Task> tasks;
  for (const auto& task : options.tasks) {
    if (!names.insert(task.name).second)
      throw UserError(str("tasks: two are named '", task.name, "'"));
    tasks.push_back(load_task(task, options.samples));
  }
  return tasks;
}

void check(const EvalOptions& options) {
  if (options.model.path.empty())
    throw UserError("model.path: missing; name the folder of the model to judge");
  if (options.baseline && options.baseline->path.empty()) {
    throw UserError("baseline.path: missing; name a model's folder, or write baseline: null");
  }
  if (options.bootstrap_resamples < 2) {
    throw UserError(
        str("bootstrap_resamples: must be at least 2, got ", options.bootstrap_resamples));
  }
  if (options.samples < 0)
    throw UserError(str("samples: must not be negative, got ", options.samples));
}

// The baseline is what the judged model is with its adapter switched off.
bool shares_weights(const EvalOptions& options) {
  const auto& [model, baseline] = std::tie(options.model, options.baseline);
  return baseline && model.adapter && !baseline->adapter && model.path == baseline->path &&
         model.dtype == baseline->dtype && model.quantization == baseline->quantization &&
         model.device == baseline->device;
}

using Runs = std::vector<TaskRun>;

Runs run_all(const std::vector<Task>& tasks, const Judged& judged, Reporter& reporter) {
  Runs runs;
  for (const auto& task : tasks) runs.push_back(run_task(task, judged, reporter));
  return runs;
}

struct Loaded {
  data::TextModel text;
  std::unique_ptr<model::CausalLm> model;
};

Loaded load(const model::ModelOptions& options, Reporter& reporter) {
  return {data::TextModel::load(options.path), model::load_causal_lm(options, reporter)};
}

struct BothRuns {
  Runs candidate, baseline;
};

// The models are in memory one after the other, unless they share their weights.
BothRuns run_models(const EvalOptions& options, const std::vector<Task>& tasks,
                    Reporter& reporter) {
  BothRuns runs;
  auto loaded = load(options.model, reporter);
  runs.candidate = run_all(tasks, {*loaded.model, loaded.text, "judged model"}, reporter);
  if (!options.baseline) return runs;
  if (shares_weights(options)) {
    model::set_adapter_enabled(*loaded.model, false);
  } else {
    loaded.model.reset();
    loaded = load(*options.baseline, reporter);
  }
  runs.baseline = run_all(tasks, {*loaded.model, loaded.text, "baseline"}, reporter);
  return runs;
}

TaskResult result_of(Task&& task, TaskRun&& candidate, std::optional<TaskRun>&& baseline,
                     const BootstrapOptions& options) {
  TaskResult result{.task = std::move(task),
                    .candidate = std::move(candidate),
                    .baseline = std::move(baseline),
                    .metrics = {}};
  const auto baseline_scores = result.baseline ? std::span<const RowScore>(result.baseline->scores)
                                               : std::span<const RowScore>();
  result.metrics = compare(result.task.metrics, result.task.label_count(), result.candidate.scores,
                           baseline_scores, options);
  return result;
}

std::string figure_name(const Task& task, Metric metric) {
  return str(task.options.name, ".", name_of(metric));
}

}  // namespace

bool Evaluation::passed() const {
  return std::all_of(gates.begin(), gates.end(),
                     [](const GateResult& gate) { return gate.passed; });
}

std::vector<Gate> parse_gates(const Json& gates, const std::vector<Task>& tasks) {
  if (gates.is_null()) return {};
  if (!gates.is_object()) {
    throw UserError(
        str("gates: expected limits by figure, as {triage.accuracy: {min: 0.9}}, got a ",
            type_name(gates)));
  }
  std::vector<std::string> figures;
  for (const auto& task : tasks) {
    for (const auto metric : task.metrics) figures.push_back(figure_name(task, metric));
  }
  std::vector<Gate> parsed;
  for (const auto& [name, value] : gates.items()) {
    if (std::find(figures.begin(), figures.end(), name) == figures.end()) {
      throw UserError(
          str("gates.", name, ": no task computes this figure", suggestion(name, figures)));
    }
    const auto limits = from_json<GateLimits>(value, "gates." + name);
    if (!limits.min && !limits.max)
      throw UserError(str("gates.", name, ": neither min nor max given"));
    parsed.push_back({.name = name, .min = limits.min, .max = limits.max});
  }
  return parsed;
}

std::vector<GateResult> judge_gates(const std::vector<Gate>& gates,
                                    const std::vector<TaskResult>& results) {
  std::vector<GateResult> judged;
  for (const auto& gate : gates) {
    for (const auto& result : results) {
      for (const auto& metric : result.metrics) {
        if (figure_name(result.task, metric.metric) != gate.name) continue;
        const double value = metric.candidate.value;
        const bool passed = (!gate.min || value >= *gate.min) && (!gate.max || value <= *gate.max);
        judged.push_back({.gate = gate, .value = value, .passed = passed});
      }
    }
  }
  return judged;
}

Evaluation evaluate(const EvalOptions& options, Reporter& reporter) {
  const double start = monotonic_seconds();
  check(options);
  auto tasks = load_tasks(options);
  const auto gates = parse_gates(options.gates, tasks);
  auto runs = run_models(options, tasks, reporter);
  const BootstrapOptions bootstrap{.resamples = options.bootstrap_resamples,
                                   .seed = static_cast<uint64_t>(options.seed)};
  Evaluation evaluation{.options = options};
  for (size_t i = 0; i < tasks.size(); ++i) {
    std::optional<TaskRun> baseline;
    if (options.baseline) baseline = std::move(runs.baseline[i]);
    evaluation.tasks.push_back(result_of(std::move(tasks[i]), std::move(runs.candidate[i]),
                                         std::move(baseline), bootstrap));
  }
  evaluation.gates = judge_gates(gates, evaluation.tasks);
  evaluation.seconds = monotonic_seconds() - start;
  evaluation.peak_memory_bytes = ops::peak_memory_bytes(model::choose_device(options.model.device));
  return evaluation;
}

}  // namespace tunewright::eval
