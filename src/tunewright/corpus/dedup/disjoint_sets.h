#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace tunewright::corpus {

// Union-find in which the smallest member stands for its set.  unite() and find() may be called
// from several threads; what comes out does not depend on their order.
class DisjointSets {
 public:
  explicit DisjointSets(uint32_t size) : parents_(std::make_unique<std::atomic<uint32_t>[]>(size)) {
    for (uint32_t i = 0; i < size; ++i) parents_[i].store(i, std::memory_order_relaxed);
  }

  uint32_t find(uint32_t item) const {
    for (;;) {
      const auto parent = parents_[item].load(std::memory_order_relaxed);
      if (parent == item) return item;
      // Parents only ever become smaller, so a stale grandparent is still an ancestor.
      const auto grandparent = parents_[parent].load(std::memory_order_relaxed);
      if (grandparent != parent) shorten(item, parent, grandparent);
      item = grandparent;
    }
  }

  void unite(uint32_t a, uint32_t b) {
    for (;;) {
      a = find(a);
      b = find(b);
      if (a == b) return;
      if (a > b) std::swap(a, b);
      auto expected = b;  // still a root?
      if (parents_[b].compare_exchange_strong(expected, a)) return;
    }
  }

 private:
  void shorten(uint32_t item, uint32_t parent, uint32_t grandparent) const {
    parents_[item].compare_exchange_weak(parent, grandparent, std::memory_order_relaxed);
  }

  std::unique_ptr<std::atomic<uint32_t>[]> parents_;
};

}  // namespace tunewright::corpus
