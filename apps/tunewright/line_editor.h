#pragma once
#include <memory>
#include <optional>
#include <string>

namespace tunewright::app {

// Lines from standard input.  On a terminal with a prompt, editing and history (libedit), where
// Ctrl-C clears the line and Ctrl-D on an empty one ends the input; elsewhere as they come.
class LineEditor {
 public:
  LineEditor();
  ~LineEditor();
  std::optional<std::string> next();  // without the newline; none at the end
  bool interactive() const { return terminal_ != nullptr; }

 private:
  struct Terminal;
  std::unique_ptr<Terminal> terminal_;
};

}  // namespace tunewright::app
