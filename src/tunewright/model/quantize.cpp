#include "tunewright/model/quantize.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/model/convert/gguf_blocks.h"
#include "tunewright/ops/quantized.h"

namespace tunewright::model {

LinearStorage linear_storage(Quantization quantization, at::ScalarType dtype,
                             const std::filesystem::path& folder) {
  switch (quantization) {
    case Quantization::kNone:
      break;
    case Quantization::kInt8:
      return [](const std::string&, const at::Tensor& stored) -> ops::Weight {
        return ops::QuantizedPointer(ops::Int8Matrix::quantize(stored));
      };
    case Quantization::kNf4:
      return [](const std::string&, const at::Tensor& stored) -> ops::Weight {
        return ops::QuantizedPointer(ops::Nf4Matrix::quantize(stored));
      };
    case Quantization::kGguf:
      return gguf_storage(folder / kGgufFile, dtype);
  }
  return [dtype](const std::string&, const at::Tensor& stored) -> ops::Weight {
    return stored.to(dtype).contiguous();
  };
}

QuantizedSize quantized_size(CausalLm& model) {
  QuantizedSize size;
  for (const auto* linear : model.linears()) {
    if (!linear->weight.is_quantized()) continue;
    size.numbers += linear->weight.size(0) * linear->weight.size(1);
    size.bytes += linear->weight.bytes();
  }
  return size;
}

bool is_quantized(CausalLm& model) { return quantized_size(model).numbers > 0; }

int64_t weight_bytes(CausalLm& model) {
  int64_t bytes = quantized_size(model).bytes;
  for (const auto& parameter : model.base_parameters())
    bytes += static_cast<int64_t>(parameter.tensor.nbytes());
  return bytes;
}

Json quantization_json(Quantization quantization) {
  if (quantization == Quantization::kNone) return nullptr;
  const auto* found = std::ranges::find(kQuantizationNames, quantization,
                                        &std::pair<const char*, Quantization>::second);
  TUNEWRIGHT_ASSERT(found != kQuantizationNames.end());
  return found->first;
}

}  // namespace tunewright::model
