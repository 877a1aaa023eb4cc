#pragma once
#include <array>
#include <string>
#include <utility>

#include "tunewright/corpus/dedup/repeats.h"
#include "tunewright/corpus/dedup/row_set.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class SameText { kBytes, kSpace, kCase, kWords };
inline constexpr std::array kSameTextNames = {
    std::pair{"bytes", SameText::kBytes}, std::pair{"space", SameText::kSpace},
    std::pair{"case", SameText::kCase}, std::pair{"words", SameText::kWords}};

struct ExactOptions {
  SameText same = SameText::kBytes;
  std::string memory = "512MiB";
};

template <class V>
void fields(V& v, ExactOptions& o) {
  v.choice("same", o.same, kSameTextNames,
           "What makes two texts the same: all bytes; all but white space at the ends and its "
           "amount; that in lower case; or their lower-cased words alone.");
  v("memory", o.memory, "Most memory of the table, 24 bytes a row; what is more goes to disk.");
}

// Drops each row whose text an earlier one has, by xxHash128.
class DedupExact final : public Step {
 public:
  explicit DedupExact(const ExactOptions& options);

  void prepare(const StepResources& resources) override;
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  std::optional<Verdict> verdict_unseen(int64_t row) const override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Keys;
  SameText same_;
  int64_t memory_bytes_;
  int64_t workers_ = 1;
  std::optional<Repeats> repeats_;
  RowSet read_, repeated_;
  std::vector<uint32_t> first_;  // of each repeated row
};

}  // namespace tunewright::corpus
