#include "tunewright/corpus/build/build.h"

#include <algorithm>
#include <array>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/corpus/build/manifest.h"
#include "tunewright/corpus/build/report.h"
#include "tunewright/corpus/build/stage.h"
#include "tunewright/corpus/build/work_folder.h"

namespace tunewright::corpus {
namespace {

constexpr const char* kManifest = "manifest.json";  // written last: the build is whole
constexpr std::array kOutputs = {"train.jsonl", "validation.jsonl", "test.jsonl",  "ledger.jsonl",
                                 "README.md",   "report.html",      "report.json", kManifest};

// What decides the bytes that come out.
std::string work_key(const Recipe& recipe, const Input& input) {
  Json files = Json::array();
  for (const auto& file : input.files) files.push_back({file.path, file.bytes, file.modified});
  return sha256(dump_json({resolved(recipe), program_sha256(), std::move(files)})).substr(0, 16);
}

// Files of those names that somebody else has put there are not overwritten.
void require_usable(const fs::path& folder, const BuildOptions& options) {
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (status.type() == fs::file_type::none)  // something above it lets nobody through
    throw UserError(
        str("output_dir ", folder.string(), ": ", error.message(), "; choose another folder"));
  if (fs::exists(status) && !fs::is_directory(status))
    throw UserError(str("output_dir ", folder.string(), ": is a file; choose another name"));
  if (options.overwrite || fs::exists(folder / ".work") || fs::exists(folder / kManifest)) return;
  for (const auto* name : kOutputs) {
    if (fs::exists(folder / name)) {
      throw UserError(str((folder / name).string(),
                          ": is there, and no build has written it; choose another output_dir, or "
                          "give --overwrite"));
    }
  }
}

void require_space(const fs::path& folder, const Input& input) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  const auto needed = static_cast<double>(input.bytes) * 2;
  if (error || static_cast<double>(space.available) >= needed) return;
  throw UserError(str(folder.string(), ": has ", human_bytes(static_cast<double>(space.available)),
                      " free, and a build of ", human_bytes(needed / 2),
                      " needs about twice as much as it reads; free some space, choose another "
                      "output_dir, or give --no-disk-check where the steps leave little"));
}

// Sums up what the steps of a stage did.
void add_tallies(const StageShards& shards, std::vector<StepReport>& steps) {
  for (const auto& shard : shards) {
    for (auto& [number, tally] : shard.shard.read_facts().steps) {
      for (auto* samples : {&tally.dropped_samples, &tally.changed_samples}) {
        for (auto& sample : *samples) sample.origin += shard.first_origin;
      }
      steps[static_cast<size_t>(number)].tally.add(tally);
    }
  }
}

std::map<int64_t, RowName> names_wanted(const std::vector<StepReport>& steps) {
  std::map<int64_t, RowName> names;
  for (const auto& step : steps) {
    for (const auto* samples : {&step.tally.dropped_samples, &step.tally.changed_samples}) {
      for (const auto& sample : *samples) names[sample.origin];
    }
  }
  return names;
}

class Build {
 public:
  Build(const Recipe& recipe, const BuildOptions& options, Reporter& reporter)
      : recipe_(recipe),
        shown_(without_passwords(recipe)),
        options_(options),
        reporter_(reporter),
        output_(recipe.output_dir),
        steps_(make_steps(recipe, options.context)),
        split_(make_split(recipe)),
        plans_(plan_stages(steps_)) {
    require_usable(output_, options);
    input_ = find_input(recipe);
  }

  Json run() {
    const bool is_job = options_.part == BuildOptions::Part::kJob;
    const WorkFolder work(output_, work_key(recipe_, input_),
                          is_job ? WorkFolder::Use::kShared : WorkFolder::Use::kAlone);
    work_ = work.path();
    if (work.is_resumed() && options_.part == BuildOptions::Part::kAll)
      reporter_.info("goes on where an earlier build has stopped");
    if (options_.part != BuildOptions::Part::kMerge) {
      if (options_.needs_disk_check) require_space(output_, input_);
      read_sources();
    }
    if (is_job) return nullptr;
    work.remove_others();
    auto report = finish();
    publish();
    work.remove_all();
    return report;
  }

