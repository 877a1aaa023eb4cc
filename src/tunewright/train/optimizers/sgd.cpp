#include <ATen/ops/_fused_sgd.h>

#include "tunewright/ops/update_kernels.h"
#include "tunewright/train/optimizers/pass.h"

namespace tunewright::train {
namespace {

class Sgd final : public UpdateRule {
 public:
  Sgd(Weights weights, const TrainOptions& options)
      : weights_(std::move(weights)),
        momentum_(options.momentum.value_or(0.0)),
        weight_decay_(options.weight_decay),
        velocities_(momentum_ > 0 ? zeros_for(weights_)
                                  : std::vector<at::Tensor>(weights_.size())) {}

  void update(const Step& step) override {
    if (on_host(weights_)) return update_pieces(step);
    for_all_tensors(weights_, step, [&](const Tensors& tensors) {
      // Velocities begin at zero: there is no first step to treat apart.
      at::_fused_sgd_(tensors.values, tensors.gradients,
                      momentum_ > 0 ? selected(velocities_, tensors) : std::vector<at::Tensor>(),
                      decay_of(*weights_[tensors.indices[0]]), momentum_, step.learning_rate,
                      /*dampening=*/0.0, /*nesterov=*/false, /*maximize=*/false,
                      /*is_first_step=*/false,
                      gradient_divisor(step.gradient_scale, tensors.values[0]));
    });
  }

  NamedTensors state() const override {
    NamedTensors named;
    append_named(named, "velocity", weights_, velocities_);
    return named;
  }

 private:
  double decay_of(const Weight& weight) const { return weight.decay ? weight_decay_ : 0.0; }

  void update_pieces(const Step& step) {
    for_pieces(weights_, step, [&](const Piece& piece) {
      const auto& velocity = velocities_[piece.index];
      ops::kernels::sgd_row(
          piece.values, piece.gradient,
          velocity.defined() ? velocity.mutable_data_ptr<float>() + piece.begin : nullptr,
          piece.size,
          {.gradient_scale = static_cast<float>(step.gradient_scale),
           .momentum = static_cast<float>(momentum_),
           .weight_decay = static_cast<float>(decay_of(*weights_[piece.index])),
           .learning_rate = static_cast<float>(step.learning_rate)});
    });
  }

  Weights weights_;
  double momentum_, weight_decay_;
  std::vector<at::Tensor> velocities_;
};

}  // namespace

std::unique_ptr<UpdateRule> make_sgd(Weights weights, const TrainOptions& options) {
  return std::make_unique<Sgd>(std::move(weights), options);
}

}  // namespace tunewright::train
