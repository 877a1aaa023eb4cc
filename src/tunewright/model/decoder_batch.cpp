#include <ATen/ATen.h>

#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/model/decoder.h"
#include "tunewright/model/kv_cache.h"

//   N tokens of a pass, S sequences, P past tokens of one
namespace tunewright::model {
namespace {

// What is the same for every layer: who reads which tokens.
struct Reading {
  const CachedBatch& batch;
  double scale;

  int64_t begin(size_t i) const { return batch.offsets[i]; }
  int64_t end(size_t i) const { return batch.offsets[i + 1]; }
  bool one_token_each() const { return batch.offsets.back() == std::ssize(batch.caches); }
};

// q [N, H, E], k and v [N, K, E] of a layer -> [N, H, E].
at::Tensor attend(const Reading& reading, size_t layer, int64_t window, const at::Tensor& q,
                  const at::Tensor& k, const at::Tensor& v) {
  const auto& caches = reading.batch.caches;
  std::vector<at::Tensor> keys, values, parts;
  std::vector<int64_t> single;  // rows of the sequences that read one token
  for (size_t i = 0; i < caches.size(); ++i) {
    const auto begin = reading.begin(i), end = reading.end(i);
    auto all = caches[i]->layers().append(layer, k.slice(0, begin, end), v.slice(0, begin, end));
    if (end - begin == 1) {
      single.push_back(begin);
      keys.push_back(std::move(all.keys));
      values.push_back(std::move(all.values));
    } else {
      parts.push_back(ops::cached_attention(q.slice(0, begin, end), all.keys, all.values,
                                            reading.scale, window));
    }
  }
  if (reading.one_token_each()) return ops::row_attention(q, keys, values, reading.scale, window);
  auto out = at::empty_like(q);
  size_t part = 0;
  for (size_t i = 0; i < caches.size(); ++i) {
    if (reading.end(i) - reading.begin(i) > 1)
      out.slice(0, reading.begin(i), reading.end(i)).copy_(parts[part++]);
  }
  if (!single.empty()) {
    const auto rows = at::tensor(single, q.options().dtype(at::kLong));
    out.index_copy_(
        0, rows, ops::row_attention(q.index_select(0, rows), keys, values, reading.scale, window));
  }
  return out;
}

}  // namespace

at::Tensor Decoder::hidden_cached(const CachedBatch& batch) {
  const at::NoGradGuard no_grad;
  const Reading reading{batch, 1.0 / std::sqrt(static_cast<double>(config_.head_dim))};
  TUNEWRIGHT_ASSERT(batch.offsets.size() == batch.caches.size() + 1 && !batch.caches.empty());
  std::vector<int64_t> positions, last;
  for (size_t i = 0; i < batch.caches.size(); ++i) {
    auto& past = batch.caches[i]->layers();
    const auto count = reading.end(i) - reading.begin(i);
    TUNEWRIGHT_ASSERT(count > 0);
    past.reserve(layers_.size(), count, {config_.num_key_value_heads, config_.head_dim},
                 embedding_.options().requires_grad(false));
    for (int64_t j = 0; j < count; ++j) positions.push_back(past.length + j);
    last.push_back(reading.end(i) - 1);
  }
  const auto index = embedding_.options().dtype(at::kLong).requires_grad(false);
  auto pass = make_pass(at::tensor(positions, index));
  pass.dropout = false;
  if (!reading.one_token_each()) pass.wanted = at::tensor(last, index);
  pass.attend = [this, &reading](size_t layer, const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v) {
    return attend(reading, layer, layers_[layer].window, q, k, v);
  };
  const auto x = run(at::embedding(embedding_, batch.ids.to(embedding_.device())), pass);
  for (size_t i = 0; i < batch.caches.size(); ++i)
    batch.caches[i]->layers().length += reading.end(i) - reading.begin(i);
  return x;
}

int64_t Decoder::cache_bytes_per_token() const {
  return 2 * config_.num_layers * config_.num_key_value_heads * config_.head_dim *
         static_cast<int64_t>(embedding_.element_size());
}

}  // namespace tunewright::model
