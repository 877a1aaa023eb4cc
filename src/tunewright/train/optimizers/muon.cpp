#include <ATen/ops/addmm.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

#include "tunewright/ops/product.h"
#include "tunewright/train/optimizers/pass.h"

namespace tunewright::train {
namespace {

constexpr double kDefaultMomentum = 0.95;

// torch.optim.Muon (Jordan et al. 2024) with Nesterov momentum.
class Muon final : public UpdateRule {
 public:
  Muon(Weights matrices, const TrainOptions& options)
      : matrices_(std::move(matrices)),
        momentum_(options.momentum.value_or(kDefaultMomentum)),
        weight_decay_(options.weight_decay),
        adjustment_(options.muon_adjust_lr_fn),
        means_(zeros_for(matrices_)) {}

  void update(const Step& step) override {
    for_tensors(matrices_, step, [&](size_t i, at::Tensor& values, const at::Tensor& gradient) {
      means_[i].lerp_(gradient, 1 - momentum_);
      const auto ahead = gradient.lerp(means_[i], momentum_);
      if (matrices_[i]->decay) values.mul_(1 - step.learning_rate * weight_decay_);
      values.sub_(orthogonalised(ahead, product_dtype(ahead)),
                  step.learning_rate * adjustment(values.size(0), values.size(1)));
    });
  }

  NamedTensors state() const override {
    NamedTensors named;
    append_named(named, "momentum", matrices_, means_);
    return named;
  }

 private:
  // bfloat16 as torch, or float32 where the processor multiplies that faster.
  static at::ScalarType product_dtype(const at::Tensor& matrix) {
    const auto wide = matrix.size(0) > matrix.size(1) ? matrix.t() : matrix;
    return ops::multiplied_as_float(wide.to(at::kBFloat16)) ? at::kFloat : at::kBFloat16;
  }

  double adjustment(int64_t rows, int64_t columns) const {
    const auto R = static_cast<double>(rows), C = static_cast<double>(columns);
    return adjustment_ == MuonAdjustment::kOriginal ? std::sqrt(std::max(1.0, R / C))
                                                    : 0.2 * std::sqrt(std::max(R, C));
  }

  Weights matrices_;
  double momentum_, weight_decay_;
  MuonAdjustment adjustment_;
  std::vector<at::Tensor> means_;
};

}  // namespace

at::Tensor orthogonalised(const at::Tensor& matrix, at::ScalarType dtype) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;  // steepest at zero
  constexpr double kEpsilon = 1e-7;
  constexpr int kSteps = 5;
  const bool tall = matrix.size(0) > matrix.size(1);
  auto x = (tall ? matrix.t() : matrix).to(dtype);
  x = x / x.norm().clamp_min(kEpsilon);  // so that no singular value is above 1
  for (int i = 0; i < kSteps; ++i) {
    const auto gram = at::mm(x, x.t());
    x = at::addmm(x, at::addmm(gram, gram, gram, b, c), x, a);
  }
  return tall ? x.t() : x;
}

std::unique_ptr<UpdateRule> make_muon(Weights weights, const TrainOptions& options) {
  const auto rest = std::stable_partition(weights.begin(), weights.end(), [](const Weight* w) {
    return w->parameter.dim() == 2 && !w->embedding;
  });
  return both(std::make_unique<Muon>(Weights(weights.begin(), rest), options),
              make_adamw(Weights(rest, weights.end()), options));
}

}  // namespace tunewright::train
