#pragma once
// The expressions of a template: what they evaluate to in the scope of the moment.
#include <memory>
#include <string>

#include "tunewright/text/jinja_parser.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/jinja_scope.h"

namespace tunewright::text::jinja {

class Evaluator : public Runtime {
 protected:
  Evaluator(const Tree& tree, const Limits& limits, std::shared_ptr<Scope> scope)
      : Runtime(limits), tree_(tree), scope_(std::move(scope)) {}

  Value lookup(const Expression& name);
  Value evaluate(const Expression& expression);
  Items evaluate_all(const std::vector<ExpressionPointer>& parts);
  Arguments evaluate(const CallArguments& source);
  // A chain of filters whose innermost input is `input`.
  Value apply_filters(const Expression& expression, Value input);

  const Tree& tree_;
  std::shared_ptr<Scope> scope_;

 private:
  Value evaluate_or_none(const ExpressionPointer& part);
  void add_named(Arguments& arguments, const Value& more);
  Value item(const Expression& expression);
  Value slice_of(const Expression& expression);
  Value call_of(const Expression& expression);
  template <class Function>
  Value call_with(const Expression& expression, const Function& function);
  Value filter(const Expression& expression, Value input);
  bool test(const Expression& expression);
  Value arithmetic_of(const Expression& expression);
  Value concatenation(const Expression& expression);
  bool compare(const std::string& operation, const Value& left, const Value& right);
  bool comparison(const Expression& expression);
  Value logical(const Expression& expression);
  Value conditional(const Expression& expression);
  Value dict(const Expression& expression);
};

}  // namespace tunewright::text::jinja
