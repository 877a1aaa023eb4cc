#include "tunewright/model/quantize.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/model/convert/gguf_blocks.h"
#include "tunewright/ops/quantized.h"

namespace tunewright::model {
namespace {

ops::QuantizedPointer placed(ops::QuantizedPointer matrix, at::Device device) {
  return device.is_cpu() ? std::move(matrix) : matrix->copy_on(device);
}

}  // namespace

LinearStorage linear_storage(Quantization quantization, const at::TensorOptions& options,
                             const std::filesystem::path& folder) {
  const auto device = options.device();
  switch (quantization) {
    case Quantization::kNone:
      break;
    case Quantization::kInt8:
      return [device](const std::string&, const at::Tensor& stored) -> ops::Weight {
        return placed(ops::Int8Matrix::quantize(stored), device);
      };
    case Quantization::kNf4:
      return [device](const std::string&, const at::Tensor& stored) -> ops::Weight {
        return placed(ops::Nf4Matrix::quantize(stored), device);
      };
    case Quantization::kGguf:
      if (!device.is_cpu()) {
        throw UserError(
            "model.quantization: the blocks of a GGUF file are decoded on the processor only; set "
            "model.device: cpu, or model.quantization to nf4 or int8");
      }
      return gguf_storage(folder / kGgufFile, c10::typeMetaToScalarType(options.dtype()));
  }
  return [options](const std::string&, const at::Tensor& stored) -> ops::Weight {
    return stored.to(options).contiguous();
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
