#include <type_traits>

#include "tunewright/ops/cuda/launch.cuh"

namespace tunewright::ops::cuda {
namespace {

// Rows up to this width are a warp's, several to a block (heads that are normed); wider ones a
// block's.
constexpr int64_t kWidestOfAWarp = 512;

template <int kLanes>
__device__ int64_t row_of_team() {
  constexpr int kTeams = kThreads / kLanes;
  return static_cast<int64_t>(blockIdx.x) * kTeams + threadIdx.x / kLanes;
}

template <class T, int kLanes>
__global__ void norm_kernel(RmsNorm norm) {
  const int64_t row = row_of_team<kLanes>();
  if (row >= norm.rows) return;  // whole warps: a block's row is always there
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const T* x = static_cast<const T*>(norm.x) + row * norm.width;
  const float squares = team_sum<kLanes>(squares_of_lane(x, norm.width, lane, kLanes));
  norm_of_lane(x, static_cast<const T*>(norm.weight), static_cast<T*>(norm.out) + row * norm.width,
               norm.width, reciprocal_rms(squares, norm.width, norm.epsilon), lane, kLanes);
}

template <class T, int kLanes>
__global__ void norm_backward_kernel(RmsNormBackward norm) {
  const int64_t row = row_of_team<kLanes>();
  if (row >= norm.rows) return;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const T* x = static_cast<const T*>(norm.x) + row * norm.width;
  const T* dy = static_cast<const T*>(norm.dy) + row * norm.width;
  const T* weight = static_cast<const T*>(norm.weight);
  const float squares = team_sum<kLanes>(squares_of_lane(x, norm.width, lane, kLanes));
  const float products =
      team_sum<kLanes>(projection_of_lane(dy, x, weight, norm.width, lane, kLanes));
  const float rstd = reciprocal_rms(squares, norm.width, norm.epsilon);
  norm_gradient_of_lane(dy, x, weight, static_cast<T*>(norm.dx) + row * norm.width, norm.width,
                        rstd, products, lane, kLanes);
  if (lane == 0) norm.rstd[row] = rstd;
}

// A thread for each column of each group of rows.
template <class T>
__global__ void weight_partials_kernel(RmsNormBackward norm, int64_t partials) {
  for_items(partials * norm.width, [&](int64_t item) {
    const int64_t begin = item / norm.width * kRowsPerPartial, column = item % norm.width;
    norm.partials[item] = weight_gradient_of_column(
        static_cast<const T*>(norm.dy), static_cast<const T*>(norm.x), norm.rstd, norm.width,
        column, begin, begin + kRowsPerPartial < norm.rows ? begin + kRowsPerPartial : norm.rows);
  });
}

__global__ void add_partials_kernel(RmsNormBackward norm, int64_t partials) {
  for_items(norm.width, [&](int64_t column) {
    norm.dweight[column] = column_sum(norm.partials, partials, norm.width, column);
  });
}

// Calls body(std::integral_constant) with the size of a row's team.
template <class Body>
void with_lanes(int64_t width, const Body& body) {
  if (width <= kWidestOfAWarp) return body(std::integral_constant<int, kWarp>{});
  return body(std::integral_constant<int, kThreads>{});
}

}  // namespace

void rms_norm(Number number, const RmsNorm& norm, Stream stream) {
  if (norm.rows == 0) return;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    with_lanes(norm.width, [&](auto lanes) {
      constexpr int kLanes = lanes;
      start(over_rows("rms_norm", norm.rows, kThreads / kLanes, stream), norm_kernel<T, kLanes>,
            norm);
    });
  });
}

void rms_norm_backward(Number number, const RmsNormBackward& norm, Stream stream) {
  if (norm.rows == 0) return;
  const int64_t partials = (norm.rows + kRowsPerPartial - 1) / kRowsPerPartial;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    with_lanes(norm.width, [&](auto lanes) {
      constexpr int kLanes = lanes;
      start(over_rows("rms_norm_backward", norm.rows, kThreads / kLanes, stream),
            norm_backward_kernel<T, kLanes>, norm);
    });
    if (norm.partials != nullptr) {
      start(over_items("rms_norm weight partials", partials * norm.width, stream),
            weight_partials_kernel<T>, norm, partials);
    }
  });
  if (norm.partials != nullptr)
    start(over_items("rms_norm weight gradient", norm.width, stream), add_partials_kernel, norm,
          partials);
}

}  // namespace tunewright::ops::cuda
