#include "tunewright/train/trainer.h"

#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/data/prefetcher.h"
#include "tunewright/train/checkpoint.h"
#include "tunewright/train/identity.h"
#include "tunewright/train/optimizer.h"
#include "tunewright/train/passes.h"
#include "tunewright/train/schedule.h"

namespace tunewright::train {
namespace {

data::Loader::Options loader_options(const data::DataOptions& data, const TrainOptions& options) {
  return {.batch_size = options.per_device_train_batch_size,
          .max_length = data.max_length,
          .packing = data.packing,
          .shuffle = data.shuffle,
          .seed = static_cast<uint64_t>(options.seed)};
}

// Optimizer steps as transformers counts them: a step ends with its epoch.
int64_t count_total_steps(data::Loader loader, const TrainOptions& options) {
  if (options.max_steps > 0) return options.max_steps;
  const auto steps_of = [&](int64_t epoch) {
    loader.seek({.epoch = epoch, .next = 0});
    const int64_t batches = loader.batches_per_epoch();
    return std::max<int64_t>(1, (batches + options.gradient_accumulation_steps - 1) /
                                    options.gradient_accumulation_steps);
  };
  const auto whole_epochs = static_cast<int64_t>(std::floor(options.num_train_epochs));
  int64_t total = 0;
  for (int64_t epoch = 0; epoch < whole_epochs; ++epoch) total += steps_of(epoch);
  const double rest = options.num_train_epochs - static_cast<double>(whole_epochs);
  if (rest <= 0) return total;
  return total +
         static_cast<int64_t>(std::ceil(rest * static_cast<double>(steps_of(whole_epochs)) - 1e-9));
}

// A function of its arguments alone, so that a resumed run draws the masks of the uninterrupted
// one.
uint64_t dropout_seed(int64_t seed, int64_t step, size_t pass) {
  Random random(static_cast<uint64_t>(seed), stream_id("dropout"));
  random.seek((static_cast<uint64_t>(step) << 20) + pass);
  return random.next();
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

struct HostFigures {
  std::vector<double> pass_losses;
  double grad_norm = 0;
  double loss_sum() const {
    double sum = 0;
    for (const double loss : pass_losses) sum += loss;
    return sum;
  }
};

HostFigures read_to_host(std::vector<at::Tensor> pass_losses, const at::Tensor& grad_norm) {
  pass_losses.push_back(grad_norm.to(grad_norm.device(), at::kFloat));
  const auto host = at::stack(pass_losses).to(at::kCPU, at::kDouble);
  const auto* values = host.const_data_ptr<double>();
  return {.pass_losses = {values, values + host.numel() - 1},
          .grad_norm = values[host.numel() - 1]};
}

}  // namespace

struct Trainer::Impl {
  Impl(Parts given, const data::DataOptions& data_options, TrainOptions given_options);

  TrainResult run(bool resume);
  StepReport step();
  std::vector<data::Batch> take_passes();
  bool epoch_ended();
  std::vector<at::Tensor> accumulate_gradients(const std::vector<data::Batch>& passes,
                                               double weight);
  void require_finite(const HostFigures& figures, const std::vector<data::Batch>& passes) const;
  std::string describe_rows(const std::vector<const data::Batch*>& passes) const;
  double epoch_reached();

  void log(const StepReport& report);
  void evaluate_if_due();
  void note_evaluation(const EvalReport& report);
  void finish_if_due();

  void save_if_due();
  void save();
  void remove_old_checkpoints();
  void restore_newest();
  void restore_best();
  bool keeps_best() const { return parts.eval != nullptr && options.load_best_model_at_end; }
  bool due(int64_t every) const { return every > 0 && state.step % every == 0; }
  fs::path checkpoint_folder(int64_t step) const {
    return parts.run.checkpoints_folder() / observe::RunFolder::checkpoint_name(step);
  }
  TrainResult result(Outcome outcome) const;

