#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/dedup/near_duplicates.h"
#include "tunewright/corpus/split/assign.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class NearDuplicatesOfSplit { kTogether, kReport, kIgnore };
inline constexpr std::array kNearDuplicatesOfSplitNames = {
    std::pair{"together", NearDuplicatesOfSplit::kTogether},
    std::pair{"report", NearDuplicatesOfSplit::kReport},
    std::pair{"ignore", NearDuplicatesOfSplit::kIgnore}};

struct SplitOptions {
  double train = 0.8, validation = 0.1, test = 0.1;
  std::string stratify, group, time;  // fields; empty: none
  std::string field = "split";
  NearDuplicatesOfSplit near_duplicates = NearDuplicatesOfSplit::kTogether;
  NearDuplicateOptions minhash;
  int64_t seed = 42;
};

template <class V>
void fields(V& v, SplitOptions& o) {
  v("train", o.train, "Share of the rows for training.");
  v("validation", o.validation, "Share for validation, rounded up; 0: none.");
  v("test", o.test, "Share for the test, rounded up; 0: none.");
  v("stratify", o.stratify, "Field whose values have the same shares in each split.");
  v("group", o.group, "Field whose values are each in one split alone.");
  v("time", o.time, "Field with a date (ISO 8601) or number: the latest rows are the test.");
  v("field", o.field, "Field of the row that gets the name of its split.");
  v.choice("near_duplicates", o.near_duplicates, kNearDuplicatesOfSplitNames,
           "Rows with nearly the same text: in one split, only counted, or not looked for.");
  v("minhash", o.minhash, "How they are found.");
  v("seed", o.seed, "Of the random choice.");
}

// Writes into each row whether it is for training, validation or the test.
class Split final : public Step {
 public:
  explicit Split(const SplitOptions& options);

  void prepare(const StepResources& resources) override;
  bool reads_ahead() const override { return true; }
  int64_t passes() const override { return duplicates_ ? duplicates_->passes() : 1; }
  bool wants(int64_t row) const override { return !duplicates_ || duplicates_->wants(row); }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Fields;

  void assign();
  uint32_t first_of_cluster(uint32_t row) const;

  SplitOptions options_;
  std::optional<NearDuplicates> duplicates_;
  StepResources resources_;
  int64_t reading_ = 0;

  // Of the rows that are assigned.
  RowSet rows_;
  std::vector<uint32_t> strata_;
  std::vector<double> times_;
  std::map<std::string, uint32_t> stratum_names_;
  std::optional<Repeats> groups_;
  std::vector<uint8_t> splits_;
  int64_t units_ = 0;
};

}  // namespace tunewright::corpus
