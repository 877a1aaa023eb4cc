#include "tunewright/text/jinja_evaluator.h"

#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using EKind = Expression::Kind;

Method method_of(const Value& object, const std::string& name) {
  if (object.is_string()) return string_method(name);
  return object.is_dict() ? dict_method(name) : nullptr;
}

}  // namespace

template <class Function>
Value Evaluator::call_with(const Expression& expression, const Function& function) {
  Arguments arguments = evaluate(expression.arguments);
  set_line(expression.line);
  return function(std::move(arguments));
}

Value Evaluator::lookup(const Expression& name) {
  if (const Value* value = scope_->find(name.slot)) return *value;
  return Value::undefined(python::repr(tree_.names[name.slot]) + " is undefined");
}

Value Evaluator::evaluate(const Expression& expression) {
  const Nested nested(*this);
  charge_steps(1);
  set_line(expression.line);
  switch (expression.kind) {
    case EKind::Constant:
      return expression.value;
    case EKind::Name:
      return lookup(expression);
    case EKind::Attribute:
      return get_attribute(*this, evaluate(*expression.parts[0]), expression.name);
    case EKind::Item:
      return item(expression);
    case EKind::Slice:
      return slice_of(expression);
    case EKind::Call:
      return call_of(expression);
    case EKind::Filter:
      return filter(expression, evaluate(*expression.parts[0]));
    case EKind::Test:
      return Value(test(expression));
    case EKind::Arithmetic:
      return arithmetic_of(expression);
    case EKind::Negative:
      return negate(evaluate(*expression.parts[0]));
    case EKind::Positive:
      return positive(evaluate(*expression.parts[0]));
    case EKind::Concat:
      return concatenation(expression);
    case EKind::Compare:
      return Value(comparison(expression));
    case EKind::And:
    case EKind::Or:
      return logical(expression);
    case EKind::Not:
      return Value(!truth(evaluate(*expression.parts[0])));
    case EKind::Condition:
      return conditional(expression);
    case EKind::List:
      return list_value(*this, evaluate_all(expression.parts));
    case EKind::Tuple:
      return list_value(*this, evaluate_all(expression.parts), SequenceKind::Tuple);
    case EKind::Dict:
      return dict(expression);
    case EKind::NamespaceAttribute:
      break;
  }
  throw Fault("a namespace attribute outside of set");
}

Items Evaluator::evaluate_all(const std::vector<ExpressionPointer>& parts) {
  Items values;
  values.reserve(parts.size());
  for (const auto& part : parts) values.push_back(evaluate(*part));
  return values;
}

Value Evaluator::evaluate_or_none(const ExpressionPointer& part) {
  return part == nullptr ? Value() : evaluate(*part);
}

Arguments Evaluator::evaluate(const CallArguments& source) {
  Arguments arguments;
  arguments.positional = evaluate_all(source.positional);
  for (const auto& [name, part] : source.named) arguments.named.emplace_back(name, evaluate(*part));
  if (source.more_positional != nullptr) {
    const auto more = iterate(*this, evaluate(*source.more_positional));
    charge_items(more->size());
    arguments.positional.insert(arguments.positional.end(), more->begin(), more->end());
  }
  if (source.more_named != nullptr) add_named(arguments, evaluate(*source.more_named));
  return arguments;
}

void Evaluator::add_named(Arguments& arguments, const Value& more) {
  if (!more.is_dict())
    throw Fault(str("argument after ** must be a mapping, not ", type_name(more)));
  charge_items(more.dict().items().size());
  for (const auto& [key, value] : more.dict().items()) {
    const std::string& name = to_string(key, "keywords");
    if (arguments.take(name))
      throw Fault(str("got multiple values for keyword argument '", name, "'"));
    arguments.named.emplace_back(name, value);
  }
}

Value Evaluator::item(const Expression& expression) {
  const Value object = evaluate(*expression.parts[0]);
  const Value key = evaluate(*expression.parts[1]);
  set_line(expression.line);
  return get_item(*this, object, key);
}

