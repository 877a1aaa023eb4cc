#include <ATen/Parallel.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/base/yaml.h"
#include "tunewright/command.h"
#include "tunewright/data/dataset.h"
#include "tunewright/job.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/quantize.h"
#include "tunewright/observe/cards/model_card.h"
#include "tunewright/observe/run.h"
#include "tunewright/run_config.h"
#include "tunewright/runs_tracking.h"
#include "tunewright/train/trainer.h"
#include "tunewright/train_report.h"

namespace tunewright::app {
namespace {

using observe::RunFolder;

constexpr const char* kHelp = R"(Examples:
  tunewright train train.yaml
  tunewright train train.yaml --set training.learning_rate=1e-4 --set output_dir=runs/second
  tunewright train train.yaml --resume        starts, continues after a crash, or says it is done
  tunewright train train.yaml --overwrite     replaces the run that output_dir holds

The run folder gets config.yaml, metrics.jsonl, ledger.jsonl, checkpoints/, adapter/ (or model/),
report.html and README.md.)";

struct Arguments {
  std::string config;
  bool resume = false;
  bool overwrite = false;
  bool force = false;

  RunFolder::Mode mode() const {
    if (resume && overwrite) throw UserError("--resume and --overwrite: give one of them");
    return resume      ? RunFolder::Mode::kResume
           : overwrite ? RunFolder::Mode::kOverwrite
                       : RunFolder::Mode::kNew;
  }
};

int64_t count(const std::vector<model::Parameter>& parameters) {
  int64_t total = 0;
  for (const auto& parameter : parameters) total += parameter.tensor.numel();
  return total;
}

// An adapter's weights come on top of the base's; otherwise those that train are among them.
int64_t total_parameters(model::CausalLm& model) {
  return count(model.base_parameters()) + model::quantized_size(model).numbers +
         (model::has_adapter(model) ? count(model.trainable_parameters()) : 0);
}

std::string describe_data(const data::Dataset& dataset) {
  const auto tokens = double(dataset.tokens()), supervised = double(dataset.supervised_tokens());
  return str(dataset.ledger.size(), " rows, ", human_count(tokens), " tokens, ",
             fixed(100 * supervised / tokens, 1), " % of them supervised");
}

void describe(const Job& job, int64_t steps, Reporter& reporter) {
  const auto total = total_parameters(*job.model),
             trainable = count(job.model->trainable_parameters());
  reporter.info(str("model: ", job.config.model.path, ", ", human_count(double(total)),
                    " parameters, ", human_count(double(trainable)), " of them train (",
                    fixed(100.0 * double(trainable) / double(total), 2), " %)"));
  reporter.info(str("data: ", describe_data(job.train)));
  if (job.eval) reporter.info(str("evaluation: ", describe_data(*job.eval)));
  reporter.info(str("steps: ", steps, ", into ", job.config.output_dir));
}

Json manifest_of(const Job& job, std::string_view started) {
  return {
      {"tunewright", version()},
      {"program_sha256", program_sha256()},
      {"libtorch", str(TORCH_VERSION_MAJOR, ".", TORCH_VERSION_MINOR, ".", TORCH_VERSION_PATCH)},
      {"base_model",
       {{"path", job.config.model.path}, {"fingerprint_sha256", job.base_fingerprint}}},
      {"data",
       {{"train_sha256", job.train.sha256},
        {"eval_sha256", job.eval ? Json(job.eval->sha256) : Json(nullptr)},
        {"files", hashed_data_files(job.config)}}},
      {"adapter", hashed_start(job.config)},
      {"config_sha256", sha256(dump_json(to_json_object(job.config)))},
      {"seed", job.config.training.seed},
      {"hardware",
       {{"processor", processor_name()},
        {"cores", core_count()},
        {"threads", at::get_num_threads()},
        {"available_memory_bytes", available_memory_bytes()}}},
      {"started", started}};
}

// The matrix library divides large products by the number of threads.
void warn_of_other_threads(const RunFolder& run, Reporter& reporter) {
  if (!fs::exists(run.manifest_file())) return;
  const auto had =
      read_json(run.manifest_file()).value(Json::json_pointer("/hardware/threads"), Json());
  if (!had.is_number_integer() || had == Json(at::get_num_threads())) return;
  reporter.warn(str("the run was started on ", had, " threads and goes on on ",
                    at::get_num_threads(),
                    ": the last bits of its numbers may differ from an uninterrupted run's; set "
                    "OMP_NUM_THREADS to the same number for the same bits"));
}

void write_ledger(const Job& job, const fs::path& path) {
  AtomicFile file(path);
  for (const auto* dataset : {&job.train, job.eval_set()}) {
    if (dataset != nullptr)
      dataset->ledger.text().for_each_chunk([&](std::string_view chunk) { file.write(chunk); });
  }
  file.commit();
}

void write_beginning(const Job& job, const RunFolder& run) {
  write_file_atomic(run.config_file(), dump_yaml(to_json_object(job.config)));
  write_ledger(job, run.ledger_file());
  write_file_atomic(run.manifest_file(), pretty_json(manifest_of(job, utc_now())));
}

// Where the trained weights went.
fs::path write_weights(Job& job, const RunFolder& run) {
  const fs::path base = job.config.model.path;
  if (job.config.adapter.type == model::AdapterType::kLora) {
    model::save_adapter(*job.model, run.adapter_folder(), base.string());
    return run.adapter_folder();
  }
  model::save_causal_lm(*job.model, base, run.model_folder());
  return run.model_folder();
}

Json write_report(Job& job, const RunFolder& run, const train::TrainResult& result,
                  const Json& energy) {
  const auto report =
      training_report({.config = job.config,
                       .result = result,
                       .train = job.train,
                       .eval = job.eval_set(),
                       .total_parameters = total_parameters(*job.model),
                       .trainable_parameters = count(job.model->trainable_parameters()),
                       .metrics = run.read_metrics(),
                       .energy = energy});
  auto manifest = read_json(run.manifest_file());
  manifest["finished"] = report["finished_at"];
  write_file_atomic(run.manifest_file(), pretty_json(manifest));
  write_file_atomic(run.report_page(), training_report_page(report));
  auto facts = observe::gather_card_facts(run.path());
  facts.report = report;
  write_file_atomic(run.card_file(), observe::model_card(facts));
  write_file_atomic(run.report_file(), pretty_json(report));
  return report;
}

Json result_of(const Json& report, const fs::path& run, const fs::path& weights) {
  Json result = {{"output_dir", run.string()}, {"weights", weights.string()}};
  for (const auto* key : {"outcome", "steps", "last_loss", "eval_loss", "eval_perplexity",
                          "train_seconds", "tokens", "tokens_per_second", "peak_memory_bytes"}) {
    result[key] = report[key];
  }
  return result;
}

// The rows that a rollback left out are accounted for as well.
void write_exclusions(Job& job, const RunFolder& run, const train::Setbacks& setbacks) {
  if (setbacks.excluded_rows.empty()) return;
  data::Ledger lines;
  for (size_t row = 0; row < job.train.ledger.size(); ++row) {
    auto line = job.train.ledger.at(row);
    if (std::ranges::binary_search(setbacks.excluded_rows, static_cast<int64_t>(row))) {
      line.decision = "dropped";
      line.reason = "training.on_nonfinite: rollback; with it the loss or gradient was not finite";
    }
    lines.push_back(line);
  }
  job.train.ledger = std::move(lines);
  write_ledger(job, run.ledger_file());
}

struct Written {
  fs::path weights;
  Json report;
};

Written write_results(Job& job, const RunFolder& run, const train::TrainResult& trained,
                      RunRecorder& recorder) {
  write_exclusions(job, run, trained.setbacks);
  auto weights = write_weights(job, run);
  auto report = write_report(job, run, trained, recorder.energy());
  recorder.finished();
  return {.weights = std::move(weights), .report = std::move(report)};
}

int say_trained(const Written& written, const RunFolder& run, const train::TrainResult& trained,
                const Context& context) {
  print_result(context, result_of(written.report, run.path(), written.weights),
               str("trained ", trained.steps, " steps in ", human_seconds(trained.train_seconds),
                   ": ", written.weights.string(), ", ", run.report_page().string()));
  return kDone;
}

int stop(const RunFolder& run, const train::TrainResult& trained, const Arguments& arguments,
         const Context& context) {
  context.reporter.finish_progress();
  const auto saved = trained.steps > 0
                         ? str("the state is saved in ", run.checkpoints_folder().string())
                         : "nothing was trained yet";
  const auto text = str("stopped after step ", trained.steps, "; ", saved,
                        "; continue with: tunewright train ", arguments.config, " --resume");
  context.reporter.info(text);
  if (context.json) {
    print_result(
        context,
        {{"output_dir", run.path().string()}, {"outcome", "interrupted"}, {"steps", trained.steps}},
        "");
  }
  return app::kInterrupted;
}

int say_finished(const RunConfig& config, const RunFolder& run, const Context& context) {
  const auto report = read_json(run.report_file());
  const auto weights =
      config.adapter.type == model::AdapterType::kLora ? run.adapter_folder() : run.model_folder();
  print_result(context, result_of(report, run.path(), weights),
               str(run.path().string(), ": the run is finished after ", report["steps"],
                   " steps; nothing is left to do"));
  return kDone;
}

std::string_view mode_name(RunFolder::Mode mode) {
  return mode == RunFolder::Mode::kResume      ? "resume"
         : mode == RunFolder::Mode::kOverwrite ? "overwrite"
                                               : "new";
}

// What fails within `work` is on record as a failure of the run.
template <class Work>
auto recorded(RunRecorder& recorder, const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    recorder.failed(full_message(error));
    throw;
  }
}

