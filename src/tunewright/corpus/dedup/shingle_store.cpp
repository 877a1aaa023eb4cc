#include "tunewright/corpus/dedup/shingle_store.h"

#include <algorithm>

namespace tunewright::corpus {
namespace {

constexpr int64_t kLoadedElements = 1 << 20;

int64_t common_elements(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  int64_t common = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const auto x = a[i], y = b[j];
    common += x == y ? 1 : 0;  // no branch: which one is smaller cannot be foreseen
    i += x <= y ? 1 : 0;
    j += y <= x ? 1 : 0;
  }
  return common;
}

}  // namespace

void ShingleStore::add(std::span<const uint64_t> set) {
  spool_.append({reinterpret_cast<const char*>(set.data()), set.size_bytes()});
  ends_.push_back(ends_.back() + std::ssize(set));
}

std::vector<uint64_t> ShingleStore::load(uint32_t i) const {
  std::vector<uint64_t> set(static_cast<size_t>(set_size(i)));
  spool_.read(ends_[i] * 8, {reinterpret_cast<char*>(set.data()), set.size() * 8});
  return set;
}

const std::vector<uint64_t>& ShingleReader::get(uint32_t i) {
  const auto [it, is_new] = loaded_.try_emplace(i);
  if (is_new) {
    it->second = store_.load(i);
    loaded_elements_ += std::ssize(it->second);
  }
  return it->second;
}

double ShingleReader::jaccard(uint32_t a, uint32_t b) {
  if (loaded_elements_ > kLoadedElements) {
    loaded_.clear();
    loaded_elements_ = 0;
  }
  const auto& left = get(a);
  const auto& right = get(b);
  const auto common = common_elements(left, right);
  return static_cast<double>(common) /
         static_cast<double>(std::ssize(left) + std::ssize(right) - common);
}

double ShingleReader::jaccard_from(uint32_t a, uint32_t b, double threshold) {
  const auto left = store_.set_size(a), right = store_.set_size(b);
  const double most =
      static_cast<double>(std::min(left, right)) / static_cast<double>(std::max(left, right));
  return most < threshold ? most : jaccard(a, b);
}

}  // namespace tunewright::corpus
