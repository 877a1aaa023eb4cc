#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::model {

// Finds stop strings in text that comes in pieces.  Of several, the one that is complete first
// counts; of those complete at the same byte, the longest.  How the text is cut into pieces changes
// nothing.  Without stop strings every piece passes as it is.
class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops);  // an empty one is a UserError

  // Text that is certainly before any stop string; after one, nothing.
  std::string put(std::string_view piece);
  std::string finish();  // what was held back, as no stop string came
  bool found() const { return found_; }

 private:
  size_t open_match(std::string_view text) const;

  std::vector<std::string> stops_;
  std::string held_;  // the longest end of the text that a stop string may begin with
  bool found_ = false;
};

}  // namespace tunewright::model
