#include "tunewright/train/trainer.h"

#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/data/prefetcher.h"
#include "tunewright/ops/device.h"
#include "tunewright/train/checkpoint_store.h"
#include "tunewright/train/identity.h"
#include "tunewright/train/optimizer.h"
#include "tunewright/train/passes.h"
#include "tunewright/train/plan/layout.h"
#include "tunewright/train/schedule.h"
#include "tunewright/train/step_gradients.h"
#include "tunewright/train/watch.h"

namespace tunewright::train {
namespace {

// How often in a row a step without a usable gradient is gone on from: a few bad rows in
// neighbouring steps are; a run that has come apart is not.
int64_t most_setbacks_in_a_row(OnNonfinite policy) {
  return policy == OnNonfinite::kSkip ? 9 : policy == OnNonfinite::kRollback ? 2 : 0;
}

struct Totals {
  int64_t tokens = 0, targets = 0;
  double weight = 0;
};

Totals count(const std::vector<data::Batch>& passes) {
  Totals totals;
  for (const auto& pass : passes) {
    totals.tokens += pass.tokens();
    totals.targets += static_cast<int64_t>(pass.targets.size());
    totals.weight += pass.weight_sum();
  }
  return totals;
}

// The losses, then the norm: one transfer.
std::vector<double> read_to_host(std::vector<at::Tensor> pass_losses, const at::Tensor& grad_norm) {
  pass_losses.push_back(grad_norm.to(grad_norm.device(), at::kFloat));
  const auto host = at::stack(pass_losses).to(at::kCPU, at::kDouble);
  const auto* values = host.const_data_ptr<double>();
  return {values, values + host.numel()};
}

}  // namespace

struct Trainer::Impl {
  Impl(Parts given, const data::DataOptions& data_options, TrainOptions given_options);

  TrainResult run(bool resume);
  TrainResult interrupted();
  std::optional<StepReport> step();
  StepFigures figures_of(const std::vector<data::Batch>& passes, double weight,
                         std::vector<at::Tensor> pass_losses) const;
  StepParts take_parts();
  bool epoch_ended();
  double epoch_reached();

  void update(const StepFigures& figures, double learning_rate);
  void drop_step(const StepFigures& figures);
  void roll_back(const Watch::BadStep& bad);

  void log(const StepReport& report);
  bool evaluation_is_due() const;
  bool evaluate_if_due();
  void note_evaluation(const EvalReport& report);
  void finish_if_due();

  void save_if_due();
  void save();
  void restore_newest();
  void restore(const Checkpoint& checkpoint);
  void restore_best();
  bool keeps_best() const { return parts.eval != nullptr && options.load_best_model_at_end; }
  bool rolls_back() const { return options.on_nonfinite == OnNonfinite::kRollback; }
  bool due(int64_t every) const { return every > 0 && state.step % every == 0; }
  TrainResult result(Outcome outcome) const;

