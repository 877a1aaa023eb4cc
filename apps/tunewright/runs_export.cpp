// tunewright runs export, card: a run for other tools and for other people.
#include <algorithm>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/cards/compliance.h"
#include "tunewright/observe/cards/model_card.h"
#include "tunewright/observe/sinks/tracker.h"
#include "tunewright/run_config.h"
#include "tunewright/runs_common.h"

namespace tunewright::app {
namespace {

struct ExportFlags {
  std::string root = "runs", run, to, out, answers;
  bool compliance = false;
};

void record(const fs::path& run, const std::string& event, const std::vector<fs::path>& files,
            Json details) {
  observe::AuditTrail::beside(run).append(
      {.actor = actor(),
       .event = event,
       .subject = run,
       .inputs = observe::artefacts_of(observe::weight_files(run)),
       .artefacts = observe::artefacts_of(files),
       .details = std::move(details)});
}

int export_to(const ExportFlags& flags, const fs::path& run, const Context& context) {
  const auto config = read_yaml(run / "config.yaml");
  const auto options = with_environment(
      tracking_of(from_json<TrackingConfig>(config.value("tracking", Json::object()), "tracking")));
  const auto sink = observe::make_sink(flags.to, options);
  observe::export_run(*sink, run, context.reporter);
  // Both files are left by some places alone; what is not there is not recorded.
  record(run, "exported", {run / flags.to, run / "tracking.json"}, {{"to", flags.to}});
  print_result(context, {{"run", run.string()}, {"to", flags.to}},
               str(run.string(), ": passed on to ", flags.to));
  return kDone;
}

int export_compliance(const ExportFlags& flags, const fs::path& run, const Context& context) {
  if (flags.out.empty()) throw UserError("--compliance: needs --out FILE (.md or .html)");
  const auto extension = to_lower(fs::path(flags.out).extension().string());
  if (extension != ".md" && extension != ".html" && extension != ".htm")
    throw UserError(str("--out: ", flags.out, ": expected a name that ends in .md or .html"));
  const auto answers = flags.answers.empty() ? Json::object() : read_yaml(flags.answers);
  const auto facts = observe::gather_card_facts(run);
  const auto points = observe::compliance_points(facts, answers);
  write_file_atomic(flags.out, extension == ".md" ? observe::compliance_markdown(facts, points)
                                                  : observe::compliance_page(facts, points));
  record(run, "exported", {flags.out}, {{"to", "compliance"}});
  Json missing = Json::array();
  for (const auto& point : points) {
    if (point.content.empty()) missing.push_back(point.key);
  }
  print_result(context, {{"out", flags.out}, {"points", points.size()}, {"missing", missing}},
               str(flags.out, ": ", points.size() - missing.size(), " of ", points.size(),
                   " points have content, ", missing.size(),
                   " are marked as missing; --answers FILE fills them"));
  return kDone;
}

int run_export(const ExportFlags& flags, const Context& context) {
  if (flags.compliance == !flags.to.empty())
    throw UserError("runs export: give either --to tensorboard|mlflow|wandb or --compliance");
  const auto run = find_run(flags.root, flags.run);
  return flags.compliance ? export_compliance(flags, run, context) : export_to(flags, run, context);
}

int write_card(const ExportFlags& flags, const Context& context) {
  const auto run = find_run(flags.root, flags.run);
  const auto file = run / "README.md";
  write_file_atomic(file, observe::model_card(observe::gather_card_facts(run)));
  record(run, "card_written", {file}, Json::object());
  print_result(context, {{"out", file.string()}}, str(file.string(), ": the model card"));
  return kDone;
}

}  // namespace

void add_runs_export(CLI::App& runs, Context& context) {
  const auto add_run = [&context](CLI::App& command, ExportFlags& flags) {
    command.add_option("RUN", flags.run, "Run")->required();
    command.add_option("--root", flags.root, "Folder of the runs")
        ->type_name("DIR")
        ->capture_default_str();
    add_common_options(command, context, false);
  };
  auto exported = std::make_shared<ExportFlags>();
  auto* command = runs.add_subcommand(
      "export", "Passes a run on to another tool, or writes its technical documentation");
  add_run(*command, *exported);
  command->add_option("--to", exported->to, "tensorboard, mlflow or wandb");
  command->add_flag("--compliance", exported->compliance,
                    "The documentation of the EU AI Act, Annex IV and Article 10");
  command->add_option("--out", exported->out, "Its file, .md or .html")->type_name("FILE");
  command
      ->add_option("--answers", exported->answers,
                   "YAML with what only the provider knows: annex_iv.1.b: text")
      ->type_name("FILE");
  command->callback([&context, exported] {
    context.chosen = [&context, exported] { return run_export(*exported, context); };
  });

  auto carded = std::make_shared<ExportFlags>();
  auto* card = runs.add_subcommand("card", "Writes the model card, README.md, anew");
  add_run(*card, *carded);
  card->callback([&context, carded] {
    context.chosen = [&context, carded] { return write_card(*carded, context); };
  });
}

}  // namespace tunewright::app
