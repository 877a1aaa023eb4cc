// tunewright data run: one step of the data workshop over a file of JSON Lines.
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/corpus/run_step.h"
#include "tunewright/corpus_scorer.h"
#include "tunewright/data_commands.h"

namespace tunewright::app {
namespace {

constexpr size_t kShownOfSummary = 400;  // bytes of a line; --json prints everything

struct RunFlags {
  std::string step, in, out, ledger;
  int64_t workers = 0;
};

std::string steps_help() {
  std::string text = "Steps and their options (--set option=value):\n";
  for (const auto& step : corpus::step_table())
    text += str("\n", step.name, ": ", step.help, ".\n", step.describe_options());
  return text + R"(
Examples:
  tunewright data run filter-length --in rows.jsonl --out kept.jsonl --set min_words=5
  tunewright data run filter-length --in rows.jsonl --out kept.jsonl --ledger ledger.jsonl)";
}

Json counts_json(const corpus::StepCounts& counts) {
  Json reasons = Json::object();
  for (const auto& [reason, rows] : counts.reasons) reasons[reason] = rows;
  return {{"rows", counts.rows},       {"kept", counts.kept},       {"changed", counts.changed},
          {"dropped", counts.dropped}, {"written", counts.written}, {"reasons", reasons}};
}

std::string counts_text(const RunFlags& flags, const corpus::StepCounts& counts,
                        const Json& summary) {
  auto text = str(flags.step, ": ", counts.rows, " rows, ", counts.kept, " kept, ", counts.changed,
                  " changed, ", counts.dropped, " dropped -> ", flags.out, "\n");
  for (const auto& [reason, rows] : counts.reasons) text += str("  ", rows, "  ", reason, "\n");
  // What the step has found beside its decisions: for `audit` that is all of its report.
  for (const auto& [name, found] : summary.items())
    text += str("  ", name, ": ", excerpt(dump_json(found), kShownOfSummary), "\n");
  return text;
}

int run_one_step(const RunFlags& flags, const Context& context) {
  if (fs::exists(flags.out) && fs::equivalent(flags.in, flags.out))
    throw UserError(str("--out ", flags.out, ": is the input itself; choose another file"));
  install_stop_signals();
  Json step_options = Json::object();
  apply_settings(step_options, context);
  const auto step = corpus::make_step(flags.step, step_options, step_context(context.reporter));
  const auto counts = run_step(*step,
                               {.in = flags.in,
                                .out = flags.out,
                                .ledger = flags.ledger,
                                .label = flags.step,
                                .workers = flags.workers > 0 ? flags.workers : core_count()},
                               context.reporter);
  auto result = counts_json(counts);
  auto summary = step->summary();
  const auto text = counts_text(flags, counts, summary);
  if (!summary.empty()) result["summary"] = std::move(summary);
  print_result(context, result, text);
  return kDone;
}

}  // namespace

void add_data_run(CLI::App& data, Context& context) {
  auto* command = data.add_subcommand("run", "Runs one step of the workshop over JSON Lines");
  auto flags = std::make_shared<RunFlags>();
  command->add_option("step", flags->step, "Name of the step")->required();
  command->add_option("--in", flags->in, "JSON Lines in")->required();
  command->add_option("--out", flags->out, "JSON Lines out: the rows that are kept")->required();
  command->add_option("--ledger", flags->ledger, "A line an input row: what became of it, and why");
  command->add_option("--workers", flags->workers, "Threads; 0: one a core")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->footer(steps_help());
  add_common_options(*command, context, true);
  command->callback(
      [=, &context] { context.chosen = [=, &context] { return run_one_step(*flags, context); }; });
}

}  // namespace tunewright::app
