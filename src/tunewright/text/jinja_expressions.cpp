#include "tunewright/text/jinja_expressions.h"

#include <algorithm>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"

namespace tunewright::text::jinja {
namespace {

constexpr int kMaxDepth = 120;      // of brackets while parsing
constexpr int kMaxTreeDepth = 400;  // of the tree, which long sums make deep

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::End:
      return "end of template";
    case Token::Kind::Data:
      return "template data";
    case Token::Kind::VariableBegin:
      return "begin of print statement";
    case Token::Kind::VariableEnd:
      return "end of print statement";
    case Token::Kind::BlockBegin:
      return "begin of statement block";
    case Token::Kind::BlockEnd:
      return "end of statement block";
    case Token::Kind::Integer:
      return "integer";
    case Token::Kind::Float:
      return "float";
    default:
      return token.text;
  }
}

std::string describe(Token::Kind kind) {
  Token token;
  token.kind = kind;
  token.text = kind == Token::Kind::Name ? "name" : "string";
  return describe(token);
}

}  // namespace

ExpressionParser::ExpressionParser(std::string_view source, const Whitespace& whitespace)
    : tokens_(tokenize(source, whitespace)) {
  for (const char* name : {"loop", "caller", "kwargs", "varargs"}) slot_of(name);
}

const Token& ExpressionParser::next() {
  const Token& token = tokens_[at_];
  if (token.kind != Token::Kind::End) ++at_;
  return token;
}

bool ExpressionParser::accept(Token::Kind kind) {
  if (!at(kind)) return false;
  next();
  return true;
}

bool ExpressionParser::accept_operator(std::string_view text) {
  if (!at_operator(text)) return false;
  next();
  return true;
}

bool ExpressionParser::accept_name(std::string_view text) {
  if (!at_name(text)) return false;
  next();
  return true;
}

const Token& ExpressionParser::expect(Token::Kind kind) {
  if (!at(kind)) fail_expected(describe(kind));
  return next();
}

void ExpressionParser::expect_operator(std::string_view text) {
  if (!accept_operator(text)) fail_expected(text);
}

void ExpressionParser::expect_name(std::string_view text) {
  if (!accept_name(text)) fail_expected(text);
}

void ExpressionParser::fail(const std::string& message) const {
  throw SyntaxFault(message, current().line);
}

void ExpressionParser::fail_expected(std::string_view what) const {
  if (at(Token::Kind::End)) fail(str("unexpected end of template, expected '", what, "'."));
  fail(str("expected token '", what, "', got '", describe(current()), "'"));
}

size_t ExpressionParser::slot_of(const std::string& name) {
  const auto [entry, fresh] = slots_.emplace(name, names_.size());
  if (fresh) names_.push_back(name);
  return entry->second;
}

ExpressionParser::Pointer ExpressionParser::make(Kind kind, int line) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = line;
  return made;
}

void ExpressionParser::add(Expression& parent, ExpressionPointer part) {
  if (part != nullptr) {
    parent.depth = std::max(parent.depth, part->depth + 1);
    if (parent.depth > kMaxTreeDepth) {
      throw SyntaxFault(str("an expression is nested deeper than ", kMaxTreeDepth, " levels"),
                        parent.line);
    }
  }
  parent.parts.push_back(std::move(part));
}

void ExpressionParser::add_depth(Expression& parent, const CallArguments& arguments) const {
  const auto include = [&](const ExpressionPointer& part) {
    if (part != nullptr) parent.depth = std::max(parent.depth, part->depth + 1);
  };
  for (const auto& part : arguments.positional) include(part);
  for (const auto& [name, part] : arguments.named) include(part);
  include(arguments.more_positional);
  include(arguments.more_named);
  if (parent.depth > kMaxTreeDepth)
    fail(str("an expression is nested deeper than ", kMaxTreeDepth, " levels"));
}

ExpressionPointer ExpressionParser::binary(Kind kind, std::string name, int line,
                                           ExpressionPointer left, ExpressionPointer right) {
  auto made = make(kind, line);
  made->name = std::move(name);
  add(*made, std::move(left));
  add(*made, std::move(right));
  return made;
}