  Parts parts;
  TrainOptions options;
  data::Prefetcher loader;
  std::vector<model::Parameter> parameters;
  AdamW optimizer;
  Objective objective;
  int64_t total_steps;
  RunState state;
  int64_t saved_step = 0;
  double saved_at = monotonic_seconds();
};

Trainer::Impl::Impl(Parts given, const data::DataOptions& data_options, TrainOptions given_options)
    : parts(std::move(given)),
      options((validate(given_options), std::move(given_options))),
      loader(parts.train, loader_options(data_options, options),
             {.tokens_per_pass = options.tokens_per_pass,
              .ahead = options.gradient_accumulation_steps + 1}),
      parameters(parts.model.trainable_parameters()),
      optimizer(parameters, options),
      objective(objective_of(options.objective)),
      total_steps(count_total_steps(
          data::Loader(parts.train, loader_options(data_options, options)), options)) {
  if (parameters.empty()) {
    throw UserError(
        "adapter: nothing in the model is trainable; choose another adapter.type or "
        "target_modules");
  }
  state.identity = identity_of({.options = options,
                                .data_options = data_options,
                                .train_sha256 = parts.train.sha256,
                                .eval_sha256 = parts.eval ? parts.eval->sha256 : "",
                                .parameters = parameters,
                                .given = parts.identity});
}

TrainResult Trainer::Impl::run(bool resume) {
  if (resume) restore_newest();
  while (!state.finished) {
    if (stop_requested()) {
      save();
      return result(Outcome::kInterrupted);
    }
    log(step());
    evaluate_if_due();
    finish_if_due();
    save_if_due();
  }
  parts.reporter.finish_progress();
  restore_best();
  return result(state.stopped_early ? Outcome::kStoppedEarly : Outcome::kFinished);
}

StepReport Trainer::Impl::step() {
  const double begin = monotonic_seconds();
  const auto passes = take_passes();
  const auto totals = count(passes);
  auto pass_losses = accumulate_gradients(passes, totals.weight);
  const auto gradients = optimizer.gradients();
  const auto figures =
      read_to_host(std::move(pass_losses), gradient_norm(gradients));  // the step's only host sync
  require_finite(figures, passes);
  clip_to_norm_(gradients, figures.grad_norm, options.max_grad_norm);
  const double learning_rate =
      options.learning_rate * schedule_factor(options, state.step, total_steps);
  optimizer.update(learning_rate);
  ++state.step;
  const double seconds = monotonic_seconds() - begin;
  state.train_seconds += seconds;
  state.tokens += totals.tokens;
  state.supervised_tokens += totals.targets;
  return {.step = state.step,
          .epoch = epoch_reached(),
          .loss = totals.weight > 0 ? figures.loss_sum() / totals.weight : 0.0,
          .grad_norm = figures.grad_norm,
          .learning_rate = learning_rate,
          .tokens = totals.tokens,
          .supervised_tokens = totals.targets,
          .step_seconds = seconds};
}

std::vector<data::Batch> Trainer::Impl::take_passes() {
  std::vector<data::Batch> passes;
  for (int64_t i = 0; i < options.gradient_accumulation_steps; ++i) {
    for (auto& pass : loader.next()) passes.push_back(std::move(pass));
    if (epoch_ended()) break;
  }
  return passes;
}

bool Trainer::Impl::epoch_ended() {
  const auto position = loader.position();
  return position.next == 0 || position.next >= loader.batches_per_epoch();
}

std::vector<at::Tensor> Trainer::Impl::accumulate_gradients(const std::vector<data::Batch>& passes,
                                                            double weight) {
  std::vector<at::Tensor> losses;
  for (size_t i = 0; i < passes.size(); ++i) {
    if (passes[i].targets.empty()) continue;
    parts.model.set_training(true, dropout_seed(options.seed, state.step, i));
    const auto sum = loss_sum(parts.model, objective, passes[i]);
    sum.backward(at::full_like(sum, 1.0 / weight));
    optimizer.collect_gradients();
    losses.push_back(sum.detach());
  }
  return losses;
}

void Trainer::Impl::require_finite(const HostFigures& figures,
                                   const std::vector<data::Batch>& passes) const {
  const double loss = figures.loss_sum();
  if (std::isfinite(loss) && std::isfinite(figures.grad_norm)) return;
  std::vector<const data::Batch*> suspects;
  size_t next_loss = 0;
  for (const auto& pass : passes) {
    const bool finite = pass.targets.empty() || std::isfinite(figures.pass_losses[next_loss++]);
    if (std::isfinite(loss) || !finite) suspects.push_back(&pass);
  }
  const auto what = std::isfinite(loss) ? str("the norm of the gradient is ", figures.grad_norm)
                                        : str("the loss is ", loss);
  throw UserError(
      str("step ", state.step + 1, ": ", what, ", with the rows ", describe_rows(suspects),
          "; the weights were left as they are after step ", state.step,
          ". Lower training.learning_rate, look at these rows, or set model.dtype: float32"));
}

std::string Trainer::Impl::describe_rows(const std::vector<const data::Batch*>& passes) const {
  constexpr size_t kMost = 8;
  std::vector<std::string> names;
  for (const auto* pass : passes) {
    for (const auto row : pass->rows) {
      const auto& line = parts.train.ledger.at(static_cast<size_t>(row));
      names.push_back(str(line.source, " row ", line.row));
    }
  }
  const size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  return join(names, ", ") + (more > 0 ? str(" and ", more, " more") : "");
}

double Trainer::Impl::epoch_reached() {
  const auto position = loader.position();
  return static_cast<double>(position.epoch) +
         static_cast<double>(position.next) /
             static_cast<double>(std::max<int64_t>(1, loader.batches_per_epoch()));
}

void Trainer::Impl::log(const StepReport& report) {
  parts.reporter.progress("training", report.step, total_steps, "steps",
                          str("loss ", fixed(report.loss, 4), " · lr ", report.learning_rate));
  if (!due(options.logging_steps) && state.step != total_steps) return;
  parts.run.log_metrics(
      {{"step", report.step},
       {"epoch", report.epoch},
       {"loss", report.loss},
       {"grad_norm", report.grad_norm},
       {"learning_rate", report.learning_rate},
       {"tokens", report.tokens},
       {"supervised_tokens", report.supervised_tokens},
       {"tokens_per_second", static_cast<double>(report.tokens) / report.step_seconds},
       {"step_seconds", report.step_seconds},
       {"peak_memory_bytes", peak_resident_bytes()}});
}

void Trainer::Impl::evaluate_if_due() {
  if (parts.eval == nullptr || (!due(options.eval_steps) && state.step != total_steps)) return;
  auto report = evaluate(parts.model, *parts.eval, options.tokens_per_pass, parts.reporter);
  report.step = state.step;
  if (!std::isfinite(report.loss)) {
    throw UserError(str("step ", state.step, ": the evaluation loss is ", report.loss,
                        "; lower training.learning_rate, or set model.dtype: float32"));
  }
  note_evaluation(report);
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
  const bool new_best = keeps_best() && state.best && state.best->step == state.step;
  const bool long_ago =
      options.save_seconds > 0 && monotonic_seconds() - saved_at >= double(options.save_seconds);
  if (state.finished || new_best || long_ago || due(options.save_steps)) save();
}

void Trainer::Impl::save() {
  if (state.step == 0 || saved_step == state.step) return;
  state.epoch = loader.position().epoch;
  state.next_batch = loader.position().next;
  state.updates = optimizer.updates();
  write_checkpoint(checkpoint_folder(state.step), state, parameters, optimizer);
  saved_step = state.step;
  saved_at = monotonic_seconds();
  remove_old_checkpoints();
}

// Keeps the newest, and the best one of each that is kept, so that falling back to any of them
// finds its best.
void Trainer::Impl::remove_old_checkpoints() {
  if (options.save_total_limit == 0) return;
  const auto found = parts.run.checkpoints();
  const auto limit = std::min(found.size(), static_cast<size_t>(options.save_total_limit));
  std::set<fs::path> kept(found.end() - static_cast<std::ptrdiff_t>(limit), found.end());
  for (const auto& folder : std::vector<fs::path>(kept.begin(), kept.end())) {
    if (const auto best = best_step_of(folder); keeps_best() && best)
      kept.insert(checkpoint_folder(*best));
  }
  for (const auto& folder : found) {
    std::error_code ignored;  // an old checkpoint too many is no reason to stop
    if (!kept.contains(folder)) fs::remove_all(folder, ignored);
  }
}

void Trainer::Impl::restore_newest() {
  const auto found = parts.run.checkpoints();
  for (auto folder = found.rbegin(); folder != found.rend(); ++folder) {
    try {
      const auto checkpoint = Checkpoint::open(*folder);
      require_same_identity(checkpoint.state().identity, state.identity, folder->string());
      checkpoint.restore_weights(parameters);
      checkpoint.restore_optimizer(optimizer);
      state = checkpoint.state();
      break;
    } catch (const DifferentRun&) {
      throw;
    } catch (const UserError& error) {
      parts.reporter.warn(str(error.what(), "; going back to the checkpoint before it"));
    }
  }
  loader.seek({.epoch = state.epoch, .next = state.next_batch});
  parts.run.rewind_metrics(state.step);
  saved_step = state.step;
  parts.reporter.info(state.step > 0 ? str("resuming after step ", state.step, " of ", total_steps)
                                     : str("no checkpoint to resume from in ",
                                           parts.run.path().string(), ": starting at step 1"));
}

void Trainer::Impl::restore_best() {
  if (!keeps_best() || !state.best || state.best->step == state.step) return;
  Checkpoint::open(checkpoint_folder(state.best->step)).restore_weights(parameters);
  parts.reporter.info(str("the best weights are those of step ", state.best->step, ": eval_loss ",
                          fixed(state.best->loss, 4)));
}

TrainResult Trainer::Impl::result(Outcome outcome) const {
  const bool holds_best = keeps_best() && outcome != Outcome::kInterrupted;
  return {.outcome = outcome,
          .steps = state.step,
          .best = holds_best ? state.best : state.latest,
          .train_seconds = state.train_seconds,
          .tokens = state.tokens,
          .supervised_tokens = state.supervised_tokens};
}

Trainer::Trainer(Parts parts, const data::DataOptions& data_options, TrainOptions options)
    : impl_(std::make_unique<Impl>(std::move(parts), data_options, std::move(options))) {}

Trainer::~Trainer() = default;

TrainResult Trainer::run(bool resume) { return impl_->run(resume); }

int64_t Trainer::total_steps() const { return impl_->total_steps; }

}  // namespace tunewright::train
