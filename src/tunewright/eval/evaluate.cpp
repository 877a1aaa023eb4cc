#include "tunewright/eval/evaluate.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/eval/approval_gate.h"
#include "tunewright/eval/conclusion.h"
#include "tunewright/eval/embed.h"
#include "tunewright/eval/forgetting/general_set.h"
#include "tunewright/eval/judge/judging.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/ops/device.h"

namespace tunewright::eval {
namespace {

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

fs::path requests_folder(const EvalOptions& options) {
  return fs::path(options.output_dir) / "requests";
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

// What is asked of every model.
struct Work {
  const EvalOptions& options;
  const std::vector<Task>& tasks;
  std::optional<GeneralInput> general;
};

void add_model(Sha256& hash, const model::ModelOptions& model, const EvalOptions& options) {
  hash.update(str(version(), to_json_object(model).dump(), options.deterministic, "\n"));
  hash.update(stamp_of_files(model.path));
  if (model.adapter) hash.update(stamp_of_files(*model.adapter));
}

void add_row(Sha256& hash, const Task& task, size_t i) {
  const auto& row = task.rows[i];
  hash.update(row.row.messages.dump());
  for (const auto& text : {row.row.prompt, row.row.completion, row.reference})
    hash.update(text + "\n");
  if (!task.items) return;
  hash.update(task.items->items[i].text + "\n");
  for (const auto& continuation : task.items->items[i].continuations)
    hash.update(str(continuation.context, "\n", continuation.text, "\n",
                    continuation.messages.dump(), "\n"));
}

// Of everything that the answers to a task depend on.
std::string key_of(const Task& task, const model::ModelOptions& model, const EvalOptions& options) {
  Sha256 hash;
  add_model(hash, model, options);
  hash.update(str(to_json_object(task.options).dump(), task.samples, "\n"));
  if (task.items) {
    hash.update(str(static_cast<int>(task.items->kind), " ", task.items->max_new_tokens));
    for (const auto& stop : task.items->stops) hash.update(stop + "\n");
  }
  for (size_t i = 0; i < task.rows.size(); ++i) add_row(hash, task, i);
  return hash.hex_digest().substr(0, 16);
}

std::string key_of(const GeneralInput& general, const model::ModelOptions& model,
                   const EvalOptions& options) {
  Sha256 hash;
  add_model(hash, model, options);
  const auto add_ids = [&](const std::vector<int32_t>& ids) {
    for (const auto id : ids) hash.update(str(id, " "));
    hash.update("\n");
  };
  for (const auto& text : general.texts) add_ids(text.ids);
  for (const auto& choice : general.choices) add_ids(choice.ids);
  for (const auto probe : format_probes()) hash.update(str(probe, "\n"));
  return hash.hex_digest().substr(0, 16);
}

// What is known of every task, and behind them of the general set, before they are run.
Records open_records(const Work& work, const model::ModelOptions& model, const char* who,
                     Reporter& reporter) {
  Records records;
  const auto open = [&](const std::string& what, const std::string& key) {
    const auto& record = records.emplace_back(
        std::make_shared<PartialResults>(requests_folder(work.options), str(what, ".", who), key));
    if (record->found() > 0) {
      reporter.info(str(what, ", ", who, ": going on behind ", record->found(),
                        " results of an interrupted evaluation"));
    }
  };
  for (const auto& task : work.tasks) open(task.options.name, key_of(task, model, work.options));
  // No task's name has a dot.
  if (work.general) open("forgetting.general", key_of(*work.general, model, work.options));
  return records;
}

// What one model did.
struct ModelRuns {
  std::vector<TaskRun> tasks;
  std::optional<GeneralRun> general;  // none: forgetting is not asked for
};

struct Loaded {
  data::TextModel text;
  std::unique_ptr<model::CausalLm> model;

  Judged judged(std::string_view name, const EvalOptions& options) const {
    return {.model = *model, .text = text, .name = name, .deterministic = options.deterministic};
  }
};

Loaded load(const model::ModelOptions& options, Reporter& reporter) {
  return {data::TextModel::load(options.path), model::load_causal_lm(options, reporter)};
}

ModelRuns run_model(const Work& work, const Records& records, Judged judged, Reporter& reporter) {
  ModelRuns runs;
  for (size_t i = 0; i < work.tasks.size(); ++i) {
    judged.results = records[i].get();
    runs.tasks.push_back(run_task(work.tasks[i], judged, reporter));
  }
  if (!work.general) return runs;
  judged.results = records.back().get();
  runs.general = run_general(*work.general, judged, reporter);
  return runs;
}

struct BothRuns {
  ModelRuns candidate;
  std::optional<ModelRuns> baseline;
  // Of each task, the judged model's answers and then the baseline's; empty: not measured.
  std::vector<std::vector<metrics::Coherence>> coherence;
  Records records;  // of both models
};

// Both models' answers are measured by one model, so that their figures compare.
std::vector<std::vector<metrics::Coherence>> measure_coherence(const Work& work,
                                                               const BothRuns& runs,
                                                               const Judged& base) {
  std::vector<std::vector<metrics::Coherence>> found(work.tasks.size());
  const auto embed = sentence_embedder(base);
  for (size_t i = 0; i < work.tasks.size(); ++i) {
    const bool wanted =
        work.options.coherence && work.tasks[i].options.type == TaskType::kGeneration;
    if (!wanted) continue;
    auto answers = runs.candidate.tasks[i].answers;
    if (runs.baseline) {
      const auto& more = runs.baseline->tasks[i].answers;
      answers.insert(answers.end(), more.begin(), more.end());
    }
    found[i] = metrics::coherence(answers, embed);
  }
  return found;
}

// The models are in memory one after the other, unless they share their weights.
BothRuns run_models(const Work& work, Reporter& reporter) {
  const auto& options = work.options;
  BothRuns runs;
  auto records = open_records(work, options.model, "model", reporter);
  auto loaded = load(options.model, reporter);
  runs.candidate = run_model(work, records, loaded.judged("judged model", options), reporter);
  if (model::has_adapter(*loaded.model)) model::set_adapter_enabled(*loaded.model, false);
  Records before;
  if (options.baseline) {
    before = open_records(work, *options.baseline, "baseline", reporter);
    if (!shares_weights(options)) {
      loaded.model.reset();
      loaded = load(*options.baseline, reporter);
    }
    runs.baseline = run_model(work, before, loaded.judged("baseline", options), reporter);
    if (model::has_adapter(*loaded.model)) model::set_adapter_enabled(*loaded.model, false);
  }
  runs.coherence = measure_coherence(work, runs, loaded.judged("base", options));
  runs.records = std::move(records);
  std::ranges::move(before, std::back_inserter(runs.records));
  return runs;
}

// Read before a model is loaded, as everything that may be wrong.
Work work_of(const EvalOptions& options, const std::vector<Task>& tasks) {
  Work work{.options = options, .tasks = tasks, .general = {}};
  if (!options.forgetting) return work;
  if (!options.baseline)
    throw UserError("forgetting: needs a baseline, the model that the judged one was tuned from");
  const auto model = data::TextModel::load(options.model.path),
             baseline = data::TextModel::load(options.baseline->path);
  require_same_tokens(model, baseline);
  work.general = GeneralInput::of(baseline);
  return work;
}

TaskResult result_of(Task&& task, TaskRun&& candidate, std::optional<TaskRun>&& baseline,
                     const BootstrapOptions& options) {
  TaskResult result{.task = std::move(task),
                    .candidate = std::move(candidate),
                    .baseline = std::move(baseline),
                    .metrics = {}};
  result.metrics = compare(result.task, result.candidate,
                           result.baseline ? &*result.baseline : nullptr, options);
  return result;
}

// Of what both models did on the general texts, which is not kept.
std::optional<Forgetting> forgetting_of(const Work& work, BothRuns& runs,
                                        const BootstrapOptions& options) {
  if (!work.general || !runs.baseline) return std::nullopt;
  const auto model = std::exchange(runs.candidate.general, std::nullopt),
             baseline = std::exchange(runs.baseline->general, std::nullopt);
  if (!model || !baseline) return std::nullopt;
  return compare_general(*work.general, *model, *baseline, options);
}

std::vector<metrics::MeasuredFigure> forgetting_figures(const Evaluation& evaluation) {
  std::vector<metrics::MeasuredFigure> measured;
  if (!evaluation.forgetting) return measured;
  for (const auto& [name, interval] : figures(*evaluation.forgetting))
    measured.push_back({.name = "forgetting." + name, .candidate = interval});
  return measured;
}

// Holm's correction multiplies the smallest p-value, one exchange in all, by the number of figures:
// with too few exchanges no difference could ever be shown.
BootstrapOptions resampling_of(const EvalOptions& options, const std::vector<Task>& tasks,
                               Reporter& reporter) {
  constexpr int64_t kExchangesAFigure = 40;
  int64_t figures = 0;
  for (const auto& task : tasks) figures += std::ssize(task.metrics);
  BootstrapOptions bootstrap{.resamples = options.bootstrap_resamples,
                             .seed = static_cast<uint64_t>(options.seed)};
  const auto least = options.baseline ? kExchangesAFigure * figures : 0;
  if (bootstrap.resamples < least && figures > 50) {
    bootstrap.resamples = least;
    reporter.info(str(figures, " figures at once need ", least,
                      " resamples, or nothing could be told from chance; bootstrap_resamples: ",
                      options.bootstrap_resamples, " is raised"));
  }
  return bootstrap;
}

}  // namespace

void Evaluation::complete() const {
  for (const auto& record : records) record->complete();
  remove_partial_results(requests_folder(options));
}

bool Evaluation::passed() const { return metrics::all_passed(gates); }

Evaluation evaluate(const EvalOptions& options, Reporter& reporter) {
  const double start = monotonic_seconds();
  check(options);
  auto tasks = load_tasks(options);
  Json limits = options.gates;
  const auto approval = take_approval_rule(limits);
  const auto judging =
      options.judge ? std::optional(prepare_judging(*options.judge, tasks)) : std::nullopt;
  const auto gates = metrics::parse_gates(
      limits, gate_context(options, tasks, judging ? judging->tasks : std::set<std::string>()));
  const auto work = work_of(options, tasks);
  auto runs = run_models(work, reporter);
  const auto bootstrap = resampling_of(options, tasks, reporter);
  Evaluation evaluation{.options = options};
  evaluation.forgetting = forgetting_of(work, runs, bootstrap);
  for (size_t i = 0; i < tasks.size(); ++i) {
    std::optional<TaskRun> baseline;
    if (runs.baseline) baseline = std::move(runs.baseline->tasks[i]);
    auto& result = evaluation.tasks.emplace_back(result_of(
        std::move(tasks[i]), std::move(runs.candidate.tasks[i]), std::move(baseline), bootstrap));
    const auto rows = static_cast<int64_t>(result.task.rows.size());
    auto& coherence = runs.coherence[i];
    if (coherence.empty()) continue;
    result.baseline_coherence.assign(coherence.begin() + rows, coherence.end());
    coherence.resize(static_cast<size_t>(rows));
    result.coherence = std::move(coherence);
  }
  if (judging) {
    evaluation.judge = run_judging(*judging, evaluation.tasks,
                                   {.bootstrap = bootstrap,
                                    .folder = requests_folder(options),
                                    .records = runs.records,
                                    .deterministic = options.deterministic},
                                   reporter);
  }
  conclude(evaluation, gates, bootstrap, forgetting_figures(evaluation));
  if (approval) evaluation.gates.push_back(judge_approval(*approval, options.model));
  evaluation.seconds = monotonic_seconds() - start;
  evaluation.records = std::move(runs.records);
  evaluation.peak_memory_bytes = ops::peak_memory_bytes(model::choose_device(options.model.device));
  return evaluation;
}

}  // namespace tunewright::eval