void ExpressionParser::enter() {
  if (++depth_ > kMaxDepth) fail(str("an expression is nested deeper than ", kMaxDepth, " levels"));
}

ExpressionPointer ExpressionParser::expression(bool with_condition) {
  enter();
  const int line = current().line;
  ExpressionPointer value = disjunction();
  while (with_condition && accept_name("if")) {
    auto made = make(Kind::Condition, line);
    add(*made, disjunction());
    add(*made, std::move(value));
    add(*made, accept_name("else") ? expression() : nullptr);
    value = std::move(made);
  }
  --depth_;
  return value;
}

ExpressionPointer ExpressionParser::disjunction() {
  ExpressionPointer left = conjunction();
  while (at_name("or")) {
    const int line = next().line;
    left = binary(Kind::Or, {}, line, std::move(left), conjunction());
  }
  return left;
}

ExpressionPointer ExpressionParser::conjunction() {
  ExpressionPointer left = negation();
  while (at_name("and")) {
    const int line = next().line;
    left = binary(Kind::And, {}, line, std::move(left), negation());
  }
  return left;
}

ExpressionPointer ExpressionParser::negation() {
  if (!at_name("not")) return comparison();
  enter();
  auto made = make(Kind::Not, next().line);
  add(*made, negation());
  --depth_;
  return made;
}

ExpressionPointer ExpressionParser::comparison() {
  const int line = current().line;
  ExpressionPointer first = sum();
  std::unique_ptr<Expression> made;
  while (true) {
    std::string operation;
    for (const char* known : {"==", "!=", "<", "<=", ">", ">="}) {
      if (at_operator(known)) operation = known;
    }
    if (at_name("in")) operation = "in";
    const Token& after = tokens_[std::min(at_ + 1, tokens_.size() - 1)];
    if (at_name("not") && after.kind == Token::Kind::Name && after.text == "in") {
      operation = "not in";
      next();
    }
    if (operation.empty()) break;
    next();
    if (made == nullptr) {
      made = make(Kind::Compare, line);
      add(*made, std::move(first));
    }
    made->operations.push_back(operation);
    add(*made, sum());
  }
  if (made == nullptr) return first;
  return made;
}

ExpressionPointer ExpressionParser::sum() {
  ExpressionPointer left = concatenation();
  while (at_operator("+") || at_operator("-")) {
    const Token& token = next();
    left = binary(Kind::Arithmetic, token.text, token.line, std::move(left), concatenation());
  }
  return left;
}

ExpressionPointer ExpressionParser::concatenation() {
  const int line = current().line;
  ExpressionPointer first = product();
  if (!at_operator("~")) return first;
  auto made = make(Kind::Concat, line);
  add(*made, std::move(first));
  while (accept_operator("~")) add(*made, product());
  return made;
}

ExpressionPointer ExpressionParser::product() {
  ExpressionPointer left = power();
  while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
    const Token& token = next();
    left = binary(Kind::Arithmetic, token.text, token.line, std::move(left), power());
  }
  return left;
}

ExpressionPointer ExpressionParser::power() {
  ExpressionPointer left = unary();
  while (at_operator("**")) {
    const int line = next().line;
    left = binary(Kind::Arithmetic, "**", line, std::move(left), unary());
  }
  return left;
}

