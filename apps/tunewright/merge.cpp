// tunewright merge: folds an adapter into its base model.
#include <filesystem>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/inference.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/runs_common.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Example:
  tunewright merge --model models/smollm2-135m-instruct --adapter runs/spam-triage/adapter --out models/spam-triage)";

struct MergeFlags {
  model::ModelOptions model;
  std::string out;
};

int run_merge(const MergeFlags& flags, const Context& context) {
  if (std::filesystem::exists(flags.out)) {
    throw UserError(str(flags.out, ": already exists; choose another --out, or remove it first"));
  }
  install_stop_signals();
  const auto model = model::load_causal_lm(flags.model, context.reporter);
  model::merge_adapter(*model);
  if (stop_requested()) return kInterrupted;  // what is written from here on is written whole
  model::save_causal_lm(*model, flags.model.path, flags.out);
  record_merge(flags.model.adapter.value_or(""), flags.out);
  print_result(context, {{"out", flags.out}, {"dtype", c10::toString(model->dtype())}},
               str(flags.out, ": the base model with the adapter folded in"));
  return kDone;
}

}  // namespace

void add_merge(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("merge", "Folds an adapter into its base model: a Hugging Face folder");
  auto flags = std::make_shared<MergeFlags>();
  command->footer(kExamples);
  add_model_flags(*command, flags->model);
  command->get_option("--adapter")->required();
  command->add_option("--out", flags->out, "Folder of the merged model")
      ->type_name("DIR")
      ->required();
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_merge(*flags, context); };
  });
}

}  // namespace tunewright::app
