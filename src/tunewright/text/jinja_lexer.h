#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/text/jinja_value.h"

namespace tunewright::text::jinja {

// The template is not well-formed.
class SyntaxFault : public Fault {
 public:
  SyntaxFault(const std::string& message, int line) : Fault(message), line_(line) {}
  int line() const { return line_; }

 private:
  int line_;
};

struct Token {
  enum class Kind {
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End
  };
  Kind kind = Kind::End;
  std::string text;  // of data, names, strings (decoded) and operators
  Value number;
  int line = 1;
};

// What becomes of the white space around tags: chat templates are read as transformers sets it.
struct Whitespace {
  bool trim_blocks = true;
  bool lstrip_blocks = true;
  bool keep_trailing_newline = false;
};

// Cuts a template into tokens.  Comments are left out; raw blocks are data.
std::vector<Token> tokenize(std::string_view source, const Whitespace& whitespace = {});

}  // namespace tunewright::text::jinja
