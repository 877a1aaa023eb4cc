// tunewright runs: what was trained, on what, and what became of it.
#include <algorithm>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/observe/catalogue/compare.h"
#include "tunewright/observe/catalogue/filter.h"
#include "tunewright/observe/catalogue/index.h"
#include "tunewright/observe/catalogue/trace.h"
#include "tunewright/runs_common.h"

namespace tunewright::app {
namespace {

using observe::RunRecord;

constexpr const char* kExamples = R"(Examples:
  tunewright runs list --filter 'eval_loss<1.2 and adapter=lora' --sort eval_loss
  tunewright runs compare spam-triage second --out compare.html
  tunewright runs show spam-triage
  tunewright runs trace models/spam-triage          back to data and base, forward to what uses it
  tunewright runs verify                            status 3 where the audit trail was touched
  tunewright runs approve spam-triage --by "A. Turing" --note "checked 50 mails"
  tunewright runs export spam-triage --to mlflow
  tunewright runs export spam-triage --compliance --out documentation.md
  tunewright runs card spam-triage                  writes README.md anew, evaluations included
RUN is a folder, or its name below --root (runs).)";

struct Flags {
  std::string root = "runs";
  std::string filter, sort, columns, out, metrics = "loss,eval_loss";
  int64_t limit = 0;
  std::string run;
  std::vector<std::string> runs;
};

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> list;
  for (const auto& part : split(text, ',')) {
    if (!trim(part).empty()) list.emplace_back(trim(part));
  }
  return list;
}

Json run_json(const RunRecord& run) {
  Json json = {{"name", run.name}, {"path", run.path.string()}};
  json.update(run.facts);
  return json;
}

std::vector<RunRecord> catalogue(const std::string& root, const Context& context) {
  auto runs = observe::load_catalogue(root, context.reporter);
  for (const auto& trail : observe::find_trails(root)) observe::add_audit_facts(runs, trail);
  return runs;
}

// --- list ---

std::string list_text(const std::vector<RunRecord>& runs, const std::vector<std::string>& columns) {
  std::vector<std::vector<std::string>> rows;
  auto& head = rows.emplace_back(std::vector<std::string>{"run"});
  head.insert(head.end(), columns.begin(), columns.end());
  for (const auto& run : runs) {
    auto& row = rows.emplace_back(std::vector<std::string>{without_controls(run.name)});
    for (const auto& column : columns)
      row.push_back(without_controls(observe::fact_text(observe::fact(run, column))));
  }
  auto text = observe::text_table(rows, 1);
  text.pop_back();  // print_result ends the line
  return text;
}

int list_runs(const Flags& flags, const Context& context) {
  auto runs = select(catalogue(flags.root, context), observe::Filter(flags.filter));
  if (!flags.sort.empty()) observe::sort_by(runs, flags.sort);
  if (flags.limit > 0 && std::ssize(runs) > flags.limit)
    runs.resize(static_cast<size_t>(flags.limit));
  Json all = Json::array();
  for (const auto& run : runs) all.push_back(run_json(run));
  const auto text = runs.empty() ? str(flags.root, ": no runs",
                                       flags.filter.empty() ? "" : " that pass the filter")
                                 : list_text(runs, list_of(flags.columns));
  print_result(context, {{"runs", std::move(all)}}, text);
  return kDone;
}

// --- show ---

std::string show_text(const RunRecord& run, const std::vector<observe::AuditLine>& history) {
  std::string text = run.path.string() + "\n";
  for (const auto& [key, value] : run.facts.items())
    text += str("  ", key, ": ", without_controls(observe::fact_text(value)), "\n");
  const auto curves = observe::compare({run}, {"loss", "eval_loss"}).charts;
  for (const auto& chart : curves) {
    text += str(
        "\n", chart.metric, "\n",
        observe::braille_plot(chart.curves, {.columns = std::clamp(terminal_width() - 12, 20, 120)},
                              terminal_has_colours()));
  }
  if (!history.empty()) text += "\nAudit trail\n";
  for (const auto& line : history) {
    const auto by = line.details.value("by", line.actor);
    text += str("  ", line.time, "  ", line.event, "  ", without_controls(by), "\n");
  }
  text.pop_back();
  return text;
}

int show_run(const Flags& flags, const Context& context) {
  const auto folder = find_run(flags.root, flags.run);
  const auto run = record_of(flags.root, folder);
  const auto trail = observe::AuditTrail::beside(folder);
  std::vector<observe::AuditLine> history;
  Json events = Json::array();
  for (const auto& line : trail.read()) {
    if (line.subject != trail.name_of(folder)) continue;
    events.push_back({{"time", line.time},
                      {"event", line.event},
                      {"actor", line.actor},
                      {"details", line.details}});
    history.push_back(line);
  }
  auto json = run_json(run);
  json["audit"] = std::move(events);
  print_result(context, json, context.json ? "" : show_text(run, history));
  return kDone;
}