  Parts parts;
  TrainOptions options;
  int64_t side_by_side;
  data::Prefetcher loader;
  std::vector<model::Parameter> parameters;
  Optimizer optimizer;
  Objective objective;
  std::optional<StepGradients> gradients;
  int64_t total_steps;
  CheckpointStore checkpoints;
  RunState state;
  Watch watch;
  bool last_step_good = true;
  int64_t saved_step = -1;
  double saved_at = monotonic_seconds();
};

Trainer::Impl::Impl(Parts given, const data::DataOptions& data_options, TrainOptions given_options)
    : parts(std::move(given)),
      options((validate(given_options), std::move(given_options))),
      side_by_side(parts_side_by_side(parts.model, parts.train, data_options, options)),
      loader(parts.train, loader_options(data_options, options),
             {.tokens_per_pass = options.tokens_per_pass,
              .ahead = options.gradient_accumulation_steps + 1}),
      parameters(parts.model.trainable_parameters()),
      optimizer(parameters, options),
      objective(objective_of(options.objective)),
      total_steps(count_total_steps(
          data::Loader(parts.train, loader_options(data_options, options)), options)),
      checkpoints(parts.run, {.limit = options.save_total_limit, .keep_best = keeps_best()}),
      watch(parts.model, objective, parts.train, options.seed) {
  if (parameters.empty()) {
    throw UserError(
        "adapter: nothing in the model is trainable; choose another adapter.type or "
        "target_modules");
  }
  parts.model.set_checkpointed_blocks(checkpointed_blocks(options));
  gradients.emplace(parts.model, objective, optimizer, side_by_side);
  state.identity = identity_of({.options = options,
                                .data_options = data_options,
                                .train_sha256 = parts.train.sha256,
                                .eval_sha256 = parts.eval ? parts.eval->sha256 : "",
                                .parameters = parameters,
                                .given = parts.identity});
}

TrainResult Trainer::Impl::run(bool resume) {
  if (resume) restore_newest();
  for (;;) {
    if (!evaluate_if_due()) return interrupted();
    finish_if_due();
    save_if_due();
    if (state.finished) break;
    if (stop_requested()) return interrupted();
    const auto report = step();
    if (!report) return interrupted();
    log(*report);
    checkpoints.check();
  }
  parts.reporter.finish_progress();
  checkpoints.wait();
  restore_best();
  return result(state.stopped_early ? Outcome::kStoppedEarly : Outcome::kFinished);
}

TrainResult Trainer::Impl::interrupted() {
  if (state.step > 0) save();
  checkpoints.wait();
  return result(Outcome::kInterrupted);
}

// None where a stop was requested: weights and position are then those before the step.
std::optional<StepReport> Trainer::Impl::step() {
  const double begin = monotonic_seconds();
  const auto position = loader.position();
  const auto passes = take_parts();
  const auto totals = count(passes.parts);
  auto pass_losses = gradients->compute(passes, totals.weight, options.seed, state.step);
  if (!pass_losses) {
    loader.seek(position);
    return std::nullopt;
  }
  const auto figures = figures_of(passes.parts, totals.weight, std::move(*pass_losses));
  const double learning_rate =
      options.learning_rate * schedule_factor(options, state.step, total_steps);
  last_step_good = figures.finite();
  if (last_step_good) {
    update(figures, learning_rate);
  } else {
    drop_step(figures);
  }
  ++state.step;
  const double seconds = monotonic_seconds() - begin;
  state.train_seconds += seconds;
  state.tokens += totals.tokens;
  state.supervised_tokens += totals.targets;
  return StepReport{.step = state.step,
                    .epoch = epoch_reached(),
                    .loss = figures.loss(),
                    .grad_norm = figures.grad_norm,
                    .learning_rate = learning_rate,
                    .tokens = totals.tokens,
                    .supervised_tokens = totals.targets,
                    .step_seconds = seconds,
                    .dropped = !last_step_good};
}

// The step's only synchronisation with the device.
StepFigures Trainer::Impl::figures_of(const std::vector<data::Batch>& passes, double weight,
                                      std::vector<at::Tensor> pass_losses) const {
  auto values = read_to_host(std::move(pass_losses), gradient_norm(optimizer.gradients()));
  const double norm = values.back();
  values.pop_back();
  return {.step = state.step,
          .passes = passes,
          .weight = weight,
          .pass_losses = std::move(values),
          .grad_norm = norm};
}

void Trainer::Impl::update(const StepFigures& figures, double learning_rate) {
  const auto spike = watch.spike(figures, parameters, optimizer.gradients());
  if (spike) parts.reporter.warn(*spike);
  optimizer.update(learning_rate, clip_scale(figures.grad_norm, options.max_grad_norm));
  if (!rolls_back()) state.setbacks.in_a_row = 0;
}

StepParts Trainer::Impl::take_parts() {
  StepParts step;
  for (int64_t i = 0; i < options.gradient_accumulation_steps; ++i) {
    for (const auto& pass : loader.next()) step.add(pass, side_by_side);
    if (epoch_ended()) break;
  }
  return step;
}

bool Trainer::Impl::epoch_ended() {
  const auto position = loader.position();
  return position.next == 0 || position.next >= loader.batches_per_epoch();
}

double Trainer::Impl::epoch_reached() {
  const auto position = loader.position();
  return static_cast<double>(position.epoch) +
         static_cast<double>(position.next) /
             static_cast<double>(std::max<int64_t>(1, loader.batches_per_epoch()));
}

// Says what is wrong; throws where the policy cannot go on.
void Trainer::Impl::drop_step(const StepFigures& figures) {
  const auto bad = watch.examine(figures);
  optimizer.clear_gradients();
  using BadWeight = Finding::BadWeight;
  const int64_t limit = most_setbacks_in_a_row(options.on_nonfinite);
  const bool curable = bad.finding.bad_weight == BadWeight::kNone ||
                       (bad.finding.bad_weight == BadWeight::kTrained && rolls_back());
  auto& setbacks = state.setbacks;
  if (!curable || ++setbacks.in_a_row > limit) {
    throw UserError(
        str(bad.said, "; the weights were left as they are after step ", state.step,
            limit > 0 && curable ? str(", after ", limit, " setbacks in a row") : "",
            ". Lower training.learning_rate, look at these rows, or set model.dtype: float32"));
  }
  ++setbacks.skipped_steps;
  if (rolls_back()) roll_back(bad);
  parts.reporter.warn(str(bad.said, "; ",
                          rolls_back()
                              ? str("going on with the weights of step ", *setbacks.rollback_step)
                              : "its update is dropped"));
}

// Weights and optimizer go back; data and schedule go on behind the step.
void Trainer::Impl::roll_back(const Watch::BadStep& bad) {
  auto& setbacks = state.setbacks;
  ++setbacks.rollbacks;
  restore(checkpoints.of_step(*setbacks.rollback_step));
  if (!bad.rows_to_blame) return;
  auto& excluded = setbacks.excluded_rows;
  excluded.insert(excluded.end(), bad.finding.rows.begin(), bad.finding.rows.end());
  std::ranges::sort(excluded);
  loader.exclude(excluded);
}

void Trainer::Impl::log(const StepReport& report) {
  parts.reporter.progress("training", report.step, total_steps, "steps",
                          str("loss ", fixed(report.loss, 4), " · lr ", report.learning_rate));
  if (!due(options.logging_steps) && state.step != total_steps && !report.dropped) return;
  Json line = {{"step", report.step},
               {"epoch", report.epoch},
               {"loss", report.dropped ? Json(nullptr) : Json(report.loss)},
               {"grad_norm", report.dropped ? Json(nullptr) : Json(report.grad_norm)},
               {"learning_rate", report.learning_rate},
               {"tokens", report.tokens},
               {"supervised_tokens", report.supervised_tokens},
               {"tokens_per_second", static_cast<double>(report.tokens) / report.step_seconds},
               {"step_seconds", report.step_seconds},
               {"peak_memory_bytes", ops::peak_memory_bytes(parts.model.head().device().type())}};
  if (report.dropped) {
    line["skipped_steps"] = state.setbacks.skipped_steps;
    if (rolls_back()) line["rolled_back_to"] = *state.setbacks.rollback_step;
  }
  parts.run.log_metrics(line);
}

bool Trainer::Impl::evaluation_is_due() const {
  return parts.eval != nullptr && state.step > 0 &&
         (due(options.eval_steps) || state.step == total_steps) &&
         (!state.latest || state.latest->step != state.step);
}

// False where a stop was requested before its end: it is then still due.
bool Trainer::Impl::evaluate_if_due() {
  if (!evaluation_is_due()) return true;
  auto report =
      evaluate_unless_stopped(parts.model, *parts.eval, options.tokens_per_pass, parts.reporter);
  if (!report) return false;
  report->step = state.step;
  if (!std::isfinite(report->loss)) {
    throw UserError(str("step ", state.step, ": the evaluation loss is ", report->loss,
                        "; lower training.learning_rate, or set model.dtype: float32"));
  }
  note_evaluation(*report);
  saved_step = -1;  // a checkpoint of this step knows nothing of it
  return true;
}

void Trainer::Impl::note_evaluation(const EvalReport& report) {
  const double perplexity = std::exp(report.loss);
  parts.run.log_metrics({{"step", report.step},
                         {"eval_loss", report.loss},
                         {"eval_perplexity", perplexity},
                         {"eval_tokens", report.tokens}});
  const bool is_best = !state.best || report.loss < state.best->loss;
  parts.reporter.info(str("step ", report.step, ": eval_loss ", fixed(report.loss, 4),
                          ", perplexity ", fixed(perplexity, 3), is_best ? " (best so far)" : ""));
  state.latest = report;
  state.evaluations_without_best = is_best ? 0 : state.evaluations_without_best + 1;
  if (is_best) state.best = report;
}

void Trainer::Impl::finish_if_due() {
  const int64_t patience = options.early_stopping_patience;
  state.stopped_early =
      parts.eval != nullptr && patience > 0 && state.evaluations_without_best >= patience;
  state.finished = state.stopped_early || state.step >= total_steps;
}

void Trainer::Impl::save_if_due() {
  const bool beginning = state.step == 0 && rolls_back();
  const bool scheduled = state.step > 0 && due(options.save_steps);
  const bool new_best = keeps_best() && state.best && state.best->step == state.step;
  const bool long_ago =
      options.save_seconds > 0 && monotonic_seconds() - saved_at >= double(options.save_seconds);
  if (rolls_back() && (beginning || (scheduled && last_step_good)) &&
      state.setbacks.rollback_step != state.step) {
    state.setbacks.rollback_step = state.step;
    state.setbacks.in_a_row = 0;
  }
  if (beginning || scheduled || state.finished || new_best || (long_ago && state.step > 0)) save();
}

// Training waits for the copy, and for the write before it where that is not done yet.
void Trainer::Impl::save() {
  if (saved_step == state.step) return;
  const double begin = monotonic_seconds();
  state.epoch = loader.position().epoch;
  state.next_batch = loader.position().next;
  state.updates = optimizer.updates();
  checkpoints.wait();
  checkpoints.save(take_snapshot(state, weights_of(parameters), optimizer.state()));
  saved_step = state.step;
  saved_at = monotonic_seconds();
  state.save_seconds += saved_at - begin;
}

void Trainer::Impl::restore(const Checkpoint& checkpoint) {
  checkpoint.restore_weights(weights_of(parameters));
  checkpoint.restore_optimizer(optimizer.state());
  optimizer.set_updates(checkpoint.state().updates);
}

void Trainer::Impl::restore_newest() {
  if (const auto checkpoint = checkpoints.newest(state.identity, parts.reporter)) {
    restore(*checkpoint);
    state = checkpoint->state();
    saved_step = state.step;
    if (rolls_back() && !state.setbacks.rollback_step) state.setbacks.rollback_step = state.step;
  }
  loader.exclude(state.setbacks.excluded_rows);
  loader.seek({.epoch = state.epoch, .next = state.next_batch});
  using CutBack = observe::RunFolder::CutBack;
  parts.run.rewind_metrics(
      state.step, evaluation_is_due() ? CutBack::kBeforeEvaluation : CutBack::kAfterEvaluation);
  for (const auto& line : parts.run.read_metrics()) {
    if (const auto loss = line.value("loss", Json()); loss.is_number())
      watch.remember(loss.get<double>(), line["grad_norm"].get<double>());
  }
  parts.reporter.info(state.step > 0 ? str("resuming after step ", state.step, " of ", total_steps)
                                     : str("no checkpoint to resume from in ",
                                           parts.run.path().string(), ": starting at step 1"));
}

void Trainer::Impl::restore_best() {
  if (!keeps_best() || !state.best || state.best->step == state.step) return;
  checkpoints.of_step(state.best->step).restore_weights(weights_of(parameters));
  parts.reporter.info(str("the best weights are those of step ", state.best->step, ": eval_loss ",
                          fixed(state.best->loss, 4)));
}

TrainResult Trainer::Impl::result(Outcome outcome) const {
  const bool holds_best = keeps_best() && outcome != Outcome::kInterrupted;
  return {.outcome = outcome,
          .steps = state.step,
          .best = holds_best ? state.best : state.latest,
          .train_seconds = state.train_seconds,
          .save_seconds = state.save_seconds,
          .tokens = state.tokens,
          .supervised_tokens = state.supervised_tokens,
          .setbacks = state.setbacks};
}

Trainer::Trainer(Parts parts, const data::DataOptions& data_options, TrainOptions options)
    : impl_(std::make_unique<Impl>(std::move(parts), data_options, std::move(options))) {}

Trainer::~Trainer() = default;

TrainResult Trainer::run(bool resume) { return impl_->run(resume); }

int64_t Trainer::total_steps() const { return impl_->total_steps; }

}  // namespace tunewright::train
