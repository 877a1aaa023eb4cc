#include "tunewright/ops/saved_weight.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

namespace tunewright::ops {
namespace {

constexpr const char* kKey = "quantized_weight";

struct Holder : torch::CustomClassHolder {
  explicit Holder(QuantizedPointer p) : pointer(std::move(p)) {}
  QuantizedPointer pointer;
};

}  // namespace

void save_quantized(torch::autograd::AutogradContext* ctx, const Weight& weight) {
  if (!weight.is_quantized()) return;
  ctx->saved_data[kKey] =
      c10::IValue::make_capsule(c10::make_intrusive<Holder>(weight.quantized_pointer()));
}

Weight saved_weight(torch::autograd::AutogradContext* ctx, const at::Tensor& variable) {
  const auto it = ctx->saved_data.find(kKey);
  if (it == ctx->saved_data.end()) return variable;
  return c10::static_intrusive_pointer_cast<Holder>(it->second.toCapsule())->pointer;
}

}  // namespace tunewright::ops
