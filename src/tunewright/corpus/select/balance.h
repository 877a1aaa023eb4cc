#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class BalanceMethod { kOversample, kUndersample, kTemperature, kWeights };
inline constexpr std::array kBalanceNames = {std::pair{"oversample", BalanceMethod::kOversample},
                                             std::pair{"undersample", BalanceMethod::kUndersample},
                                             std::pair{"temperature", BalanceMethod::kTemperature},
                                             std::pair{"weights", BalanceMethod::kWeights}};

struct BalanceOptions {
  BalanceMethod method = BalanceMethod::kOversample;
  std::string by = "label";
  double temperature = 3;  // T of p_i ~ n_i^(1/T): 1 keeps the shares, large evens them
  int64_t rows = 0;        // of the output of temperature; 0: as many as came in
  int64_t limit = 0;       // of rows a group; 0: the largest, or the smallest group's
  int64_t max_copies = 0;  // of one row; 0: no limit
  std::string weight_field = "weight";  // where weights writes
  int64_t seed = 42;
};

template <class V>
void fields(V& v, BalanceOptions& o) {
  v.choice("method", o.method, kBalanceNames,
           "Repeat rows of small groups, drop rows of large ones, mix groups by temperature, or "
           "write a weight.");
  v("by", o.by, "Field that names the group of a row (label, source, ...).");
  v("temperature", o.temperature, "T of shares ~ size^(1/T); 1 keeps them, large evens them.");
  v("rows", o.rows, "Rows after temperature; 0: as many as before.");
  v("limit", o.limit,
    "Rows a group to reach (oversample) or keep (undersample); 0: as the largest, the smallest.");
  v("max_copies", o.max_copies, "Most copies of one row; 0: no limit.");
  v("weight_field", o.weight_field, "Field for the weight: rows / (groups x rows of the group).");
  v("seed", o.seed, "Of which rows are repeated or dropped.");
}

// How many rows each group is to have.
std::vector<int64_t> target_counts(const std::vector<int64_t>& counts,
                                   const BalanceOptions& options);

// Evens out groups of rows.  Rows without a group are dropped.
class Balance final : public Step {
 public:
  explicit Balance(const BalanceOptions& options);

  bool needs_text() const override { return false; }
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Groups;
  void choose_copies(const std::vector<std::vector<int64_t>>& members);

  BalanceOptions options_;
  // By group; groups are numbered as they come.
  std::map<std::string, int32_t> groups_;
  std::vector<int64_t> counts_, written_;
  std::vector<double> weights_;
  std::vector<std::pair<int64_t, int32_t>> rows_;    // row and group, while they are read
  std::vector<std::pair<int64_t, int64_t>> copies_;  // of rows that are not written once; sorted
};

}  // namespace tunewright::corpus
