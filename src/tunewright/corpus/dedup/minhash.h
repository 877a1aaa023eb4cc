#pragma once
#include "tunewright/corpus/dedup/near_duplicates.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// Drops each row that is nearly the same as an earlier one; the first of a cluster stays.
class DedupMinhash final : public Step {
 public:
  explicit DedupMinhash(const NearDuplicateOptions& options) : duplicates_(options, false) {}

  void prepare(const StepResources& resources) override { duplicates_.prepare(resources); }
  bool reads_ahead() const override { return true; }
  int64_t passes() const override { return duplicates_.passes(); }
  bool wants(int64_t row) const override { return duplicates_.wants(row); }
  std::unique_ptr<Notes> read(const Batch& batch) const override { return duplicates_.read(batch); }
  void collect(std::unique_ptr<Notes> notes) override { duplicates_.collect(*notes); }
  void decide(Reporter& reporter) override { duplicates_.decide(reporter); }
  std::optional<Verdict> verdict_unseen(int64_t row) const override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override { return duplicates_.summary(); }

 private:
  NearDuplicates duplicates_;
};

}  // namespace tunewright::corpus