int train(const Arguments& arguments, Context& context) {
  install_stop_signals();
  auto config = make_run_config(read_training_config(arguments.config, context));
  const auto mode = arguments.mode();
  RunFolder::require_usable(config.output_dir, mode);
  if (arguments.resume && fs::exists(fs::path(config.output_dir) / "report.json")) {
    return say_finished(config, RunFolder::open(config.output_dir, mode), context);
  }
  RunRecorder recorder(config, context.reporter);
  auto job = load_rows(std::move(config), context.reporter);
  if (!arguments.force) require_memory(job);
  load_model(job, context.reporter);
  check_stop();
  auto run = RunFolder::open(job.config.output_dir, mode);
  train::Trainer trainer(
      {.model = *job.model,
       .train = job.train,
       .eval = job.eval_set(),
       .run = run,
       .reporter = context.reporter,
       .identity = {{"model (sha256)", job.base_fingerprint},
                    {"model.quantization", model::quantization_json(job.config.model.quantization)},
                    {"adapter", to_json_object(job.config.adapter)}}},
      job.config.data, job.config.training);
  describe(job, trainer.total_steps(), context.reporter);
  if (run.checkpoints().empty()) {
    write_beginning(job, run);  // a continued run keeps its own
  } else {
    warn_of_other_threads(run, context.reporter);
  }
  recorder.begin(run, mode_name(mode));
  const auto trained = recorded(recorder, [&] { return trainer.run(arguments.resume); });
  if (trained.outcome == train::Outcome::kInterrupted) {
    recorder.interrupted(trained.steps);
    return stop(run, trained, arguments, context);
  }
  const auto written =
      recorded(recorder, [&] { return write_results(job, run, trained, recorder); });
  return say_trained(written, run, trained, context);
}

}  // namespace

void add_train(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "train", "Fine-tune a model on your rows: LoRA, full, or the last layers.");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("CONFIG", arguments->config, "Configuration (YAML)")->required();
  command->add_flag("--resume", arguments->resume,
                    "Continue the run in output_dir exactly where its newest checkpoint is");
  command->add_flag("--overwrite", arguments->overwrite, "Replace the run in output_dir");
  command->add_flag("--force", arguments->force,
                    "Start even where memory cannot be enough (see `tunewright plan`)");
  add_common_options(*command, context, /*takes_config=*/true);
  command->footer(str(kHelp, "\n\nKeys of the configuration and their defaults:\n",
                      describe_fields(RunConfig{}, "")));
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return train(*arguments, context); };
  });
}

}  // namespace tunewright::app
