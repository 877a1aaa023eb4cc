#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/document.h"

namespace tunewright::corpus {

// An expression on a row, such as  words > 5 and lang == "en"  or  label in ["ham", "spam"].
//
//   or, and, not · == != < <= > >= in, not in · + - * / % · ( ) [ ] · 1.5 "text" 'text' true false
//   null · len(x) lower(x) min(x, y) max(x, y) contains(x, y) startswith(x, y) endswith(x, y)
//
// A name is one of expression_variables(), else a field of the row (null where it has none);
// `row.name` is always the field, `a.b` the field b inside it.  Comparing or reckoning with what
// does not fit (null < 3, "a" * 2) is false, or null.  `in` looks into lists and texts.
class Expression {
 public:
  // A UserError points at what cannot be read.  Nesting beyond 200 levels is refused.
  static Expression parse(std::string_view text);

  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  Json value(const Document& document) const;
  // False, null, 0, "" and empty lists are not true.
  bool is_true(const Document& document) const;

  // Fields of the row that it asks for.
  const std::vector<std::string>& fields() const { return fields_; }

  struct Node;

 private:
  Expression();
  std::unique_ptr<Node> root_;
  std::vector<std::string> fields_;
};

struct ExpressionVariable {
  const char* name;
  const char* help;
  Json (*value)(const Document& document);
};
std::vector<ExpressionVariable> expression_variables();

}  // namespace tunewright::corpus
