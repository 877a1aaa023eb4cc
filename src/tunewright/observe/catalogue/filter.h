#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/observe/catalogue/catalogue.h"

namespace tunewright::observe {

// "eval_loss<1.2 and (adapter=lora or status~fin) and not seed=42": comparisons = != < <= > >= and
// ~ (holds the text, whatever the case), joined by `and`, `or`, `not` and parentheses.  A value
// with spaces or brackets stands in quotes.  A run without the fact fails every comparison but !=.
class Filter {
 public:
  // Malformed text is a UserError that shows the place; empty text lets everything through.
  explicit Filter(std::string_view text);
  Filter(Filter&&) noexcept;
  ~Filter();

  bool passes(const RunRecord& run) const;
  const std::vector<std::string>& keys() const { return keys_; }  // that it asks for

  struct Node;

 private:
  std::vector<std::string> keys_;
  std::unique_ptr<Node> root_;
};

// Those that pass.  A key that no run knows is a UserError that names the nearest.
std::vector<RunRecord> select(std::vector<RunRecord> runs, const Filter& filter);
// By one fact, descending with a '-' before it; runs without it last.
void sort_by(std::vector<RunRecord>& runs, std::string_view key);

}  // namespace tunewright::observe
