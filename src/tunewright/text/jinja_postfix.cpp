// What follows a value in an expression: .name, [key], (arguments), | filter, is test.
#include <algorithm>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_expressions.h"
#include "tunewright/text/jinja_runtime.h"

namespace tunewright::text::jinja {

ExpressionPointer ExpressionParser::postfix(ExpressionPointer inner) {
  while (true) {
    if (at_operator(".")) {
      inner = attribute(std::move(inner));
    } else if (at_operator("[")) {
      inner = subscript(std::move(inner));
    } else if (at_operator("(")) {
      inner = call(std::move(inner));
    } else {
      return inner;
    }
  }
}

ExpressionPointer ExpressionParser::after_filters(ExpressionPointer inner) {
  while (true) {
    if (at_operator("|")) {
      inner = filters(std::move(inner));
    } else if (at_name("is")) {
      inner = test(std::move(inner));
    } else if (at_operator("(")) {
      inner = call(std::move(inner));
    } else {
      return inner;
    }
  }
}

ExpressionPointer ExpressionParser::attribute(ExpressionPointer object) {
  const int line = next().line;
  if (!at(Token::Kind::Name) && !at(Token::Kind::Integer)) fail("expected name or number");
  auto made = make(at(Token::Kind::Name) ? Kind::Attribute : Kind::Item, line);
  add(*made, std::move(object));
  const Token& token = next();
  made->name = token.text;
  if (token.kind == Token::Kind::Integer) {
    auto index = make(Kind::Constant, line);
    index->value = token.number;
    add(*made, std::move(index));
  }
  return made;
}

ExpressionPointer ExpressionParser::subscript(ExpressionPointer object) {
  const int line = next().line;
  ExpressionPointer key;
  if (!at_operator(":")) {
    key = expression();
    if (at_operator(",")) {
      auto keys = make(Kind::Tuple, line);
      add(*keys, std::move(key));
      while (accept_operator(",")) add(*keys, expression());
      key = std::move(keys);
    }
  }
  if (at_operator(":")) return slice(std::move(object), std::move(key), line);
  expect_operator("]");
  return binary(Kind::Item, {}, line, std::move(object), std::move(key));
}

ExpressionPointer ExpressionParser::slice(ExpressionPointer object, ExpressionPointer start,
                                          int line) {
  auto made = make(Kind::Slice, line);
  add(*made, std::move(object));
  add(*made, std::move(start));
  for (int i = 0; i < 2; ++i) {
    const bool there = accept_operator(":") && !at_operator(":") && !at_operator("]");
    add(*made, there ? expression() : nullptr);
  }
  expect_operator("]");
  return made;
}

CallArguments ExpressionParser::call_arguments() {
  CallArguments arguments;
  expect_operator("(");
  const auto ensure = [&](bool holds) {
    if (!holds) fail("invalid syntax for function call expression");
  };
  for (bool first = true; !at_operator(")"); first = false) {
    if (!first) expect_operator(",");
    if (at_operator(")")) break;
    const Token& after = tokens_[std::min(at_ + 1, tokens_.size() - 1)];
    if (accept_operator("*")) {
      ensure(arguments.more_positional == nullptr && arguments.more_named == nullptr);
      arguments.more_positional = expression();
    } else if (accept_operator("**")) {
      ensure(arguments.more_named == nullptr);
      arguments.more_named = expression();
    } else if (at(Token::Kind::Name) && after.kind == Token::Kind::Operator && after.text == "=") {
      ensure(arguments.more_named == nullptr);
      const std::string& key = next().text;
      next();
      arguments.named.emplace_back(key, expression());
    } else {
      ensure(arguments.more_positional == nullptr && arguments.more_named == nullptr &&
             arguments.named.empty());
      arguments.positional.push_back(expression());
    }
  }
  expect_operator(")");
  return arguments;
}

ExpressionPointer ExpressionParser::call(ExpressionPointer callee) {
  auto made = make(Kind::Call, current().line);
  add(*made, std::move(callee));
  made->arguments = call_arguments();
  add_depth(*made, made->arguments);
  return made;
}

std::string ExpressionParser::dotted_name() {
  std::string name = expect(Token::Kind::Name).text;
  while (accept_operator(".")) name += "." + expect(Token::Kind::Name).text;
  return name;
}

ExpressionPointer ExpressionParser::filters(ExpressionPointer input, bool named) {
  while (named || accept_operator("|")) {
    named = false;
    auto made = make(Kind::Filter, current().line);
    made->name = dotted_name();
    if (find_filter(made->name) == nullptr && conditions_ == 0)
      fail(str("No filter named '", made->name, "'."));
    add(*made, std::move(input));
    if (at_operator("(")) made->arguments = call_arguments();
    add_depth(*made, made->arguments);
    input = std::move(made);
  }
  return input;
}

bool ExpressionParser::test_argument_follows() const {
  if (at(Token::Kind::Name)) return !at_name("else") && !at_name("or") && !at_name("and");
  return at(Token::Kind::String) || at(Token::Kind::Integer) || at(Token::Kind::Float) ||
         at_operator("[") || at_operator("{");
}

ExpressionPointer ExpressionParser::test(ExpressionPointer value) {
  const int line = next().line;
  const bool negated = accept_name("not");
  auto made = make(Kind::Test, line);
  made->name = dotted_name();
  if (find_test(made->name) == nullptr && conditions_ == 0)
    fail(str("No test named '", made->name, "'."));
  add(*made, std::move(value));
  if (at_operator("(")) {
    made->arguments = call_arguments();
  } else if (test_argument_follows()) {
    if (at_name("is")) fail("You cannot chain multiple tests with is");
    made->arguments.positional.push_back(postfix(primary()));
  }
  add_depth(*made, made->arguments);
  if (!negated) return made;
  auto inverse = make(Kind::Not, line);
  add(*inverse, std::move(made));
  return inverse;
}

}  // namespace tunewright::text::jinja
