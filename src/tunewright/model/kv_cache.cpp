#include "tunewright/model/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "tunewright/base/error.h"

namespace tunewright::model {

KvCache::KvCache() : layers_(std::make_unique<Layers>()) {}
KvCache::KvCache(KvCache&&) noexcept = default;
KvCache& KvCache::operator=(KvCache&&) noexcept = default;
KvCache::~KvCache() = default;

int64_t KvCache::length() const { return layers_->length; }

void KvCache::truncate(int64_t length) {
  TUNEWRIGHT_ASSERT(length >= 0 && length <= layers_->length);
  layers_->length = length;
}

void KvCache::assign(const KvCache& source, int64_t length) {
  const auto& from = source.layers();
  TUNEWRIGHT_ASSERT(this != &source && length >= 0 && length <= from.length);
  layers_->length = 0;
  if (length > 0) {
    const auto& first = from.keys[0];
    layers_->reserve(from.keys.size(), length, {first.size(1), first.size(2)}, first.options());
    for (size_t i = 0; i < from.keys.size(); ++i) {
      layers_->keys[i].narrow(0, 0, length).copy_(from.keys[i].narrow(0, 0, length));
      layers_->values[i].narrow(0, 0, length).copy_(from.values[i].narrow(0, 0, length));
    }
  }
  layers_->length = length;
}

void KvCache::Layers::reserve(size_t num_layers, int64_t added, at::IntArrayRef token_shape,
                              const at::TensorOptions& options) {
  if (keys.empty()) {
    keys.resize(num_layers);
    values.resize(num_layers);
  }
  TUNEWRIGHT_ASSERT(keys.size() == num_layers);
  const int64_t capacity = keys[0].defined() ? keys[0].size(0) : 0;
  if (length + added <= capacity) return;
  const int64_t grown = std::max<int64_t>({length + added, 2 * capacity, 64});
  for (auto* list : {&keys, &values}) {
    for (auto& tensor : *list) {
      auto larger = at::empty({grown, token_shape[0], token_shape[1]}, options);
      if (length > 0) larger.narrow(0, 0, length).copy_(tensor.narrow(0, 0, length));
      tensor = larger;
    }
  }
}

KvCache::Layers::View KvCache::Layers::append(size_t layer, const at::Tensor& new_keys,
                                              const at::Tensor& new_values) {
  const int64_t added = new_keys.size(0);
  keys[layer].narrow(0, length, added).copy_(new_keys);
  values[layer].narrow(0, length, added).copy_(new_values);
  return {keys[layer].narrow(0, 0, length + added), values[layer].narrow(0, 0, length + added)};
}

}  // namespace tunewright::model