// --- compare ---

int compare_runs(const Flags& flags, const Context& context) {
  std::vector<RunRecord> runs;
  for (const auto& name : flags.runs)
    runs.push_back(record_of(flags.root, find_run(flags.root, name)));
  const auto comparison = observe::compare(runs, list_of(flags.metrics));
  auto text = context.json
                  ? std::string()
                  : observe::comparison_text(comparison, terminal_width(), terminal_has_colours());
  if (!flags.out.empty()) {
    write_file_atomic(flags.out, observe::comparison_page(comparison));
    text += str("\n", flags.out, ": the same as a page\n");
  }
  if (text.ends_with('\n')) text.pop_back();
  print_result(context, observe::comparison_json(comparison), text);
  return kDone;
}

// --- trace ---

int trace_thing(const Flags& flags, const Context& context) {
  const auto runs = catalogue(flags.root, context);
  const auto result = observe::trace(flags.run, runs, observe::find_trails(flags.root));
  auto text = str("Made from\n", observe::trace_text(result.backward), "\nUsed by\n",
                  observe::trace_text(result.forward));
  text.pop_back();
  print_result(context,
               {{"backward", observe::trace_json(result.backward)},
                {"forward", observe::trace_json(result.forward)}},
               text);
  return kDone;
}

template <class Work>
void on_call(CLI::App& command, Context& context, std::shared_ptr<Flags> flags, Work work) {
  add_common_options(command, context, false);
  command.callback([&context, flags, work] {
    context.chosen = [&context, flags, work] { return work(*flags, context); };
  });
}

void add_root(CLI::App& command, Flags& flags) {
  command.add_option("--root", flags.root, "Folder of the runs")
      ->type_name("DIR")
      ->capture_default_str();
}

void add_list(CLI::App& runs, Context& context) {
  auto flags = std::make_shared<Flags>();
  flags->columns =
      "status,started,steps,last_loss,eval_loss,adapter,training.learning_rate,gates,approved_by";
  auto* list = runs.add_subcommand("list", "All runs, the newest first");
  add_root(*list, *flags);
  list->add_option("--filter", flags->filter,
                   "'eval_loss<1.2 and adapter=lora': = != < <= > >= ~ (holds), and, or, not, ()")
      ->type_name("EXPRESSION");
  list->add_option("--sort", flags->sort, "By this figure or key; -KEY: descending")
      ->type_name("KEY");
  list->add_option("--columns", flags->columns, "What to show, comma between")
      ->type_name("KEYS")
      ->capture_default_str();
  list->add_option("--limit", flags->limit, "Only the first so many; 0: all")->type_name("N");
  on_call(*list, context, flags, list_runs);
}

}  // namespace

void add_runs(CLI::App& app, Context& context) {
  auto* runs = app.add_subcommand("runs", "Lists, compares, traces, verifies and passes on runs");
  runs->require_subcommand(1);
  runs->footer(kExamples);
  add_list(*runs, context);

  auto shown = std::make_shared<Flags>();
  auto* show =
      runs->add_subcommand("show", "All that is known of a run, its curves and its history");
  show->add_option("RUN", shown->run, "Run")->required();
  add_root(*show, *shown);
  on_call(*show, context, shown, show_run);

  auto compared = std::make_shared<Flags>();
  auto* compare = runs->add_subcommand("compare", "Runs side by side: figures, settings, curves");
  compare->add_option("RUN", compared->runs, "Two runs or more")->required()->expected(2, 20);
  compare->add_option("--metric", compared->metrics, "Curves of metrics.jsonl, comma between")
      ->type_name("NAMES")
      ->capture_default_str();
  compare->add_option("--out", compared->out, "Writes the comparison as one HTML page too")
      ->type_name("FILE");
  add_root(*compare, *compared);
  on_call(*compare, context, compared, compare_runs);

  auto traced = std::make_shared<Flags>();
  auto* trace = runs->add_subcommand(
      "trace", "From a run, model, data file or hash back to its origin and forward to its uses");
  trace->add_option("WHAT", traced->run, "Run, folder, file or the beginning of a hash")
      ->required();
  add_root(*trace, *traced);
  on_call(*trace, context, traced, trace_thing);

  add_runs_audit(*runs, context);
  add_runs_export(*runs, context);
}

}  // namespace tunewright::app
