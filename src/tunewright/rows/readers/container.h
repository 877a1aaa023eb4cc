#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "tunewright/rows/readers/reader.h"

namespace tunewright::rows {

// How much may come out of a file on disk, containers inside containers included.  What a small
// file expands to without end is a bomb.
class ExpansionBudget {
 public:
  ExpansionBudget(int64_t file_bytes, int64_t max_expansion);
  // More than allowed is a UserError, now and until forget_since().
  void spend(int64_t bytes);
  bool is_spent() const { return spent_ > allowed_; }
  int64_t spent() const { return spent_; }
  // A bomb in an archive must not cost what lies behind it: what was spent since `before` counts no
  // longer.  False where bombs have cost too much, these bytes and the `rest` that must be expanded
  // to get past this one.
  bool forget_since(int64_t before, int64_t rest);

 private:
  int64_t allowed_ = 0, spent_ = 0, wasted_ = 0, max_expansion_ = 0;
};

struct ContainerUses {
  // A file inside; what it does not read is skipped.
  std::function<void(Input&)> member;
  // What ends the container early.
  std::function<void(std::string reason)> failed;
};

// Visits what lies in an archive, in its order, or the one thing that a compressed file holds.
// A container that cannot be opened at all is a UserError without place.
void read_container(Input& container, const SourceOptions& options, ExpansionBudget& budget,
                    const ContainerUses& uses);

}  // namespace tunewright::rows
