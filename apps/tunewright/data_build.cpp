// tunewright data build: raw sources become train, validation and test files by a recipe; data
// merge ends what the jobs of an array have begun.
#include <csignal>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/corpus/build/build.h"
#include "tunewright/corpus_scorer.h"
#include "tunewright/data_commands.h"

namespace tunewright::app {
namespace {

using corpus::BuildOptions;

struct BuildFlags {
  std::string recipe, shard;
  int64_t workers = 0;
  bool overwrite = false, no_disk_check = false;
};

constexpr const char* kRecipe = R"(A recipe:
  sources: [{path: "mails/**", map: {prompt: "Is this spam?\n{text}", completion: "{path.parent}"}}]
  steps: [{normalise: {}}, {dedup-minhash: {threshold: 0.8}}, {pii: {}}]
  split: {train: 0.8, validation: 0.1, test: 0.1}
  output_dir: data/mails

The folder gets train.jsonl, validation.jsonl and test.jsonl, which `train` takes; README.md (a data
card), report.html and report.json, ledger.jsonl (a line a source row: what became of it, and why) and
manifest.json (hashes).  The same recipe and input give the same bytes, whatever --workers.)";

constexpr const char* kExamples = R"(Examples:
  tunewright data build data.yaml
  tunewright data build data.yaml --set output_dir=data/second
  tunewright data build data.yaml             again, after a stop or a crash: goes on where it was

On many machines with one file system, as a job array of 32; then the rest, once:
  sbatch --array=0-31 --wrap 'tunewright data build data.yaml --shard $SLURM_ARRAY_TASK_ID/32'
  tunewright data merge data.yaml)";

std::string build_help() {
  return str(kRecipe, "\n\nKeys:\n", describe_fields(corpus::Recipe{}, ""),
             "\nKeys of each source:\n", describe_fields(rows::SourceOptions{}, ""),
             "\nSteps and their options: tunewright data run --help\n\n", kExamples);
}

// "3/32": the fourth of 32 jobs.
void read_shard(const std::string& text, BuildOptions& options) {
  const auto parts = split(text, '/');
  const auto number = [](const std::string& digits) -> int64_t {
    const bool fits = !digits.empty() && digits.size() < 7 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
    return fits ? std::stoll(digits) : -1;
  };
  if (parts.size() == 2) {
    options.job = number(parts[0]);
    options.jobs = number(parts[1]);
  }
  if (parts.size() != 2 || options.job < 0 || options.jobs < 1 || options.job >= options.jobs) {
    throw UserError(
        str("--shard ", text, ": expected JOB/JOBS with JOB from 0 to JOBS-1, as 0/32 to 31/32"));
  }
  options.part = BuildOptions::Part::kJob;
}

std::string result_text(const Json& report, const std::string& folder) {
  const auto& rows = report["rows"];
  auto text = str(rows["source"], " source rows: ", rows["kept"], " kept, ", rows["changed"],
                  " changed, ", rows["dropped"], " dropped\n");
  for (const auto& step : report["steps"]) {
    text += str("  ", step["name"].get<std::string>(), ": ", step["rows"], " rows, ",
                step["changed"], " changed, ", step["dropped"], " dropped\n");
  }
  for (const auto& split : report["splits"]) {
    if (!split["file"].is_null())
      text += str(folder, "/", split["file"].get<std::string>(), ": ", split["texts"]["rows"],
                  " rows\n");
  }
  for (const auto& finding : report["findings"]) {
    if (finding["severity"] == "warning")
      text += str("WARNING ", finding["text"].get<std::string>(), "\n");
  }
  return text + str("report: ", folder, "/report.html");
}

// Without the texts of rows: those are in report.json.
Json result_json(const Json& report, const std::string& folder) {
  Json steps = Json::array();
  for (auto step : report["steps"]) {
    step.erase("samples");
    steps.push_back(std::move(step));
  }
  return {{"output_dir", folder},           {"verdict", report["verdict"]},
          {"rows", report["rows"]},         {"splits", report["splits"]},
          {"findings", report["findings"]}, {"steps", std::move(steps)}};
}

int run_build(const BuildFlags& flags, BuildOptions options, const Context& context) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  install_stop_signals();
  const auto recipe = corpus::read_recipe(read_config(flags.recipe, context));
  options.workers = flags.workers > 0 ? flags.workers : core_count();
  options.overwrite = flags.overwrite;
  options.context = step_context(context.reporter);
  options.needs_disk_check = !flags.no_disk_check;
  if (!flags.shard.empty()) read_shard(flags.shard, options);
  const auto result = corpus::build(recipe, options, context.reporter);
  if (result.is_stopped) {
    context.reporter.info("stopped; what is finished is kept: the same command goes on");
    return kInterrupted;
  }
  if (options.part == BuildOptions::Part::kJob) {
    print_result(
        context, {{"output_dir", recipe.output_dir}, {"shard", flags.shard}},
        str("shard ", flags.shard, " is done; when all are: tunewright data merge ", flags.recipe));
    return kDone;
  }
  print_result(context, result_json(result.report, recipe.output_dir),
               result_text(result.report, recipe.output_dir));
  return kDone;
}

CLI::App* add_command(CLI::App& data, Context& context, const std::shared_ptr<BuildFlags>& flags,
                      const CLI::App& kind) {
  auto* command = data.add_subcommand(kind.get_name(), kind.get_description());
  command->add_option("recipe", flags->recipe, "Recipe (YAML)")->required();
  command->add_option("--workers", flags->workers, "Threads; 0: one a core")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--overwrite", flags->overwrite,
                    "Replace files in output_dir that no build has written");
  command->add_flag("--no-disk-check", flags->no_disk_check,
                    "Begin though the free space may not be enough");
  add_common_options(*command, context, true);
  return command;
}

}  // namespace

void add_data_build(CLI::App& data, Context& context) {
  auto flags = std::make_shared<BuildFlags>();
  auto* command = add_command(
      data, context, flags, CLI::App("Makes a training set of raw sources, by a recipe", "build"));
  command->add_option("--shard", flags->shard,
                      "JOB/JOBS, from 0: one job's part of the reading and of the first steps");
  command->footer(build_help());
  command->callback([=, &context] {
    context.chosen = [=, &context] {
      return run_build(*flags, {.part = BuildOptions::Part::kAll}, context);
    };
  });
}

void add_data_merge(CLI::App& data, Context& context) {
  auto flags = std::make_shared<BuildFlags>();
  auto* command =
      add_command(data, context, flags,
                  CLI::App("Ends the build whose shards the jobs of an array have made", "merge"));
  command->footer(kExamples);
  command->callback([=, &context] {
    context.chosen = [=, &context] {
      return run_build(*flags, {.part = BuildOptions::Part::kMerge}, context);
    };
  });
}

}  // namespace tunewright::app
