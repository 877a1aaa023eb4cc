#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/text/jinja_lexer.h"
#include "tunewright/text/jinja_parser.h"

namespace tunewright::text::jinja {

// Reads expressions from the tokens of a template.
class ExpressionParser {
 protected:
  // Names with a meaning inside a macro that mentions them.
  struct Uses {
    bool caller = false, kwargs = false, varargs = false;
  };

  ExpressionParser(std::string_view source, const Whitespace& whitespace);

  // --- tokens
  const Token& current() const { return tokens_[at_]; }
  const Token& next();
  bool at(Token::Kind kind) const { return current().kind == kind; }
  bool at_operator(std::string_view text) const {
    return at(Token::Kind::Operator) && current().text == text;
  }
  bool at_name(std::string_view text) const {
    return at(Token::Kind::Name) && current().text == text;
  }
  bool accept(Token::Kind kind);
  bool accept_operator(std::string_view text);
  bool accept_name(std::string_view text);
  const Token& expect(Token::Kind kind);
  void expect_operator(std::string_view text);
  void expect_name(std::string_view text);
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_expected(std::string_view what) const;

  size_t slot_of(const std::string& name);
  std::vector<std::string> take_names() { return std::move(names_); }

  // --- expressions
  ExpressionPointer expression(bool with_condition = true);
  // One expression, or several with commas between, up to the end of the tag or a name of `ends`.
  ExpressionPointer tuple(std::initializer_list<std::string_view> ends, bool with_condition = true,
                          bool in_parentheses = false);
  // What can stand left of "=": names and tuples of names; with `spaces` also namespace.attribute.
  ExpressionPointer target(bool spaces, bool to_assign = false);
  // |name(…)|name… after `input`; `named` where the first name comes without a "|".
  ExpressionPointer filters(ExpressionPointer input, bool named = false);

  Uses uses_;
  int conditions_ =
      0;  // inside how many ifs: there an unknown filter is an error only when it runs

 private:
  using Pointer = std::unique_ptr<Expression>;
  using Kind = Expression::Kind;
  Pointer make(Kind kind, int line) const;
  static void add(Expression& parent, ExpressionPointer part);
  ExpressionPointer binary(Kind kind, std::string name, int line, ExpressionPointer left,
                           ExpressionPointer right);

  ExpressionPointer disjunction();
  ExpressionPointer conjunction();
  ExpressionPointer negation();
  ExpressionPointer comparison();
  ExpressionPointer sum();
  ExpressionPointer concatenation();
  ExpressionPointer product();
  ExpressionPointer power();
  ExpressionPointer unary(bool with_filters = true);
  ExpressionPointer primary(bool spaces = false);
  ExpressionPointer name(bool spaces);
  ExpressionPointer string();
  ExpressionPointer list();
  ExpressionPointer dict();
  ExpressionPointer postfix(ExpressionPointer inner);
  ExpressionPointer after_filters(ExpressionPointer inner);
  ExpressionPointer attribute(ExpressionPointer object);
  ExpressionPointer subscript(ExpressionPointer object);
  ExpressionPointer slice(ExpressionPointer object, ExpressionPointer start, int line);
  ExpressionPointer call(ExpressionPointer callee);
  ExpressionPointer test(ExpressionPointer value);
  CallArguments call_arguments();
  void add_depth(Expression& parent, const CallArguments& arguments) const;
  std::string dotted_name();
  bool test_argument_follows() const;
  void enter();

  std::vector<Token> tokens_;
  size_t at_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, size_t> slots_;
  int depth_ = 0;
};

}  // namespace tunewright::text::jinja
