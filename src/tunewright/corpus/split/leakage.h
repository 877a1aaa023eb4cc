#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/dedup/near_duplicates.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// {"train-test": 3, …}: rows of the second split whose cluster has a row in the first.  Of each row
// the first one of its cluster, and the number of its split; splits without a name do not count.
Json count_leaks(std::span<const uint32_t> firsts, std::span<const uint8_t> splits,
                 std::span<const std::string> names);

enum class LeakedRows { kReport, kDrop };
inline constexpr std::array kLeakedRowsNames = {std::pair{"report", LeakedRows::kReport},
                                                std::pair{"drop", LeakedRows::kDrop}};

struct LeakageOptions {
  std::string field = "split";
  std::vector<std::string> splits = {"train", "validation", "test"};
  LeakedRows leaked = LeakedRows::kReport;
  NearDuplicateOptions minhash;
};

template <class V>
void fields(V& v, LeakageOptions& o) {
  v("field", o.field, "Field of the row that names its split.");
  v("splits", o.splits,
    "Their names; a row must not be nearly the same as one of an earlier name.");
  v.choice("leaked", o.leaked, kLeakedRowsNames,
           "Rows that are: counted in the summary, or dropped as well.");
  v("minhash", o.minhash, "How they are found.");
}

// Looks for rows of one split that another one has nearly the same of.  Rows of no listed split are
// left alone.
class Leakage final : public Step {
 public:
  explicit Leakage(const LeakageOptions& options);

  void prepare(const StepResources& resources) override { duplicates_.prepare(resources); }
  bool reads_ahead() const override { return true; }
  int64_t passes() const override { return duplicates_.passes(); }
  bool wants(int64_t row) const override { return duplicates_.wants(row); }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  std::optional<Verdict> verdict_unseen(int64_t row) const override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Splits;

  uint32_t first_of_cluster(uint32_t row) const;

  LeakageOptions options_;
  NearDuplicates duplicates_;
  int64_t reading_ = 0;
  RowSet rows_;                  // that were read
  std::vector<uint8_t> splits_;  // of each
  // Of each cluster, by the number of its first row: its row in the earliest split.
  std::vector<uint32_t> earliest_;
};

}  // namespace tunewright::corpus
