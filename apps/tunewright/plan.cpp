// plan: forecasts memory, time and price of `train`, and proposes what fits.
#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/job.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/plan_measure.h"
#include "tunewright/plan_text.h"
#include "tunewright/run_config.h"
#include "tunewright/train/plan/fit.h"

namespace tunewright::app {
namespace {

constexpr const char* kHelp = R"(Examples:
  tunewright plan train.yaml
  tunewright plan train.yaml --set training.per_device_train_batch_size=16
  tunewright plan train.yaml --fit 8GiB          proposes what fits, the cheapest change first
  tunewright plan train.yaml --set cost.hourly=1.9 --set cost.cheap_hourly=0.7 --set cost.cheap_hours=22:00-06:00

Rows are read as `train` reads them; then a few of the model's blocks run the run's own passes for some
seconds.  Nothing is trained and output_dir is not touched.)";

struct Arguments {
  std::string config;
  std::string fit;
  std::string measure;  // of the processes that plan starts
};

Plan make_plan(RunConfig config, Reporter& reporter) {
  if (model::choose_device(config.model.device) != at::kCPU) {
    throw UserError(
        "plan: measures memory on the processor only; set model.device: cpu to plan for that");
  }
  const auto job = load_rows(std::move(config), reporter);
  Plan plan{.config = job.config, .survey = survey(job)};
  if (plan.survey.passes.empty())
    throw UserError("plan: no pass of the run has a token to predict");
  plan.usable_bytes = usable_bytes(memory_limits());
  plan.floor_bytes =
      plan.survey.floor.total(plan.survey.load.several_passes) + double(resident_bytes());
  if (const auto whole = measure(job, plan.survey, reporter)) {
    plan.forecast = forecast(*whole, {.layout = plan.survey.layout,
                                      .passes = plan.survey.passes,
                                      .evaluation = plan.survey.evaluation,
                                      .floor = plan.survey.floor,
                                      .size = plan.survey.size});
  }
  return plan;
}

// The largest pass of a changed recipe, as far as it can be told without reading the rows again.
train::Load changed_load(train::Load load, const train::Recipe& recipe) {
  const int64_t limit =
      recipe.training.tokens_per_pass > 0 ? recipe.training.tokens_per_pass : load.largest.tokens;
  if (limit >= load.largest.tokens) return load;
  load.largest.targets = load.largest.targets * limit / load.largest.tokens;
  load.largest.tokens = limit;
  load.several_passes = true;
  return load;
}

// What a recipe needs: its floor, times what the plan's own forecast says of floors.
class Need {
 public:
  explicit Need(const Plan& plan) : plan_(plan) {
    if (plan.forecast) program_ = plan.forecast->memory.program;
    learn(plan);
  }
  double operator()(const train::Recipe& recipe) const {
    const auto size = model::model_size(recipe.model, recipe.adapter);
    const auto load = changed_load(plan_.survey.load, recipe);
    return program_ + factor_ * memory_floor(size, recipe, load).total(load.several_passes);
  }
  void learn(const Plan& plan) {
    if (!plan.forecast) return;
    const double floor = plan.survey.floor.total(plan.survey.load.several_passes);
    factor_ = std::max(factor_, (plan.forecast->memory.peak() - program_) / floor);
  }

 private:
  const Plan& plan_;
  double program_ = 256.0 * (1 << 20);
  double factor_ = 1;
};

train::FitQuestion question_of(const Plan& plan, const Need& need, double limit) {
  return {.recipe = recipe_of(plan.config),
          .blocks = plan.survey.size.blocks,
          .largest_pass = plan.survey.load.largest.tokens,
          .longest_example = plan.survey.longest_example,
          .need = need,
          .limit = limit};
}

bool known(const std::vector<Alternative>& alternatives, const train::Proposal& proposal) {
  return std::ranges::any_of(alternatives, [&](const auto& other) {
    return yaml_of(other.proposal.changes) == yaml_of(proposal.changes);
  });
}

// Each proposal is measured like the plan itself; one that turns out too large corrects what the
// next ones are thought to need.
Fit find_fit(const Plan& plan, double limit, Reporter& reporter) {
  constexpr size_t kShown = 3;
  constexpr int kMostMeasured = 6;
  Fit fit{.limit_bytes = limit, .fits = plan.forecast && plan.peak() <= limit};
  if (fit.fits) return fit;
  Need need(plan);
  for (int measured = 0; measured < kMostMeasured && fit.alternatives.size() < kShown;) {
    const auto proposals = propose(question_of(plan, need, limit));
    const auto next = std::ranges::find_if(
        proposals, [&](const auto& proposal) { return !known(fit.alternatives, proposal); });
    if (next == proposals.end()) break;
    reporter.info("trying " + replace_all(yaml_of(next->changes), "\n", ", "));
    auto changed = make_plan(with_recipe(plan.config, next->recipe), reporter);
    ++measured;
    if (!changed.forecast) break;
    if (changed.peak() <= limit) {
      fit.alternatives.push_back({*next, std::move(changed)});
    } else {
      need.learn(changed);
    }
  }
  return fit;
}

double local_minutes() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  return parts.tm_hour * 60 + parts.tm_min;
}

int plan_run(const Arguments& arguments, Context& context) {
  std::optional<double> limit;
  if (!arguments.fit.empty()) limit = double(parse_bytes(arguments.fit, "--fit"));
  const auto plan =
      make_plan(make_run_config(read_training_config(arguments.config, context)), context.reporter);
  std::optional<Fit> fit;
  if (limit) fit = find_fit(plan, *limit, context.reporter);
  const double now = local_minutes();
  print_result(context, plan_json(plan, fit, now), context.json ? "" : plan_text(plan, fit, now));
  return kDone;
}

int run_plan(const Arguments& arguments, Context& context) {
  if (!arguments.measure.empty()) return measure_here(arguments.measure);
  if (arguments.config.empty())
    throw UserError("plan: CONFIG is missing; write `tunewright plan train.yaml`");
  install_stop_signals();
  try {
    return plan_run(arguments, context);
  } catch (const UserError&) {
    if (!stop_requested()) throw;
    context.reporter.finish_progress();
    return kInterrupted;
  }
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "plan", "Forecast memory, time and price of `train`, and propose what fits.");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("CONFIG", arguments->config, "A configuration of `train` (YAML)");
  command->add_option("--fit", arguments->fit, "Propose changes that need at most this: 8GiB")
      ->type_name("SIZE");
  command->add_option("--measure", arguments->measure)->group("");  // for itself
  add_common_options(*command, context, /*takes_config=*/true);
  command->footer(kHelp);
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return run_plan(*arguments, context); };
  });
}

}  // namespace tunewright::app
