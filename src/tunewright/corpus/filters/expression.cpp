#include "tunewright/corpus/filters/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::corpus {

using Values = std::vector<Json>;

struct Expression::Node {
  // Gets the row and the values of the children; `and` and `or` evaluate theirs on their own.
  std::function<Json(const Document&, const std::vector<std::unique_ptr<Node>>&)> evaluate;
  std::vector<std::unique_ptr<Node>> children;

  Json value(const Document& document) const { return evaluate(document, children); }
};

namespace {

using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;
using Children = std::vector<NodePtr>;
using Function = Json (*)(const Values&);

constexpr int kMaxDepth = 200;
constexpr size_t kMaxSize = 4096;  // chains of operators nest too, by as much as they are long

bool truth(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

bool both(const Values& v, bool (Json::*is)() const noexcept) {
  return (v[0].*is)() && (v[1].*is)();
}
const std::string& text_of(const Json& value) { return value.get_ref<const std::string&>(); }

// -1, 0, 1, or none where the two have no order.
std::optional<int> order(const Values& v) {
  if (both(v, &Json::is_number)) {
    const auto a = v[0].get<double>(), b = v[1].get<double>();
    if (std::isnan(a) || std::isnan(b)) return std::nullopt;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (!both(v, &Json::is_string)) return std::nullopt;
  const auto compared = text_of(v[0]).compare(text_of(v[1]));
  return compared < 0 ? -1 : compared > 0 ? 1 : 0;
}

Json is_in(const Values& v) {
  if (both(v, &Json::is_string)) return text_of(v[1]).find(text_of(v[0])) != std::string::npos;
  if (v[1].is_object() && v[0].is_string()) return v[1].contains(text_of(v[0]));
  return v[1].is_array() && std::ranges::find(v[1], v[0]) != v[1].end();
}

template <class Compute>
Json number(const Values& v, Compute&& compute) {
  if (!both(v, &Json::is_number)) return nullptr;
  const double result = compute(v[0].get<double>(), v[1].get<double>());
  return std::isfinite(result) ? Json(result) : Json(nullptr);
}

struct Operator {
  const char* name;
  int level;  // higher binds tighter
  Function apply;
};
constexpr int kComparison = 3;
const Operator kOperators[] = {
    {"==", kComparison, [](const Values& v) { return Json(v[0] == v[1]); }},
    {"!=", kComparison, [](const Values& v) { return Json(v[0] != v[1]); }},
    {"<=", kComparison, [](const Values& v) { return Json(order(v).value_or(1) <= 0); }},
    {">=", kComparison, [](const Values& v) { return Json(order(v).value_or(-1) >= 0); }},
    {"<", kComparison, [](const Values& v) { return Json(order(v) == -1); }},
    {">", kComparison, [](const Values& v) { return Json(order(v) == 1); }},
    {"not in", kComparison, [](const Values& v) { return Json(!is_in(v).get<bool>()); }},
    {"in", kComparison, is_in},
    {"+", 4,
     [](const Values& v) {
       if (both(v, &Json::is_string)) return Json(text_of(v[0]) + text_of(v[1]));
       return number(v, std::plus<>());
     }},
    {"-", 4, [](const Values& v) { return number(v, std::minus<>()); }},
    {"*", 5, [](const Values& v) { return number(v, std::multiplies<>()); }},
    {"/", 5, [](const Values& v) { return number(v, std::divides<>()); }},
    {"%", 5,
     [](const Values& v) { return number(v, [](double a, double b) { return std::fmod(a, b); }); }},
};

struct NamedFunction {
  const char* name;
  size_t arguments;
  Function apply;
};
template <class Test>
Json on_texts(const Values& v, Test&& test) {
  return both(v, &Json::is_string) && test(text_of(v[0]), text_of(v[1]));
}
const NamedFunction kFunctions[] = {
    {"len", 1,
     [](const Values& v) {
       if (v[0].is_string()) return Json(text::python::length(text_of(v[0])));
       return v[0].is_structured() ? Json(v[0].size()) : Json(nullptr);
     }},
    {"lower", 1,
     [](const Values& v) {
       return v[0].is_string() ? Json(text::python::lower(text_of(v[0]))) : Json(nullptr);
     }},
    {"min", 2,
     [](const Values& v) { return number(v, [](double a, double b) { return std::min(a, b); }); }},
    {"max", 2,
     [](const Values& v) { return number(v, [](double a, double b) { return std::max(a, b); }); }},
    {"contains", 2,
     [](const Values& v) {
       return on_texts(v, [](const auto& a, const auto& b) { return a.find(b) != a.npos; });
     }},
    {"startswith", 2,
     [](const Values& v) {
       return on_texts(v, [](const auto& a, const auto& b) { return a.starts_with(b); });
     }},
    {"endswith", 2,
     [](const Values& v) {
       return on_texts(v, [](const auto& a, const auto& b) { return a.ends_with(b); });
     }},
};

NodePtr leaf(Json value) {
  auto node = std::make_unique<Node>();
  node->evaluate = [value = std::move(value)](const Document&, const Children&) { return value; };
  return node;
}

NodePtr call(Function function, Children children) {
  auto node = std::make_unique<Node>();
  node->children = std::move(children);
  node->evaluate = [function](const Document& document, const Children& arguments) {
    Values values;
    for (const auto& argument : arguments) values.push_back(argument->value(document));
    return function(values);
  };
  return node;
}

NodePtr pair_of(Function function, NodePtr left, NodePtr right) {
  Children children;
  children.push_back(std::move(left));
  children.push_back(std::move(right));
  return call(function, std::move(children));
}

// `and` and `or` stop as soon as they know.
NodePtr logical(bool stops_at, NodePtr left, NodePtr right) {
  auto node = pair_of(nullptr, std::move(left), std::move(right));
  node->evaluate = [stops_at](const Document& document, const Children& sides) {
    return Json(truth(sides[0]->value(document)) == stops_at ? stops_at
                                                             : truth(sides[1]->value(document)));
  };
  return node;
}

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

class Parser {
 public:
  Parser(std::string_view text, std::vector<std::string>& fields) : text_(text), fields_(fields) {}

  NodePtr parse() {
    auto node = either();
    skip_space();
    if (at_ < text_.size()) fail("expected an operator or the end");
    return node;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw UserError(str("expression: ", why, " at character ", at_ + 1, ": ",
                        at_ < text_.size() ? excerpt(text_.substr(at_)) : "the end"));
  }

  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    const auto end = at_ + token.size();
    if (begins_name(token[0]) && end < text_.size() && continues_name(text_[end])) return false;
    at_ = end;
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail(str("expected '", token, "'"));
  }

  // Every nesting passes here.
  NodePtr either() {
    if (++depth_ > kMaxDepth) fail(str("nested deeper than ", kMaxDepth, " levels"));
    auto left = all();
    while (take("or") || take("||")) left = logical(true, std::move(left), all());
    --depth_;
    return left;
  }

  NodePtr all() {
    auto left = negated();
    while (take("and") || take("&&")) left = logical(false, std::move(left), negated());
    return left;
  }

  NodePtr negated() {
    bool negate = false;
    while (take("not") || (!text_.substr(at_).starts_with("!=") && take("!"))) negate = !negate;
    auto operand = binary(kComparison);
    if (!negate) return operand;
    return logical(
        false, call([](const Values& v) { return Json(!truth(v[0])); }, one(std::move(operand))),
        leaf(true));
  }

  const Operator* take_operator(int level) {
    for (const auto& op : kOperators) {
      if (op.level != level) continue;
      if (op.name == std::string_view("not in")) {
        const auto before = at_;
        if (take("not") && take("in")) return &op;
        at_ = before;
      } else if (take(op.name)) {
        return &op;
      }
    }
    return nullptr;
  }

  NodePtr binary(int level) {
    if (level > 5) return signed_value();
    auto left = binary(level + 1);
    while (const auto* op = take_operator(level)) {
      left = pair_of(op->apply, std::move(left), binary(level + 1));
      if (level == kComparison) break;  // a < b < c says something else than it looks like
    }
    return left;
  }

  NodePtr signed_value() {
    bool negative = false;
    while (take("-")) negative = !negative;
    auto node = primary();
    if (!negative) return node;
    return pair_of([](const Values& v) { return number(v, std::minus<>()); }, leaf(0),
                   std::move(node));
  }

  NodePtr primary() {
    skip_space();
    if (at_ == text_.size()) fail("expected a value");
    const char c = text_[at_];
    if (take("(")) {
      auto node = either();
      expect(")");
      return node;
    }
    if (take("[")) return list();
    if (c == '"' || c == '\'') return leaf(quoted());
    if ((c >= '0' && c <= '9') || c == '.') return leaf(literal_number());
    if (begins_name(c)) return named();
    fail("expected a value");
  }

  NodePtr list() {
    Children items;
    while (!take("]")) {
      if (!items.empty()) expect(",");
      items.push_back(either());
    }
    return call([](const Values& v) { return Json(v); }, std::move(items));
  }

  std::string quoted() {
    const char quote = text_[at_++];
    std::string out;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        const char c = text_[++at_];
        out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
      } else {
        out += text_[at_];
      }
    }
    if (at_ == text_.size()) fail("a text without its closing quote");
    ++at_;
    return out;
  }

