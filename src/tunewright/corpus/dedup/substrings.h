#pragma once
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/dedup/suffix_repeats.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

inline constexpr std::array kKeepNames = {std::pair{"first", RepeatShard::Keep::kFirst},
                                          std::pair{"none", RepeatShard::Keep::kNone}};

struct SubstringOptions {
  int64_t min_bytes = 100;
  RepeatShard::Keep keep = RepeatShard::Keep::kFirst;
  std::string shard = "128MiB";
};

template <class V>
void fields(V& v, SubstringOptions& o) {
  v("min_bytes", o.min_bytes, "Fewest bytes of a substring that is removed where it repeats.");
  v.choice("keep", o.keep, kKeepNames,
           "What stays of a repeated substring: its first occurrence, or none.");
  v("shard", o.shard, "Text that is searched at a time; it takes 5.3 times the memory.");
}

// Removes substrings that occur twice or more among the rows of a shard: consecutive rows of about
// so many bytes.  A row of which nothing is left is dropped; in a row with several texts (a
// dialogue), a text of which nothing would be left stays as it is.
class DedupSubstrings final : public Step {
 public:
  explicit DedupSubstrings(const SubstringOptions& options);

  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Texts;
  struct Removal {
    uint32_t row = 0, text = 0;  // the text's number in the row
    ByteRange range;
  };

  void finish_shard();

  SubstringOptions options_;
  int64_t shard_bytes_;
  RepeatShard shard_;
  std::vector<std::pair<uint32_t, uint32_t>> places_;  // of the shard's texts: row and number
  std::vector<Removal> removals_;                      // in the order of the input
  int64_t shards_ = 0, removed_bytes_ = 0;
};

}  // namespace tunewright::corpus
