// tunewright eval: figures of a model on data that it has not seen, beside a baseline.
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/eval/evaluate.h"
#include "tunewright/eval/report.h"

namespace tunewright::app {
namespace {

constexpr const char* kExample = R"(Examples:
  tunewright eval eval.yaml
  tunewright eval eval.yaml --set model.adapter=runs/other/adapter --set tasks.0.limit=50 --json
Configuration:
  model: {path: models/smollm2-135m-instruct, adapter: runs/spam-triage/adapter}
  baseline: {path: models/smollm2-135m-instruct}
  tasks:
    - {name: triage, type: classification, data: test.jsonl, labels: [ham, spam], metrics: [accuracy, macro_f1]}
  gates: {triage.macro_f1: {min: 0.9}}
  output_dir: evals/triage
Status 3: a gate failed; the reports are written all the same.
Keys:
)";

std::string interval_text(const eval::Interval& interval) {
  return str(fixed(interval.value, 3), " [", fixed(interval.low, 3), ", ", fixed(interval.high, 3),
             "]");
}

// "triage.accuracy: 0.333 [0.275, 0.392] -> 0.912 [0.875, 0.946], difference 0.579 [0.508, 0.650]"
std::string metric_line(const std::string& task, const eval::MetricResult& metric) {
  std::string line = str(task, ".", eval::name_of(metric.metric), ": ");
  if (metric.baseline) line += interval_text(*metric.baseline) + " -> ";
  line += interval_text(metric.candidate);
  if (metric.difference) line += ", difference " + interval_text(*metric.difference);
  return line + "\n";
}

std::string invalid_line(const eval::TaskResult& result) {
  const auto invalid = [&](const eval::TaskRun& run) {
    return eval::confusion(run.scores, eval::all_rows(run.scores.size()), result.task.label_count())
        .invalid();
  };
  const auto count = invalid(result.candidate),
             before = result.baseline ? invalid(*result.baseline) : 0;
  if (count == 0 && before == 0) return "";
  std::string line = str(result.task.options.name, ": answers that are none of the labels: ");
  if (result.baseline) line += str(before, " -> ");
  return line + str(count, " of ", result.task.rows.size(), "\n");
}

std::string gate_line(const eval::GateResult& result) {
  std::string limits;
  if (result.gate.min) limits += str(" min ", *result.gate.min);
  if (result.gate.max) limits += str(" max ", *result.gate.max);
  return str("gate ", result.gate.name, limits, ": ", fixed(result.value, 4),
             result.passed ? " passed\n" : " FAILED\n");
}

std::string summary(const eval::Evaluation& evaluation) {
  std::string text;
  for (const auto& result : evaluation.tasks) {
    for (const auto& metric : result.metrics) text += metric_line(result.task.options.name, metric);
    if (result.task.labels) text += invalid_line(result);
  }
  for (const auto& gate : evaluation.gates) text += gate_line(gate);
  const auto folder = std::filesystem::path(evaluation.options.output_dir);
  return text + str("95 % intervals in brackets; ", human_seconds(evaluation.seconds),
                    ", peak memory ",
                    human_bytes(static_cast<double>(evaluation.peak_memory_bytes)),
                    "; report: ", (folder / "report.html").string());
}

int run_eval(const std::string& config, const Context& context) {
  const auto options = from_json<eval::EvalOptions>(read_config(config, context));
  const auto evaluation = eval::evaluate(options, context.reporter);
  eval::write_reports(evaluation, options.output_dir);
  print_result(context, eval::report_json(evaluation, nullptr), summary(evaluation));
  return evaluation.passed() ? kDone : kGateFailed;
}

}  // namespace

void add_eval(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("eval", "Measures a model on held-out rows, against a baseline");
  auto config = std::make_shared<std::string>();
  command->footer(kExample + describe_fields(eval::EvalOptions{}, "") + "Keys of a task:\n" +
                  describe_fields(eval::TaskOptions{}, "tasks.N"));
  command->add_option("CONFIG", *config, "YAML file")->required()->check(CLI::ExistingFile);
  add_common_options(*command, context, true);
  command->callback([&context, config] {
    context.chosen = [&context, config] { return run_eval(*config, context); };
  });
}

}  // namespace tunewright::app