  double literal_number() {
    double value = 0;
    const auto rest = text_.substr(at_);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) fail("not a number");
    at_ += static_cast<size_t>(end - rest.data());
    return value;
  }

  std::string name() {
    const auto begin = at_;
    while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
    if (begin == at_) fail("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }

  NodePtr named() {
    const auto first = name();
    if (first == "true" || first == "false") return leaf(first == "true");
    if (first == "null" || first == "None") return leaf(nullptr);
    if (take("(")) return function(first);
    const bool is_field = first == "row" && take(".");
    if (!is_field) {
      for (const auto& variable : expression_variables())
        if (first == variable.name) return variable_node(variable.value);
    }
    std::vector<std::string> path = {is_field ? name() : first};
    while (take(".")) path.push_back(name());
    return field(std::move(path));
  }

  NodePtr function(const std::string& called) {
    Children arguments;
    while (!take(")")) {
      if (!arguments.empty()) expect(",");
      arguments.push_back(either());
    }
    std::vector<std::string> names;
    for (const auto& known : kFunctions) {
      names.emplace_back(known.name);
      if (called != known.name) continue;
      if (arguments.size() != known.arguments)
        fail(str(called, " takes ", known.arguments, " values, got ", arguments.size()));
      return call(known.apply, std::move(arguments));
    }
    fail(str("there is no function '", called, "'", suggestion(called, names)));
  }

  static Children one(NodePtr node) {
    Children children;
    children.push_back(std::move(node));
    return children;
  }

  static NodePtr variable_node(Json (*value)(const Document&)) {
    auto node = std::make_unique<Node>();
    node->evaluate = [value](const Document& document, const Children&) { return value(document); };
    return node;
  }

  NodePtr field(std::vector<std::string> path) {
    fields_.push_back(path.front());
    auto node = std::make_unique<Node>();
    node->evaluate = [path = std::move(path)](const Document& document, const Children&) {
      auto value = document.field(path.front());
      for (size_t i = 1; i < path.size(); ++i) {
        if (!value.is_object() || !value.contains(path[i])) return Json(nullptr);
        value = Json(value[path[i]]);
      }
      return value;
    };
    return node;
  }

  std::string_view text_;
  std::vector<std::string>& fields_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Expression::Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

Expression Expression::parse(std::string_view text) {
  if (text.size() > kMaxSize)
    throw UserError(
        str("expression: ", text.size(), " bytes; more than ", kMaxSize, " are refused"));
  Expression expression;
  expression.root_ = Parser(text, expression.fields_).parse();
  std::ranges::sort(expression.fields_);
  expression.fields_.erase(std::ranges::unique(expression.fields_).begin(),
                           expression.fields_.end());
  return expression;
}

Json Expression::value(const Document& document) const { return root_->value(document); }
bool Expression::is_true(const Document& document) const { return truth(value(document)); }

}  // namespace tunewright::corpus
