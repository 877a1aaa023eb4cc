#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "tunewright/train/optimizers/pass.h"

namespace tunewright::train {
namespace {

// As transformers' Trainer sets its Adafactor up (Shazeer and Stern 2018): the given learning rate
// as it is, no first moment, updates clipped to a root mean square of 1.
constexpr double kSquareFloor = 1e-30;
constexpr double kDecayRate = -0.8;
constexpr double kClipThreshold = 1.0;

// A float64 scalar where x is: nothing waits for it.
at::Tensor root_mean_square(const at::Tensor& x) {
  return x.norm().to(at::kDouble) / std::sqrt(static_cast<double>(x.numel()));
}

class Adafactor final : public UpdateRule {
 public:
  Adafactor(Weights weights, double weight_decay)
      : weights_(std::move(weights)), weight_decay_(weight_decay) {
    for (const auto* weight : weights_) {
      const auto options = weight->parameter.options().dtype(at::kFloat);
      const bool factored = weight->parameter.dim() == 2;
      const auto sizes = weight->parameter.sizes();
      rows_.push_back(factored ? at::zeros({sizes[0]}, options) : at::Tensor());
      columns_.push_back(factored ? at::zeros({sizes[1]}, options) : at::Tensor());
      squares_.push_back(factored ? at::Tensor() : at::zeros(sizes, options));
    }
  }

  void update(const Step& step) override {
    const double decay = 1.0 - std::pow(static_cast<double>(step.number), kDecayRate);
    for_tensors(weights_, step, [&](size_t i, at::Tensor& values, const at::Tensor& gradient) {
      auto change = normalised(i, gradient, decay);
      change.mul_(step.learning_rate / (root_mean_square(change) / kClipThreshold).clamp_min(1.0));
      if (weights_[i]->decay) values.mul_(1 - weight_decay_ * step.learning_rate);
      values.sub_(change);
    });
  }

  NamedTensors state() const override {
    NamedTensors named;
    append_named(named, "row_mean_square", weights_, rows_);
    append_named(named, "column_mean_square", weights_, columns_);
    append_named(named, "mean_square", weights_, squares_);
    return named;
  }

 private:
  // The gradient over the root of its mean square, of which a matrix keeps only the mean over each
  // row and each column.
  at::Tensor normalised(size_t i, const at::Tensor& gradient, double decay) {
    const auto square = gradient.square().add_(kSquareFloor);
    if (squares_[i].defined())
      return squares_[i].mul_(decay).add_(square, 1 - decay).rsqrt().mul_(gradient);
    rows_[i].mul_(decay).add_(square.mean(1), 1 - decay);
    columns_[i].mul_(decay).add_(square.mean(0), 1 - decay);
    const auto row_factor = (rows_[i] / rows_[i].mean()).rsqrt_().unsqueeze(1);
    return (row_factor * columns_[i].rsqrt().unsqueeze(0)).mul_(gradient);
  }

  Weights weights_;
  double weight_decay_;
  std::vector<at::Tensor> rows_, columns_, squares_;
};

}  // namespace

std::unique_ptr<UpdateRule> make_adafactor(Weights weights, const TrainOptions& options) {
  return std::make_unique<Adafactor>(std::move(weights), options.weight_decay);
}

}  // namespace tunewright::train
