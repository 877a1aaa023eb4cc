#include "tunewright/ops/cuda/launch.cuh"

// Kernels whose numbers do not depend on each other.
namespace tunewright::ops::cuda {
namespace {

// A block for each token.
template <class T>
__global__ void rotary_kernel(Rotary rotary) {
  const int64_t token = blockIdx.x, pairs = rotary.heads * rotary.half;
  const T* x = static_cast<const T*>(rotary.x) + token * 2 * pairs;
  T* out = static_cast<T*>(rotary.out) + token * 2 * pairs;
  const float* cosine = rotary.cosine + token * rotary.half;
  const float* sine = rotary.sine + token * rotary.half;
  for (int64_t pair = threadIdx.x; pair < pairs; pair += blockDim.x)
    rotate_pair(x, cosine, sine, out, pair, rotary.half, rotary.sign);
}

template <class T>
__global__ void swiglu_kernel(Swiglu swiglu) {
  for_items(swiglu.size, [&](int64_t i) {
    round_to(swiglu_of(widen(static_cast<const T*>(swiglu.gate)[i]),
                       widen(static_cast<const T*>(swiglu.up)[i])),
             static_cast<T*>(swiglu.out)[i]);
  });
}

template <class T>
__global__ void swiglu_backward_kernel(SwigluBackward swiglu) {
  for_items(swiglu.size, [&](int64_t i) {
    const auto terms = swiglu_gradient(widen(static_cast<const T*>(swiglu.dy)[i]),
                                       widen(static_cast<const T*>(swiglu.gate)[i]),
                                       widen(static_cast<const T*>(swiglu.up)[i]));
    round_to(terms.gate, static_cast<T*>(swiglu.dgate)[i]);
    round_to(terms.up, static_cast<T*>(swiglu.dup)[i]);
  });
}

// A block for each row.
__global__ void dropout_kernel(Dropout dropout, DropoutRule rule) {
  const int64_t row = blockIdx.x, begin = row * dropout.width;
  const uint64_t seed =
      dropout_row_seed(dropout.seed, dropout.mask_rows != nullptr ? dropout.mask_rows[row] : row);
  for (int64_t i = threadIdx.x; i < dropout.width; i += blockDim.x)
    dropout.out[begin + i] = dropped_out(dropout.x[begin + i], seed, i, rule);
}

__global__ void stochastic_round_kernel(StochasticRound numbers, int64_t blocks) {
  for_items(blocks, [&](int64_t block) { stochastic_round_block(numbers, block); });
}

}  // namespace

void rotary(Number number, const Rotary& rotary, Stream stream) {
  if (rotary.tokens == 0) return;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    start(over_rows("rotary", rotary.tokens, 1, stream), rotary_kernel<T>, rotary);
  });
}

void swiglu(Number number, const Swiglu& swiglu, Stream stream) {
  if (swiglu.size == 0) return;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    start(over_items("swiglu", swiglu.size, stream), swiglu_kernel<T>, swiglu);
  });
}

void swiglu_backward(Number number, const SwigluBackward& swiglu, Stream stream) {
  if (swiglu.size == 0) return;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    start(over_items("swiglu_backward", swiglu.size, stream), swiglu_backward_kernel<T>, swiglu);
  });
}

void dropout(const Dropout& dropout, Stream stream) {
  if (dropout.rows == 0) return;
  start(over_rows("dropout", dropout.rows, 1, stream), dropout_kernel, dropout,
        dropout_rule(dropout.p));
}

void stochastic_round(const StochasticRound& numbers, Stream stream) {
  if (numbers.size == 0) return;
  const int64_t blocks = (numbers.size + kRoundedTogether - 1) / kRoundedTogether;
  start(over_items("stochastic_round", blocks, stream), stochastic_round_kernel, numbers, blocks);
}

}  // namespace tunewright::ops::cuda
