#pragma once
#include <string>
#include <vector>

#include "tunewright/text/jinja_parser.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/tokenizer.h"

namespace tunewright::text::jinja {

struct Rendered {
  std::string text;
  std::vector<ByteSpan> generation;  // what stood in {% generation %} blocks
  std::vector<std::optional<size_t>> generation_messages;
};

// Why a rendering ended early, and where.
class RenderFault : public std::runtime_error {
 public:
  RenderFault(const std::string& message, int line, bool is_limit)
      : std::runtime_error(message), line_(line), is_limit_(is_limit) {}
  int line() const { return line_; }
  bool is_limit() const {
    return is_limit_;
  }  // of the sandbox; not an error that the template makes

 private:
  int line_;
  bool is_limit_;
};

// Runs a template; thread-safe.  Only RenderFaults leave it.  A generation block belongs to the
// item of the variable `messages` that the innermost scope around it holds.
Rendered render(const Tree& tree, const Dict& variables, const Limits& limits);

}  // namespace tunewright::text::jinja
