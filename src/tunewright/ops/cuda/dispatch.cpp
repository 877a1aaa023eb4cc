#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/cuda/kernels.h"

namespace tunewright::ops::cuda {
namespace {

Number number_of(const at::Tensor& x) {
  switch (x.scalar_type()) {
    case at::kFloat:
      return Number::kFloat32;
    case at::kBFloat16:
      return Number::kBFloat16;
    case at::kHalf:
      return Number::kFloat16;
    default:
      throw InternalError(str("no CUDA kernel for ", at::toString(x.scalar_type())));
  }
}

// The device of `x` and its current stream, as long as the object lives.
class OnDevice {
 public:
  explicit OnDevice(const at::Tensor& x)
      : guard_(x.device()), stream_(c10::cuda::getCurrentCUDAStream(x.device().index())) {}
  Stream stream() const { return stream_.stream(); }

 private:
  c10::cuda::CUDAGuard guard_;
  c10::cuda::CUDAStream stream_;
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  const OnDevice device(x);
  const auto out = at::empty_like(x);
  const int64_t D = x.size(-1);
  rms_norm(number_of(x),
           RmsNorm{.x = x.const_data_ptr(),
                   .weight = weight.const_data_ptr(),
                   .out = out.mutable_data_ptr(),
                   .rows = x.numel() / D,
                   .width = D,
                   .epsilon = static_cast<float>(epsilon)},
           device.stream());
  return out;
}

RmsNormGradients rms_norm_backward(const at::Tensor& dy, const at::Tensor& x,
                                   const at::Tensor& weight, double epsilon, bool weight_needed) {
  const OnDevice device(x);
  const int64_t D = x.size(-1), rows = x.numel() / D;
  const int64_t groups = (rows + kRowsPerPartial - 1) / kRowsPerPartial;
  const auto float_options = x.options().dtype(at::kFloat);
  const auto dx = at::empty_like(x), rstd = at::empty({rows}, float_options);
  const auto partials = weight_needed ? at::empty({groups, D}, float_options) : at::Tensor();
  const auto dweight = weight_needed ? at::zeros({D}, float_options) : at::Tensor();
  rms_norm_backward(
      number_of(x),
      RmsNormBackward{.dy = dy.const_data_ptr(),
                      .x = x.const_data_ptr(),
                      .weight = weight.const_data_ptr(),
                      .dx = dx.mutable_data_ptr(),
                      .rstd = rstd.mutable_data_ptr<float>(),
                      .partials = weight_needed ? partials.mutable_data_ptr<float>() : nullptr,
                      .dweight = weight_needed ? dweight.mutable_data_ptr<float>() : nullptr,
                      .rows = rows,
                      .width = D,
                      .epsilon = static_cast<float>(epsilon)},
      device.stream());
  return {dx, weight_needed ? dweight.to(weight.scalar_type()) : at::Tensor()};
}

at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                  float sign) {
  const OnDevice device(x);
  const auto out = at::empty_like(x);
  rotary(number_of(x),
         Rotary{.x = x.const_data_ptr(),
                .cosine = cosine.const_data_ptr<float>(),
                .sine = sine.const_data_ptr<float>(),
                .out = out.mutable_data_ptr(),
                .tokens = x.size(0),
                .heads = x.size(1),
                .half = x.size(2) / 2,
                .sign = sign},
         device.stream());
  return out;
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  const OnDevice device(gate);
  const auto out = at::empty_like(gate);
  swiglu(number_of(gate),
         Swiglu{.gate = gate.const_data_ptr(),
                .up = up.const_data_ptr(),
                .out = out.mutable_data_ptr(),
                .size = gate.numel()},
         device.stream());
  return out;
}

SwigluGradients swiglu_backward(const at::Tensor& dy, const at::Tensor& gate,
                                const at::Tensor& up) {
  const OnDevice device(gate);
  const auto dgate = at::empty_like(gate), dup = at::empty_like(up);
  swiglu_backward(number_of(gate),
                  SwigluBackward{.dy = dy.const_data_ptr(),
                                 .gate = gate.const_data_ptr(),
                                 .up = up.const_data_ptr(),
                                 .dgate = dgate.mutable_data_ptr(),
                                 .dup = dup.mutable_data_ptr(),
                                 .size = gate.numel()},
                  device.stream());
  return {dgate, dup};
}

at::Tensor cross_entropy_rows_(at::Tensor& logits, const at::Tensor& labels,
                               const at::Tensor& weights, bool gradient) {
  TUNEWRIGHT_ASSERT(logits.is_contiguous() && logits.scalar_type() == at::kFloat);
  const OnDevice device(logits);
  const auto losses = at::empty({logits.size(0)}, logits.options());
  cross_entropy({.logits = logits.mutable_data_ptr<float>(),
                 .labels = labels.const_data_ptr<int64_t>(),
                 .weights = weights.const_data_ptr<float>(),
                 .losses = losses.mutable_data_ptr<float>(),
                 .rows = logits.size(0),
                 .width = logits.size(1),
                 .gradient = gradient},
                device.stream());
  return losses;
}

at::Tensor dropout(const at::Tensor& x, double p, uint64_t seed, const at::Tensor& mask_rows) {
  const OnDevice device(x);
  const auto out = at::empty_like(x);
  dropout(Dropout{.x = x.const_data_ptr<float>(),
                  .out = out.mutable_data_ptr<float>(),
                  .mask_rows = mask_rows.defined() ? mask_rows.const_data_ptr<int64_t>() : nullptr,
                  .rows = x.size(0),
                  .width = x.size(1),
                  .seed = seed,
                  .p = static_cast<float>(p)},
          device.stream());
  return out;
}

void decode_nf4(const Nf4Matrix::Parts& parts, const Nf4Tables& tables, int64_t begin,
                at::Tensor& out) {
  const OnDevice device(out);
  decode_nf4(number_of(out),
             {.codes = parts.codes.const_data_ptr<uint8_t>(),
              .absmax_codes = parts.absmax_codes.const_data_ptr<uint8_t>(),
              .absmax_scales = parts.absmax_scales.const_data_ptr<float>(),
              .levels = tables.levels.const_data_ptr<float>(),
              .absmax_levels = tables.absmax_levels.const_data_ptr<float>(),
              .absmax_mean = parts.absmax_mean},
             begin * out.size(1), out.numel(), out.mutable_data_ptr(), device.stream());
}

void decode_int8(const Int8Matrix::Parts& parts, int64_t begin, at::Tensor& out) {
  const OnDevice device(out);
  decode_int8(number_of(out),
              {.codes = parts.codes.const_data_ptr<int8_t>() + begin * out.size(1),
               .absmax = parts.absmax.const_data_ptr<float>() + begin,
               .rows = out.size(0),
               .width = out.size(1)},
              out.mutable_data_ptr(), device.stream());
}

void stochastic_round_(at::Tensor& out, const at::Tensor& x, const kernels::RandomBlocks& random) {
  TUNEWRIGHT_ASSERT(out.scalar_type() == at::kBFloat16 && out.is_contiguous() && x.is_contiguous());
  const OnDevice device(x);
  stochastic_round({.x = x.const_data_ptr<float>(),
                    .out = static_cast<uint16_t*>(out.mutable_data_ptr()),
                    .size = x.numel(),
                    .seed = random.seed,
                    .random_stream = random.stream,
                    .first_block = random.first},
                   device.stream());
}

int64_t peak_memory_bytes() {
  namespace allocator = c10::cuda::CUDACachingAllocator;
  const auto stats = allocator::getDeviceStats(c10::cuda::current_device());
  return stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

int compute_capability(at::Device device) {
  int major = 0, minor = 0;
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index()));
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device.index()));
  return 10 * major + minor;
}

}  // namespace tunewright::ops::cuda
