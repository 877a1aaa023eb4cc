#pragma once
// The syntax tree of a template.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/text/jinja_lexer.h"
#include "tunewright/text/jinja_value.h"

namespace tunewright::text::jinja {

struct Expression;
struct Statement;
using ExpressionPointer = std::unique_ptr<const Expression>;
using Body = std::vector<std::unique_ptr<const Statement>>;

struct CallArguments {
  std::vector<ExpressionPointer> positional;
  std::vector<std::pair<std::string, ExpressionPointer>> named;
  ExpressionPointer more_positional;  // *expression
  ExpressionPointer more_named;       // **expression
};

struct Expression {
  enum class Kind {
    Constant,    // value
    Name,        // slot
    Attribute,   // parts[0].name
    Item,        // parts[0][parts[1]]
    Slice,       // parts[0][parts[1]:parts[2]:parts[3]], empty ones null
    Call,        // parts[0](arguments)
    Filter,      // parts[0]|name(arguments); parts[0] is null in a filter block
    Test,        // parts[0] is name(arguments)
    Arithmetic,  // parts[0] name parts[1]
    Negative,
    Positive,
    Concat,
    Compare,  // parts[0] operations[0] parts[1] operations[1] parts[2] …
    And,
    Or,
    Not,
    Condition,  // parts[1] if parts[0] else parts[2]
    List,
    Tuple,
    Dict,                // keys and values take turns
    NamespaceAttribute,  // slot.name, a target of set
  };
  Kind kind = Kind::Constant;
  int line = 1;
  int depth = 1;
  size_t slot = 0;
  Value value;
  std::string name;
  std::vector<ExpressionPointer> parts;
  std::vector<std::string> operations;
  CallArguments arguments;
};

// The head of a macro or a call block.
struct Signature {
  std::string name;
  std::vector<std::string> names;
  std::vector<size_t> slots;
  std::vector<ExpressionPointer> defaults;  // of the last parameters
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
};

struct Statement {
  enum class Kind {
    Data,      // text
    Output,    // expression
    Set,       // target = expression
    SetBlock,  // target = body, through the filters of expression
    For,       // target in expression if condition: body else otherwise
    If,        // expression: body else otherwise
    With,      // pairs of targets and values in `assignments`
    Macro,
    CallBlock,  // expression is the call
    FilterBlock,
    Generation,
    Scope,  // a block of its own
    Break,
    Continue,
  };
  Kind kind = Kind::Data;
  int line = 1;
  std::string text;
  ExpressionPointer target, expression, condition;
  std::vector<std::pair<ExpressionPointer, ExpressionPointer>> assignments;
  bool recursive = false;
  size_t slot = 0;  // of the macro's name
  Signature signature;
  Body body, otherwise;
};

struct Tree {
  Body body;
  std::vector<std::string> names;  // of the slots
  bool has_generation = false;
};

// Slots that every tree has.
inline constexpr size_t kLoopSlot = 0, kCallerSlot = 1, kKwargsSlot = 2, kVarargsSlot = 3;

// A malformed template is a SyntaxFault.
Tree parse_template(std::string_view source, const Whitespace& whitespace = {});

}  // namespace tunewright::text::jinja