Value Evaluator::slice_of(const Expression& expression) {
  const Value object = evaluate(*expression.parts[0]);
  const Value start = evaluate_or_none(expression.parts[1]),
              stop = evaluate_or_none(expression.parts[2]);
  return slice(*this, object, start, stop, evaluate_or_none(expression.parts[3]));
}

Value Evaluator::call_of(const Expression& expression) {
  const Expression& callee = *expression.parts[0];
  if (callee.kind != EKind::Attribute) {
    const Value function = evaluate(callee);
    return call_with(expression, [&](Arguments arguments) {
      return call(*this, function, std::move(arguments));
    });
  }
  // The usual case, a method of data, needs no function object.
  const Value object = evaluate(*callee.parts[0]);
  if (const Method method = method_of(object, callee.name)) {
    return call_with(expression, [&](Arguments arguments) {
      return method(*this, object, std::move(arguments));
    });
  }
  const Value function = get_attribute(*this, object, callee.name);
  return call_with(
      expression, [&](Arguments arguments) { return call(*this, function, std::move(arguments)); });
}

Value Evaluator::filter(const Expression& expression, Value input) {
  const Filter found = find_filter(expression.name);
  if (found == nullptr) throw Fault("No filter named " + python::repr(expression.name) + " found.");
  Arguments arguments = evaluate(expression.arguments);
  set_line(expression.line);
  return found(*this, std::move(input), std::move(arguments));
}

// A chain of filters whose innermost input is `input`.
Value Evaluator::apply_filters(const Expression& expression, Value input) {
  if (expression.parts[0] == nullptr) return filter(expression, std::move(input));
  return filter(expression, apply_filters(*expression.parts[0], std::move(input)));
}

bool Evaluator::test(const Expression& expression) {
  const Value value = evaluate(*expression.parts[0]);
  const Test found = find_test(expression.name);
  if (found == nullptr) throw Fault("No test named " + python::repr(expression.name) + " found.");
  const Arguments arguments = evaluate(expression.arguments);
  set_line(expression.line);
  return found(*this, value, arguments);
}

Value Evaluator::arithmetic_of(const Expression& expression) {
  const Value left = evaluate(*expression.parts[0]);
  const Value right = evaluate(*expression.parts[1]);
  set_line(expression.line);
  return arithmetic(*this, expression.name, left, right);
}

Value Evaluator::concatenation(const Expression& expression) {
  std::string text;
  for (const auto& part : expression.parts) text += to_text(*this, evaluate(*part));
  return text_value(*this, std::move(text));
}

bool Evaluator::compare(const std::string& operation, const Value& left, const Value& right) {
  if (operation == "==") return equal(*this, left, right);
  if (operation == "!=") return !equal(*this, left, right);
  if (operation == "in") return contains(*this, right, left);
  if (operation == "not in") return !contains(*this, right, left);
  return ordered(*this, operation, left, right);
}

bool Evaluator::comparison(const Expression& expression) {
  Value left = evaluate(*expression.parts[0]);
  for (size_t i = 0; i < expression.operations.size(); ++i) {
    Value right = evaluate(*expression.parts[i + 1]);
    set_line(expression.line);
    if (!compare(expression.operations[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Evaluator::logical(const Expression& expression) {
  Value left = evaluate(*expression.parts[0]);
  const bool decided = truth(left) == (expression.kind == EKind::Or);
  return decided ? left : evaluate(*expression.parts[1]);
}

Value Evaluator::conditional(const Expression& expression) {
  if (truth(evaluate(*expression.parts[0]))) return evaluate(*expression.parts[1]);
  if (expression.parts[2] != nullptr) return evaluate(*expression.parts[2]);
  return Value::undefined(str("the inline if-expression on line ", expression.line,
                              " evaluated to false and no else section was defined."));
}

Value Evaluator::dict(const Expression& expression) {
  auto made = std::make_shared<Dict>();
  charge_items(expression.parts.size());
  for (size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    Value key = evaluate(*expression.parts[i]);
    made->set(std::move(key), evaluate(*expression.parts[i + 1]));
  }
  return Value(std::shared_ptr<const Dict>(std::move(made)));
}

}  // namespace tunewright::text::jinja
