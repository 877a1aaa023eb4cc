#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/ops/kernels.h"
#include "tunewright/ops/ops.h"

//   S sequences, P past tokens of one, G query heads of a key head
namespace tunewright::ops {
namespace {

// Tokens of a cache [tokens, K, E] that the kernel reads in place: float32, a token after the
// other.
bool readable(const at::Tensor& cache) {
  return cache.is_cpu() && cache.scalar_type() == at::kFloat && cache.is_contiguous();
}

// Of one sequence, as the kernel sees it.
struct Row {
  const float *query, *keys, *values;
  float* out;
  int64_t seen;  // the last so many tokens
};

struct Shape {
  int64_t key_heads, group, width;
  int64_t token() const { return key_heads * width; }  // numbers of a token of the cache
};

void attend(const Row& row, const Shape& shape, int64_t key_head, float scale) {
  std::vector<float> weights(static_cast<size_t>(row.seen));
  const int64_t offset = key_head * shape.width;
  for (int64_t head = key_head * shape.group; head < (key_head + 1) * shape.group; ++head) {
    kernels::scaled_dots(row.query + head * shape.width, row.keys + offset, shape.token(),
                         shape.width, scale, weights.data(), row.seen);
    kernels::softmax_row(weights.data(), row.seen);
    kernels::weighted_sum(weights.data(), row.values + offset, shape.token(), shape.width,
                          row.out + head * shape.width, row.seen);
  }
}

}  // namespace

at::Tensor row_attention(const at::Tensor& q, std::span<const at::Tensor> keys,
                         std::span<const at::Tensor> values, double scale, int64_t window) {
  const int64_t S = q.size(0);
  TUNEWRIGHT_ASSERT(q.dim() == 3 && std::ssize(keys) == S && std::ssize(values) == S && S > 0);
  const bool in_place = readable(q.contiguous()) && std::ranges::all_of(keys, readable) &&
                        std::ranges::all_of(values, readable);
  if (!in_place) {
    std::vector<at::Tensor> parts;
    for (int64_t i = 0; i < S; ++i) {
      const auto at = static_cast<size_t>(i);
      parts.push_back(cached_attention(q.slice(0, i, i + 1), keys[at], values[at], scale, window));
    }
    return at::cat(parts);
  }
  const auto queries = q.contiguous();
  auto out = at::empty(queries.sizes(), queries.options());
  const Shape shape{keys[0].size(1), q.size(1) / keys[0].size(1), q.size(2)};
  std::vector<Row> rows;
  for (int64_t i = 0; i < S; ++i) {
    const auto& key = keys[static_cast<size_t>(i)];
    const int64_t tokens = key.size(0);
    const int64_t seen = window > 0 ? std::min(window, tokens) : tokens;
    const int64_t from = (tokens - seen) * shape.token(), at = i * q.size(1) * shape.width;
    rows.push_back({queries.const_data_ptr<float>() + at, key.const_data_ptr<float>() + from,
                    values[static_cast<size_t>(i)].const_data_ptr<float>() + from,
                    out.mutable_data_ptr<float>() + at, seen});
  }
  at::parallel_for(0, S * shape.key_heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      attend(rows[static_cast<size_t>(i / shape.key_heads)], shape, i % shape.key_heads,
             static_cast<float>(scale));
    }
  });
  return out;
}

}  // namespace tunewright::ops
