#include "tunewright/train/optimizers/adamw.h"

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>

#include <cmath>

#include "tunewright/ops/update_kernels.h"
#include "tunewright/train/optimizers/pass.h"

namespace tunewright::train {

ops::kernels::AdamwStep adamw_step(const plain::Adamw& options, double gradient_scale) {
  const auto t = static_cast<double>(options.step);
  return {.gradient_scale = static_cast<float>(gradient_scale),
          .beta1 = static_cast<float>(options.beta1),
          .beta2 = static_cast<float>(options.beta2),
          .epsilon = static_cast<float>(options.epsilon),
          .keep = static_cast<float>(1 - options.learning_rate * options.weight_decay),
          .step_size = static_cast<float>(options.learning_rate / (1 - std::pow(options.beta1, t))),
          .root_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, t)))};
}

plain::Adamw adamw_options(const TrainOptions& options, const Step& step, const Weight& weight) {
  return {.learning_rate = step.learning_rate,
          .beta1 = options.adam_beta1,
          .beta2 = options.adam_beta2,
          .epsilon = options.adam_epsilon,
          .weight_decay = weight.decay ? options.weight_decay : 0.0,
          .step = step.number};
}

void fused_adamw_(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& gradients,
                  const std::vector<at::Tensor>& means, const std::vector<at::Tensor>& squares,
                  const FusedAdamw& step) {
  const auto& [learning_rate, beta1, beta2, epsilon, weight_decay, number] = step.options;
  const auto count = at::full({}, static_cast<double>(number), values[0].options());
  at::_fused_adamw_(values, gradients, means, squares, /*max_exp_avg_sqs=*/{},
                    std::vector<at::Tensor>(values.size(), count), learning_rate, beta1, beta2,
                    weight_decay, epsilon, /*amsgrad=*/false, /*maximize=*/false,
                    gradient_divisor(step.gradient_scale, values[0]));
}

namespace {

class AdamW final : public UpdateRule {
 public:
  AdamW(Weights weights, TrainOptions options)
      : weights_(std::move(weights)),
        options_(std::move(options)),
        means_(zeros_for(weights_)),
        squares_(zeros_for(weights_)) {}

  void update(const Step& step) override {
    if (on_host(weights_)) return update_pieces(step);
    for_all_tensors(weights_, step, [&](const Tensors& tensors) {
      fused_adamw_(tensors.values, tensors.gradients, selected(means_, tensors),
                   selected(squares_, tensors),
                   {.options = adamw_options(options_, step, *weights_[tensors.indices[0]]),
                    .gradient_scale = step.gradient_scale});
    });
  }

  NamedTensors state() const override {
    NamedTensors named;
    append_named(named, "mean", weights_, means_);
    append_named(named, "mean_square", weights_, squares_);
    return named;
  }

 private:
  void update_pieces(const Step& step) {
    std::vector<ops::kernels::AdamwStep> steps;
    for (const auto* weight : weights_)
      steps.push_back(adamw_step(adamw_options(options_, step, *weight), step.gradient_scale));
    for_pieces(weights_, step, [&](const Piece& piece) {
      ops::kernels::adamw_row(piece.values, piece.gradient,
                              means_[piece.index].mutable_data_ptr<float>() + piece.begin,
                              squares_[piece.index].mutable_data_ptr<float>() + piece.begin,
                              piece.size, steps[piece.index]);
    });
  }

  Weights weights_;
  TrainOptions options_;
  std::vector<at::Tensor> means_, squares_;
};

}  // namespace

std::unique_ptr<UpdateRule> make_adamw(Weights weights, const TrainOptions& options) {
  return std::make_unique<AdamW>(std::move(weights), options);
}

}  // namespace tunewright::train
