// The back-end of a build without CUDA.
#include "tunewright/base/error.h"
#include "tunewright/ops/cuda/device_ops.h"

namespace tunewright::ops::cuda {
namespace {

[[noreturn]] void absent() {
  throw InternalError("a tensor on a CUDA device in a build without CUDA (TUNEWRIGHT_CUDA=OFF)");
}

}  // namespace

at::Tensor rms_norm(const at::Tensor&, const at::Tensor&, double) { absent(); }
RmsNormGradients rms_norm_backward(const at::Tensor&, const at::Tensor&, const at::Tensor&, double,
                                   bool) {
  absent();
}
at::Tensor rotary(const at::Tensor&, const at::Tensor&, const at::Tensor&, float) { absent(); }
at::Tensor swiglu(const at::Tensor&, const at::Tensor&) { absent(); }
SwigluGradients swiglu_backward(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  absent();
}
at::Tensor cross_entropy_rows_(at::Tensor&, const at::Tensor&, const at::Tensor&, bool) {
  absent();
}
at::Tensor dropout(const at::Tensor&, double, uint64_t, const at::Tensor&) { absent(); }
at::Tensor span_attention(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                          std::span<const int64_t>, double, int64_t) {
  absent();
}
at::Tensor cached_attention(const at::Tensor&, const at::Tensor&, const at::Tensor&, double,
                            int64_t) {
  absent();
}
void decode_nf4(const Nf4Matrix::Parts&, const Nf4Tables&, int64_t, at::Tensor&) { absent(); }
void decode_int8(const Int8Matrix::Parts&, int64_t, at::Tensor&) { absent(); }
void stochastic_round_(at::Tensor&, const at::Tensor&, const kernels::RandomBlocks&) { absent(); }
int64_t peak_memory_bytes() { absent(); }
int compute_capability(at::Device) { absent(); }

}  // namespace tunewright::ops::cuda
