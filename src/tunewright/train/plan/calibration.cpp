#include "tunewright/train/plan/calibration.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tunewright/base/files.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/system.h"
#include "tunewright/train/checkpoint.h"
#include "tunewright/train/optimizer.h"
#include "tunewright/train/passes.h"
#include "tunewright/train/step_gradients.h"

namespace tunewright::train {
namespace {

// Raises `peak` to what was resident at most since the last call.
void take_peak(double& peak) {
  peak = std::max(peak, static_cast<double>(peak_resident_bytes()));
  reset_peak_resident_bytes();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double bytes_of(const Snapshot& snapshot) {
  double bytes = 0;
  for (const auto* tensors : {&snapshot.weights, &snapshot.optimizer}) {
    for (const auto& [name, tensor] : *tensors) bytes += static_cast<double>(tensor.nbytes());
  }
  return bytes;
}

// Splits the memory of a pass by the model's layers: at the end of the forward pass, and by hooks
// on the first and the last activation of the model's blocks that have a gradient: from the last
// down to the first, memory grows or falls in a straight line with the blocks, so that its ends are
// all that matters.  Where parts run side by side it looks at the first, which the others keep up
// with.
class PassProbe {
 public:
  PassProbe(model::CausalLm& model, Measurement& found) : model_(model) {
    model_.set_observer([this, &found](const std::string& layer, const at::Tensor& output) {
      if (layer == "model.norm") watch(found);
      if (!output.requires_grad()) return;
      if (!first_.defined() && layer.starts_with("model.layers.")) first_ = output;
      if (layer.ends_with(".input_layernorm")) last_ = output;
    });
  }
  ~PassProbe() { model_.set_observer({}); }
  PassProbe(const PassProbe&) = delete;
  PassProbe& operator=(const PassProbe&) = delete;

 private:
  // After the forward pass.
  void watch(Measurement& found) {
    take_peak(found.forward_bytes);
    const auto note = [&found](const at::Tensor&) { take_peak(found.early_backward_bytes); };
    const auto forget = [](const at::Tensor&) { reset_peak_resident_bytes(); };
    if (last_.defined()) last_.register_hook(note);
    if (first_.defined() && !last_.defined()) first_.register_hook(note);  // the only block
    if (first_.defined() && last_.defined() && !first_.is_same(last_)) first_.register_hook(forget);
    first_.reset();
    last_.reset();
  }

  model::CausalLm& model_;
  at::Tensor first_, last_;
};

model::CausalLm& with_checkpoints(model::CausalLm& model, const TrainOptions& options) {
  model.set_checkpointed_blocks(checkpointed_blocks(options));
  return model;
}

class Calibration {
 public:
  Calibration(model::CausalLm& model, const TrainOptions& options, const CalibrationWork& work)
      : model_(model),
        options_(options),
        work_(work),
        parameters_(model.trainable_parameters()),
        optimizer_(parameters_, options),
        gradients_(with_checkpoints(model, options), objective_of(options.objective), optimizer_,
                   work.side_by_side),
        pass_seconds_(work.passes.size()),
        evaluation_seconds_(work.evaluation.size()) {}

  Measurement run() {
    const double begin = monotonic_seconds();
    const auto out_of_time = [&] { return monotonic_seconds() - begin > work_.seconds; };
    reset_peak_resident_bytes();
    const double first = step(0);
    const double second = step(0);
    found_.first_pass_seconds = std::max(0.0, first - second);
    pass_seconds_[0] = {second};
    if (!work_.evaluation.empty()) evaluate(0);
    save();
    // At least one more size, so that more than the largest is known.
    for (size_t i = 1; i < work_.passes.size() && (i == 1 || !out_of_time()); ++i) step(i);
    for (size_t i = 1; i < work_.evaluation.size() && !out_of_time(); ++i) evaluate(i);
    while (!out_of_time() && std::ssize(pass_seconds_[0]) < kMostRepeats) repeat();
    return result();
  }

 private:
  static constexpr int64_t kMostRepeats = 3;

  // Seconds of its pass.
  double step(size_t pass) {
    const double seconds = train(pass);
    if (work_.several_passes) train(pass);
    const double begin = monotonic_seconds();
    const auto norm = gradient_norm(optimizer_.gradients()).item<double>();
    optimizer_.update(/*learning_rate=*/0.0, clip_scale(norm, options_.max_grad_norm));
    update_seconds_.push_back(monotonic_seconds() - begin);
    take_peak(found_.update_bytes);
    return seconds;
  }

  double train(size_t pass) {
    const double begin = monotonic_seconds();
    const auto& batch = work_.passes[pass];
    StepParts step;
    step.add(batch, work_.side_by_side);
    const PassProbe probe(model_, found_);
    gradients_.compute(step, batch.weight_sum(), options_.seed, static_cast<int64_t>(pass));
    take_peak(found_.late_backward_bytes);
    pass_seconds_[pass].push_back(monotonic_seconds() - begin);
    return pass_seconds_[pass].back();
  }

  void evaluate(size_t pass) {
    const double begin = monotonic_seconds();
    evaluation_loss_sum(model_, work_.evaluation[pass]);
    take_peak(found_.evaluation_bytes);
    evaluation_seconds_[pass].push_back(monotonic_seconds() - begin);
  }

  void save() {
    const auto before = static_cast<double>(resident_bytes());
    const double begin = monotonic_seconds();
    const auto snapshot = take_snapshot({}, weights_of(parameters_), optimizer_.state());
    found_.copy_seconds = monotonic_seconds() - begin;
    write_checkpoint(work_.scratch, snapshot);
    found_.write_seconds = monotonic_seconds() - begin - found_.copy_seconds;
    fs::remove_all(work_.scratch);
    double peak = 0;
    take_peak(peak);
    // What the process kept free for it will be taken when training goes on.
    found_.snapshot_bytes = std::max(bytes_of(snapshot), peak - before);
  }

  void repeat() {
    for (size_t i = 0; i < work_.passes.size() && !pass_seconds_[i].empty(); ++i) step(i);
    for (size_t i = 0; i < work_.evaluation.size() && !evaluation_seconds_[i].empty(); ++i)
      evaluate(i);
  }

  static std::vector<double> medians(const std::vector<std::vector<double>>& all) {
    std::vector<double> found;
    for (const auto& seconds : all) {
      if (seconds.empty()) break;
      found.push_back(median(seconds));
    }
    return found;
  }

  Measurement result() {
    found_.update_seconds = median(update_seconds_);
    found_.pass_seconds = medians(pass_seconds_);
    found_.evaluation_seconds = medians(evaluation_seconds_);
    return found_;
  }

  model::CausalLm& model_;
  const TrainOptions& options_;
  const CalibrationWork& work_;
  std::vector<model::Parameter> parameters_;
  Optimizer optimizer_;
  StepGradients gradients_;
  Measurement found_;
  std::vector<std::vector<double>> pass_seconds_, evaluation_seconds_;
  std::vector<double> update_seconds_;
};

}  // namespace

Measurement calibrate(model::CausalLm& model, const TrainOptions& options,
                      const CalibrationWork& work) {
  return Calibration(model, options, work).run();
}

}  // namespace tunewright::train
