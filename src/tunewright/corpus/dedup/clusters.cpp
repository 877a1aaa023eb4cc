#include "tunewright/corpus/dedup/clusters.h"

#include <algorithm>

namespace tunewright::corpus {
namespace {

constexpr size_t kListedClusters = 20, kListedRows = 10;

}  // namespace

void ClusterList::add(uint32_t first, uint32_t row) {
  if (pass_ == 0) {
    firsts_.insert(first);
    ++duplicates_;
  } else if (pass_ == 1) {
    ++others_[firsts_.index(first)];
  } else if (const auto it = largest_.find(first); it != largest_.end()) {
    it->second.rows.push_back(row);
  }
}

void ClusterList::finish_pass() {
  if (pass_ == 0) {
    firsts_.freeze();
    others_.resize(firsts_.size());
  } else if (pass_ == 1) {
    std::vector<std::pair<uint32_t, uint32_t>> sizes;  // of all but one row, and the first row
    firsts_.for_each(
        [&](uint32_t first) { sizes.emplace_back(others_[firsts_.index(first)], first); });
    const auto listed = std::min(kListedClusters, sizes.size());
    std::ranges::partial_sort(sizes, sizes.begin() + static_cast<ptrdiff_t>(listed),
                              [](const auto& a, const auto& b) {
                                return a.first != b.first ? a.first > b.first : a.second < b.second;
                              });
    for (const auto& [others, first] : std::span(sizes).first(listed))
      largest_[first] = {.size = 1 + int64_t{others}, .rows = {}};
  } else {
    for (auto& [first, cluster] : largest_) {
      cluster.rows.push_back(first);
      std::ranges::sort(cluster.rows);
      cluster.rows.resize(std::min(kListedRows, cluster.rows.size()));
    }
  }
}

Json ClusterList::summary() const {
  std::vector<const Listed*> order;
  for (const auto& [first, cluster] : largest_) order.push_back(&cluster);
  std::ranges::stable_sort(order, std::greater<>(), [](const Listed* c) { return c->size; });
  Json largest = Json::array();
  for (const auto* cluster : order)
    largest.push_back({{"size", cluster->size}, {"rows", cluster->rows}});
  return {{"clusters", firsts_.size()}, {"duplicates", duplicates_}, {"largest_clusters", largest}};
}

}  // namespace tunewright::corpus
