#include <ATen/ops/zeros.h>

#include <algorithm>

#include "tunewright/train/optimizers/adamw.h"
#include "tunewright/train/optimizers/pass.h"

// As bitsandbytes' AdamW8bit: tensors of fewer than 4096 numbers, and embeddings (which
// transformers excepts), keep float32 states.
namespace tunewright::train {
namespace {

using ops::kernels::kQuantizedBlock;
using plain::Quantized;

constexpr int64_t kSmallest = 4096;

Quantized quantized_zeros(const at::Tensor& parameter) {
  const int64_t blocks = (parameter.numel() + kQuantizedBlock - 1) / kQuantizedBlock;
  return {.codes = at::zeros(parameter.sizes(), parameter.options().dtype(at::kByte)),
          .largest = at::zeros({blocks}, parameter.options().dtype(at::kFloat))};
}

class AdamW8bit final : public UpdateRule {
 public:
  AdamW8bit(Weights weights, TrainOptions options)
      : weights_(std::move(weights)), options_(std::move(options)) {
    for (const auto* weight : weights_) {
      means_.push_back(quantized_zeros(weight->parameter));
      squares_.push_back(quantized_zeros(weight->parameter));
    }
  }

  void update(const Step& step) override {
    if (on_host(weights_)) return update_pieces(step);
    for_tensors(weights_, step, [&](size_t i, at::Tensor& values, const at::Tensor& gradient) {
      auto mean = plain::dequantize(means_[i], /*with_sign=*/true).view_as(values),
           square = plain::dequantize(squares_[i], /*with_sign=*/false).view_as(values);
      plain::adamw_(values, gradient, mean, square, adamw_options(options_, step, *weights_[i]));
      plain::quantize_(means_[i], mean, /*with_sign=*/true);
      plain::quantize_(squares_[i], square, /*with_sign=*/false);
    });
  }

  NamedTensors state() const override {
    NamedTensors named;
    for (size_t i = 0; i < weights_.size(); ++i) {
      const auto& name = weights_[i]->name;
      named.emplace_back("mean_codes." + name, means_[i].codes);
      named.emplace_back("mean_largest." + name, means_[i].largest);
      named.emplace_back("mean_square_codes." + name, squares_[i].codes);
      named.emplace_back("mean_square_largest." + name, squares_[i].largest);
    }
    return named;
  }

 private:
  void update_pieces(const Step& step) {
    static_assert(kPiece % kQuantizedBlock == 0);
    std::vector<ops::kernels::AdamwStep> steps;
    for (const auto* weight : weights_)
      steps.push_back(adamw_step(adamw_options(options_, step, *weight), step.gradient_scale));
    for_pieces(weights_, step, [&](const Piece& piece) {
      for (int64_t i = 0; i < piece.size; i += kQuantizedBlock) {
        ops::kernels::adamw_8bit_row(piece.values + i, piece.gradient + i,
                                     block(means_[piece.index], piece.begin + i),
                                     block(squares_[piece.index], piece.begin + i),
                                     std::min(kQuantizedBlock, piece.size - i), steps[piece.index]);
      }
    });
  }

  static ops::kernels::QuantizedBlock block(const Quantized& state, int64_t begin) {
    return {.codes = state.codes.mutable_data_ptr<uint8_t>() + begin,
            .largest = state.largest.mutable_data_ptr<float>() + begin / kQuantizedBlock};
  }

  Weights weights_;
  TrainOptions options_;
  std::vector<Quantized> means_, squares_;
};

}  // namespace

std::unique_ptr<UpdateRule> make_adamw_8bit(Weights weights, const TrainOptions& options) {
  const auto exact = std::stable_partition(weights.begin(), weights.end(), [](const Weight* w) {
    return w->parameter.numel() >= kSmallest && !w->embedding;
  });
  return both(std::make_unique<AdamW8bit>(Weights(weights.begin(), exact), options),
              make_adamw(Weights(exact, weights.end()), options));
}

}  // namespace tunewright::train