ExpressionPointer ExpressionParser::unary(bool with_filters) {
  ExpressionPointer value;
  if (at_operator("-") || at_operator("+")) {
    enter();
    const Token& sign = next();
    auto made = make(sign.text == "-" ? Kind::Negative : Kind::Positive, sign.line);
    add(*made, unary(false));
    value = std::move(made);
    --depth_;
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? after_filters(std::move(value)) : std::move(value);
}

ExpressionPointer ExpressionParser::name(bool spaces) {
  const Token& token = next();
  const std::string& text = token.text;
  auto made = make(Kind::Constant, token.line);
  if (text == "true" || text == "True") {
    made->value = Value(true);
  } else if (text == "false" || text == "False") {
    made->value = Value(false);
  } else if (text != "none" && text != "None") {
    made->kind = Kind::Name;
    made->slot = slot_of(text);
    uses_.caller = uses_.caller || text == "caller";
    uses_.kwargs = uses_.kwargs || text == "kwargs";
    uses_.varargs = uses_.varargs || text == "varargs";
    made->name = text;
    if (spaces && accept_operator(".")) {
      made->kind = Kind::NamespaceAttribute;
      made->name = expect(Token::Kind::Name).text;
    }
  }
  return made;
}

ExpressionPointer ExpressionParser::string() {
  auto made = make(Kind::Constant, current().line);
  std::string text;
  while (at(Token::Kind::String)) text += next().text;
  made->value = Value(std::move(text));
  return made;
}

ExpressionPointer ExpressionParser::primary(bool spaces) {
  if (at(Token::Kind::Name)) return name(spaces);
  if (at(Token::Kind::String)) return string();
  if (at(Token::Kind::Integer) || at(Token::Kind::Float)) {
    const Token& token = next();
    auto made = make(Kind::Constant, token.line);
    made->value = token.number;
    return made;
  }
  if (accept_operator("(")) {
    ExpressionPointer inner = tuple({}, true, true);
    expect_operator(")");
    return inner;
  }
  if (at_operator("[")) return list();
  if (at_operator("{")) return dict();
  fail(str("unexpected '", describe(current()), "'"));
}

ExpressionPointer ExpressionParser::tuple(std::initializer_list<std::string_view> ends,
                                          bool with_condition, bool in_parentheses) {
  const int line = current().line;
  const auto ended = [&] {
    const bool by_name =
        at(Token::Kind::Name) && std::find(ends.begin(), ends.end(), current().text) != ends.end();
    return by_name || at(Token::Kind::VariableEnd) || at(Token::Kind::BlockEnd) || at_operator(")");
  };
  auto made = make(Kind::Tuple, line);
  bool is_tuple = false;
  while (!ended()) {
    add(*made, expression(with_condition));
    if (!accept_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !made->parts.empty()) return std::move(made->parts[0]);
  if (!is_tuple && !in_parentheses)
    fail(str("Expected an expression, got '", describe(current()), "'"));
  return made;
}

ExpressionPointer ExpressionParser::target(bool spaces, bool to_assign) {
  auto made = make(Kind::Tuple, current().line);
  bool is_tuple = false;
  const auto ended = [&] { return at(Token::Kind::BlockEnd) || at_operator(")") || at_name("in"); };
  enter();
  while (!ended()) {
    ExpressionPointer part;
    if (accept_operator("(")) {
      part = target(spaces);
      expect_operator(")");
    } else {
      part = primary(spaces);
    }
    const bool assignable = part->kind == Kind::Name || part->kind == Kind::NamespaceAttribute ||
                            part->kind == Kind::Tuple;
    if (!assignable) fail("can't assign to this expression");
    add(*made, std::move(part));
    if (to_assign || !accept_operator(",")) break;
    is_tuple = true;
  }
  --depth_;
  if (made->parts.empty()) fail(str("Expected an expression, got '", describe(current()), "'"));
  return is_tuple ? ExpressionPointer(std::move(made)) : std::move(made->parts[0]);
}

ExpressionPointer ExpressionParser::list() {
  auto made = make(Kind::List, next().line);
  while (!at_operator("]")) {
    if (!made->parts.empty()) expect_operator(",");
    if (at_operator("]")) break;
    add(*made, expression());
  }
  next();
  return made;
}

ExpressionPointer ExpressionParser::dict() {
  auto made = make(Kind::Dict, next().line);
  while (!at_operator("}")) {
    if (!made->parts.empty()) expect_operator(",");
    if (at_operator("}")) break;
    add(*made, expression());
    expect_operator(":");
    add(*made, expression());
  }
  next();
  return made;
}

}  // namespace tunewright::text::jinja
