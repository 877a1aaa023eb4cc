#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/dedup/row_set.h"

namespace tunewright::corpus {

// Counts clusters, and lists the largest ones with their first rows.
class ClusterList {
 public:
  // `first` is the cluster's first row, `row` another one of it.  Called for all rows of all
  // clusters by `for_all`, three times over, in any order.
  template <class ForAll>
  void count(const ForAll& for_all) {
    for (pass_ = 0; pass_ < 3; ++pass_) {
      for_all();
      finish_pass();
    }
  }
  void add(uint32_t first, uint32_t row);

  // {"clusters", "duplicates", "largest_clusters": [{"size", "rows": […]}]}
  Json summary() const;

 private:
  void finish_pass();

  int pass_ = 0;
  RowSet firsts_;
  std::vector<uint32_t> others_;  // of each cluster
  int64_t duplicates_ = 0;
  struct Listed {
    int64_t size = 0;
    std::vector<uint32_t> rows;
  };
  std::map<uint32_t, Listed> largest_;
};

}  // namespace tunewright::corpus
