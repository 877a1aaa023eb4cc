#include "tunewright/ops/update_kernels.h"
#include "tunewright/train/optimizers/pass.h"
#include "tunewright/train/optimizers/plain.h"

namespace tunewright::train {
namespace {

class Lion final : public UpdateRule {
 public:
  Lion(Weights weights, TrainOptions options)
      : weights_(std::move(weights)), options_(std::move(options)), means_(zeros_for(weights_)) {}

  void update(const Step& step) override {
    if (on_host(weights_)) return update_pieces(step);
    for_tensors(weights_, step, [&](size_t i, at::Tensor& values, const at::Tensor& gradient) {
      plain::lion_(values, gradient, means_[i],
                   {.learning_rate = step.learning_rate,
                    .beta1 = options_.adam_beta1,
                    .beta2 = options_.adam_beta2,
                    .weight_decay = decay_of(*weights_[i])});
    });
  }

  NamedTensors state() const override {
    NamedTensors named;
    append_named(named, "mean", weights_, means_);
    return named;
  }

 private:
  double decay_of(const Weight& weight) const { return weight.decay ? options_.weight_decay : 0.0; }

  void update_pieces(const Step& step) {
    for_pieces(weights_, step, [&](const Piece& piece) {
      const double decay = decay_of(*weights_[piece.index]);
      ops::kernels::lion_row(piece.values, piece.gradient,
                             means_[piece.index].mutable_data_ptr<float>() + piece.begin,
                             piece.size,
                             {.gradient_scale = static_cast<float>(step.gradient_scale),
                              .beta1 = static_cast<float>(options_.adam_beta1),
                              .beta2 = static_cast<float>(options_.adam_beta2),
                              .keep = static_cast<float>(1 - step.learning_rate * decay),
                              .learning_rate = static_cast<float>(step.learning_rate)});
    });
  }

  Weights weights_;
  TrainOptions options_;
  std::vector<at::Tensor> means_;
};

}  // namespace

std::unique_ptr<UpdateRule> make_lion(Weights weights, const TrainOptions& options) {
  return std::make_unique<Lion>(std::move(weights), options);
}

}  // namespace tunewright::train
