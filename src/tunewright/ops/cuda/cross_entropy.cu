#include "tunewright/ops/cuda/launch.cuh"

namespace tunewright::ops::cuda {
namespace {

constexpr int kRowThreads = 512;  // rows are a vocabulary wide

// A block for each row, which is read twice and written once.
__global__ void cross_entropy_kernel(CrossEntropy rows) {
  const int64_t index = blockIdx.x, width = rows.width, label = rows.labels[index];
  float* row = rows.logits + index * width;
  const int lane = static_cast<int>(threadIdx.x);
  const float weight = rows.weights[index];
  const auto sum = merged_over_team<kRowThreads>(exp_sum_of_lane(row, width, lane, kRowThreads),
                                                 [](ExpSum a, ExpSum b) { return merged(a, b); });
  const float normaliser = log_of(sum);
  if (lane == 0) rows.losses[index] = row_loss(row, width, label, normaliser, weight);
  if (!rows.gradient) return;
  __syncthreads();  // the label's logit has been read
  logit_gradient_of_lane(row, width, label, normaliser, weight, lane, kRowThreads);
}

}  // namespace

void cross_entropy(const CrossEntropy& rows, Stream stream) {
  if (rows.rows == 0) return;
  start(Launch{"cross_entropy", rows.rows, kRowThreads, stream}, cross_entropy_kernel, rows);
}

}  // namespace tunewright::ops::cuda