 private:
  void read_sources() {
    const Chain chain(chain_of(steps_, plans_.front()), {});
    for (const auto& step : chain_of(steps_, plans_.front())) {
      steps_[static_cast<size_t>(step.number) - 1].step->prepare(
          {.scratch = work_, .workers = options_.workers});
    }
    run_first_stage(
        input_, chain,
        {.folder = work_, .workers = options_.workers, .job = options_.job, .jobs = options_.jobs},
        reporter_);
  }

  Json finish() {
    const auto first = gather_first_stage(input_, work_);
    std::vector<StepReport> reports = {{.name = "reading", .tally = {}}};
    for (const auto& step : steps_) reports.push_back({.name = step.label, .tally = {}});
    std::vector<StageResult> stages = {{.shards = first.shards, .judged = first.shards}};
    for (size_t i = 1; i < plans_.size(); ++i) {
      const StageOptions options{.folder = work_,
                                 .number = i,
                                 .plan = plans_[i],
                                 .workers = options_.workers,
                                 .names = first.names};
      stages.push_back(run_stage(steps_, stages.back().shards, options, reporter_));
      reports[plans_[i].begin + 1].summary = stages.back().summary;
    }
    for (const auto& stage : stages) add_tallies(stage.judged, reports);
    auto outputs = write_outputs(stages.back().shards,
                                 {.folder = out(),
                                  .scratch = work_,
                                  .split = split_.get(),
                                  .split_number = std::ssize(reports),
                                  .source_rows = first.first_origins.back(),
                                  .workers = options_.workers},
                                 reporter_);
    if (split_) {
      reports.push_back(
          {.name = "split", .tally = outputs.tally, .summary = std::move(outputs.summary)});
    }
    return write_accounts(first, stages, reports, outputs);
  }

  Json write_accounts(const FirstStageResult& first, const std::vector<StageResult>& stages,
                      const std::vector<StepReport>& reports, const OutputsResult& outputs) {
    std::vector<std::string> splits, steps;
    for (const auto& file : outputs.files) splits.push_back(file.split);
    for (const auto& step : reports) steps.push_back(step.name);
    LedgerInput input{.first = first.shards,
                      .events = {},
                      .is_sorted = {},
                      .fates = outputs.fates,
                      .splits = splits,
                      .steps = steps};
    bool is_sorted = true;
    for (const auto& stage : stages) {
      input.events.push_back(&stage.judged);
      input.is_sorted.push_back(is_sorted);
      is_sorted &= !stage.is_ordered;
    }
    input.events.push_back(&outputs.events);
    input.is_sorted.push_back(is_sorted);
    auto names = names_wanted(reports);
    const auto ledger = write_ledger(input, out() / "ledger.jsonl", names, reporter_);
    auto report = build_report({.recipe = shown_,
                                .input = input_,
                                .first = first,
                                .steps = reports,
                                .outputs = outputs,
                                .ledger = ledger,
                                .names = names});
    write_file_atomic(out() / "report.json", pretty_json(report));
    write_file_atomic(out() / "report.html", build_page(report));
    write_file_atomic(out() / "README.md", data_card(report));
    return report;
  }

  // Puts the files in their place, the manifest last.
  void publish() {
    const auto manifest = build_manifest(
        {.recipe = resolved(shown_), .input = input_, .folder = out(), .workers = options_.workers},
        reporter_);
    write_file_atomic(out() / kManifest, pretty_json(manifest));
    std::error_code error;
    fs::remove(output_ / kManifest, error);
    for (const auto* name : kOutputs) {
      if (fs::exists(out() / name)) {
        fs::rename(out() / name, output_ / name, error);
        if (error)
          throw UserError(str((output_ / name).string(), ": cannot write: ", error.message()));
      } else {
        fs::remove(output_ / name, error);  // of an earlier build
      }
    }
  }

  fs::path out() const { return work_ / "out"; }

  const Recipe& recipe_;
  const Recipe shown_;
  const BuildOptions& options_;
  Reporter& reporter_;
  fs::path output_, work_;
  std::vector<NamedStep> steps_;
  std::unique_ptr<Step> split_;
  std::vector<StagePlan> plans_;
  Input input_;
};

}  // namespace

BuildResult build(const Recipe& recipe, const BuildOptions& options, Reporter& reporter) {
  try {
    return {.is_stopped = false, .report = Build(recipe, options, reporter).run()};
  } catch (const Interrupted&) {
    reporter.finish_progress();
    return {.is_stopped = true, .report = nullptr};
  }
}

}  // namespace tunewright::corpus
