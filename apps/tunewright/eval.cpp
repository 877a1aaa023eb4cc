// tunewright eval: figures of a model on data that it has not seen, beside a baseline.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/eval/evaluate.h"
#include "tunewright/eval/report.h"
#include "tunewright/runs_common.h"

namespace tunewright::app {
namespace {

constexpr const char* kExample = R"(Examples:
  tunewright eval eval.yaml
  tunewright eval eval.yaml --set model.adapter=runs/other/adapter --set tasks.0.limit=50 --json
Configuration:
  model: {path: models/smollm2-135m-instruct, adapter: runs/spam-triage/adapter}
  baseline: {path: models/smollm2-135m-instruct}
  tasks:
    - {name: triage, type: classification, data: test.jsonl, labels: [ham, spam], metrics: [accuracy, macro_f1, roc_auc]}
    - {name: replies, type: generation, data: replies.jsonl, metrics: [bleu, rougeL, length]}
  judge: {endpoint: http://localhost:8000/v1, model: judge, rubric: Is it friendly and right?}
  forgetting: true
  gates:
    triage.macro_f1: {min: 0.9, not_worse_than: baseline, margin: 0.01}
    approval: {by: [Ada, Alan]}
  output_dir: evals/triage
Status 3: a gate failed; the reports are written all the same.
Keys:
)";

std::string interval_text(const eval::Interval& interval) {
  if (!std::isfinite(interval.value)) return "undefined";
  if (!std::isfinite(interval.low)) return fixed(interval.value, 3);
  return str(fixed(interval.value, 3), " [", fixed(interval.low, 3), ", ", fixed(interval.high, 3),
             "]");
}

// "triage.accuracy: 0.333 [0.275, 0.392] -> 0.912 [0.875, 0.946], difference 0.579 [0.508, 0.650],
// p 0.0005"
std::string metric_line(const std::string& task, const eval::MetricResult& metric) {
  std::string line = str(task, ".", eval::name_of(metric.metric), ": ");
  if (metric.baseline) line += interval_text(*metric.baseline) + " -> ";
  line += interval_text(metric.candidate);
  if (metric.difference) line += ", difference " + interval_text(*metric.difference);
  if (metric.p_value && std::isfinite(*metric.p_value)) line += ", p " + fixed(*metric.p_value, 4);
  if (!metric.undefined.empty()) line += str(" (", metric.undefined, ")");
  return line + "\n";
}

std::string invalid_line(const eval::TaskResult& result) {
  const auto invalid = [&](const eval::TaskRun& run) {
    return std::ranges::count(run.scores, eval::kInvalid, &eval::RowScore::predicted);
  };
  const auto count = invalid(result.candidate),
             before = result.baseline ? invalid(*result.baseline) : 0;
  if (count == 0 && before == 0) return "";
  std::string line = str(result.task.options.name, ": answers that are none of the labels: ");
  if (result.baseline) line += str(before, " -> ");
  return line + str(count, " of ", result.task.rows.size(), "\n");
}

std::string gate_line(const metrics::GateResult& result) {
  const auto value = result.measured ? interval_text(*result.measured) + " " : "";
  return str("gate ", result.gate.figure, " ", result.limit, ": ", value,
             result.passed ? "passed\n" : str("FAILED: ", result.reason, "\n"));
}

// The slices that a verdict calls worse.
std::string slice_lines(const eval::TaskResult& result) {
  std::string text;
  if (!result.slices) return text;
  for (const auto& slice : result.slices->slices) {
    if (slice.verdict != metrics::Verdict::kWorse) continue;
    text +=
        str(result.task.options.name, ": worse where ", slice.field, " is '", excerpt(slice.value),
            "' (", slice.rows, " rows): ", interval_text(slice.difference), ", p ",
            fixed(slice.adjusted_p_value, 4), "\n");
  }
  return text;
}

std::string mean_text(const std::optional<eval::Interval>& interval) {
  return interval ? interval_text(*interval) : "no valid answer";
}

// "judge: replies: 3.812 [3.701, 3.920] -> 4.105 [4.011, 4.190], win rate 0.640 [0.571, 0.703]"
std::string judge_lines(const eval::JudgeReport& report) {
  std::string text;
  for (const auto& task : report.tasks) {
    text += str("judge: ", task.task, ": ");
    if (task.baseline) text += mean_text(task.baseline_score) + " -> ";
    text += mean_text(task.score);
    if (task.pairs) {
      text += str(", win rate ", mean_text(task.pairs->win_rate), ", ", task.pairs->contradicted,
                  " pairs contradicted by the other order");
    }
    const auto invalid = task.model.invalid + (task.baseline ? task.baseline->invalid : 0) +
                         (task.pairs ? task.pairs->invalid : 0);
    text += str(", ", invalid, " invalid answers\n");
  }
  return text;
}

std::string forgetting_line(const eval::Forgetting& found) {
  auto text = str("forgetting: perplexity of general text ", fixed(found.baseline_perplexity, 2),
                  " -> ", fixed(found.perplexity, 2), ", general questions right ",
                  fixed(found.baseline_choice_accuracy.value, 3), " -> ",
                  fixed(found.choice_accuracy.value, 3), ", KL on neutral prompts ",
                  fixed(found.kl.value, 4));
  if (found.format)
    text += str(", chat format kept in ", found.format->kept, " of ", found.format->probes);
  return text + "\n";
}

std::string summary(const eval::Evaluation& evaluation) {
  std::string text;
  for (const auto& result : evaluation.tasks) {
    for (const auto& metric : result.metrics) text += metric_line(result.task.options.name, metric);
    if (result.task.labels) text += invalid_line(result);
    text += slice_lines(result);
  }
  if (evaluation.verdict) {
    text += str("verdict: ", metrics::name_of(evaluation.verdict->overall), " (",
                evaluation.verdict->reason, ")\n");
  }
  if (evaluation.judge) text += judge_lines(*evaluation.judge);
  if (evaluation.forgetting) text += forgetting_line(*evaluation.forgetting);
  for (const auto& gate : evaluation.gates) text += gate_line(gate);
  const auto folder = std::filesystem::path(evaluation.options.output_dir);
  return text + str("95 % intervals in brackets; ", human_seconds(evaluation.seconds),
                    ", peak memory ",
                    human_bytes(static_cast<double>(evaluation.peak_memory_bytes)),
                    "; report: ", (folder / "report.html").string());
}

int run_eval(const std::string& config, const Context& context) {
  const auto options = from_json<eval::EvalOptions>(read_config(config, context));
  install_stop_signals();
  std::optional<eval::Evaluation> finished;
  try {
    finished = eval::evaluate(options, context.reporter);
  } catch (const Interrupted&) {
    context.reporter.finish_progress();
    context.reporter.warn(
        str("stopped; the same command goes on from what ", options.output_dir, "/requests holds"));
    return kInterrupted;
  }
  const auto& evaluation = *finished;
  eval::write_reports(evaluation, options.output_dir);
  evaluation.complete();
  record_evaluation(options.output_dir);
  print_result(context, eval::report_json(evaluation, nullptr), summary(evaluation));
  return evaluation.passed() ? kDone : kGateFailed;
}

}  // namespace

void add_eval(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("eval", "Measures a model on held-out rows, against a baseline");
  auto config = std::make_shared<std::string>();
  command->footer(kExample + describe_fields(eval::EvalOptions{}, "") + "Keys of a task:\n" +
                  describe_fields(eval::TaskOptions{}, "tasks.N") + "Keys of judge:\n" +
                  describe_fields(eval::JudgeOptions{}, "judge"));
  command->add_option("CONFIG", *config, "YAML file")->required()->check(CLI::ExistingFile);
  add_common_options(*command, context, true);
  command->callback([&context, config] {
    context.chosen = [&context, config] { return run_eval(*config, context); };
  });
}

}  // namespace tunewright::app
