#include "tunewright/observe/catalogue/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::observe {

struct Filter::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare };
  Kind kind = Kind::kCompare;
  std::unique_ptr<Node> left, right;
  std::string key, operation, value;  // of kCompare
};

namespace {

using Node = Filter::Node;
constexpr std::array kOperations = {"<=", ">=", "!=", "==", "<", ">", "=", "~"};
constexpr int kDeepest = 100;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_word(char c) {
  return !is_space(c) && c != '(' && c != ')' && c != '<' && c != '>' && c != '=' && c != '!' &&
         c != '~' && c != '"' && c != '\'';
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<std::string>& keys) : text_(text), keys_(keys) {}

  std::unique_ptr<Node> parse() {
    skip();
    if (at_ == text_.size()) return nullptr;
    auto node = any_of();
    if (at_ < text_.size()) fail("expected `and`, `or` or the end");
    return node;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw UserError(str("--filter '", excerpt(text_, 200), "': ", what, " at '",
                        excerpt(text_.substr(std::min(at_, text_.size())), 30),
                        "'; write as in 'eval_loss<1.2 and adapter=lora'"));
  }
  void skip() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    skip();
    return true;
  }
  bool take_word(std::string_view word) {
    const auto rest = text_.substr(at_);
    if (!rest.starts_with(word) || (rest.size() > word.size() && is_word(rest[word.size()])))
      return false;
    return take(word);
  }
  std::unique_ptr<Node> joined(Node::Kind kind, std::unique_ptr<Node> left,
                               std::unique_ptr<Node> right) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->left = std::move(left);
    node->right = std::move(right);
    return node;
  }
  std::unique_ptr<Node> any_of() {
    auto node = all_of();
    while (take_word("or")) node = joined(Node::Kind::kOr, std::move(node), all_of());
    return node;
  }
  std::unique_ptr<Node> all_of() {
    auto node = one();
    while (take_word("and") || take(",")) {
      node = joined(Node::Kind::kAnd, std::move(node), one());
    }
    return node;
  }
  std::unique_ptr<Node> one() {
    if (++depth_ > kDeepest) fail("too many brackets");
    std::unique_ptr<Node> node;
    if (take_word("not")) {
      node = joined(Node::Kind::kNot, one(), nullptr);
    } else if (take("(")) {
      node = any_of();
      if (!take(")")) fail("expected ')'");
    } else {
      node = comparison();
    }
    --depth_;
    return node;
  }
  std::unique_ptr<Node> comparison() {
    auto node = std::make_unique<Node>();
    node->key = word("a name");
    const auto* operation =
        std::ranges::find_if(kOperations, [&](const char* o) { return take(o); });
    if (operation == kOperations.end()) fail("expected one of = != < <= > >= ~");
    node->operation = std::string_view(*operation) == "==" ? "=" : *operation;
    node->value = word("a value");
    keys_.push_back(node->key);
    return node;
  }
  std::string word(std::string_view expected) {
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const auto end = text_.find(text_[at_], at_ + 1);
      if (end == std::string_view::npos) fail("a quote that does not end");
      const std::string value(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      skip();
      return value;
    }
    const auto begin = at_;
    while (at_ < text_.size() && is_word(text_[at_]) && text_[at_] != ',') ++at_;
    if (at_ == begin) fail(str("expected ", expected));
    const std::string value(text_.substr(begin, at_ - begin));
    skip();
    return value;
  }

  std::string_view text_;
  std::vector<std::string>& keys_;
  size_t at_ = 0;
  int depth_ = 0;
};

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// -1, 0 or 1; as numbers where both are, else as texts.
int order_of(const Json& fact, const std::string& value) {
  const auto number = number_of(value);
  if (number && fact.is_number()) {
    const auto left = fact.get<double>();
    return left < *number ? -1 : left > *number ? 1 : 0;
  }
  const auto text = fact_text(fact);
  return text < value ? -1 : text > value ? 1 : 0;
}

bool compares(const Node& node, const RunRecord& run) {
  const auto& value = fact(run, node.key);
  if (value.is_null() && node.value != "null") return node.operation == "!=";
  if (value.is_null()) return node.operation == "=";
  if (node.operation == "~")
    return to_lower(fact_text(value)).find(to_lower(node.value)) != std::string::npos;
  const bool ordered = node.operation.front() == '<' || node.operation.front() == '>';
  // A text is not less than a number.
  if (ordered && value.is_number() != number_of(node.value).has_value()) return false;
  const int order = order_of(value, node.value);
  if (node.operation == "=") return order == 0;
  if (node.operation == "!=") return order != 0;
  if (node.operation == "<") return order < 0;
  if (node.operation == "<=") return order <= 0;
  if (node.operation == ">") return order > 0;
  return order >= 0;
}

bool holds(const Node& node, const RunRecord& run) {
  switch (node.kind) {
    case Node::Kind::kAnd:
      return holds(*node.left, run) && holds(*node.right, run);
    case Node::Kind::kOr:
      return holds(*node.left, run) || holds(*node.right, run);
    case Node::Kind::kNot:
      return !holds(*node.left, run);
    case Node::Kind::kCompare:
      return compares(node, run);
  }
  return false;
}

void require_known(const std::vector<RunRecord>& runs, const std::string& key,
                   std::string_view flag) {
  std::set<std::string> names, ends;
  for (const auto& run : runs) {
    if (!fact_name(run.facts, key).empty()) return;
    for (const auto& [name, value] : run.facts.items()) {
      names.insert(name);
      if (name.ends_with("." + key)) ends.insert(name);
    }
  }
  if (runs.empty()) return;
  if (ends.size() > 1) {
    const std::vector<std::string> list(ends.begin(), ends.end());
    throw UserError(str(flag, ": '", key, "' is the end of several names: ", join(list, ", ")));
  }
  std::vector<std::string> list(names.begin(), names.end());
  for (const auto& name : names) {
    if (const auto dot = name.rfind('.'); dot != std::string::npos)
      list.push_back(name.substr(dot + 1));
  }
  const auto near = nearest(key, list);
  throw UserError(str(flag, ": no run knows '", key, "'",
                      near.empty() ? "; `runs show RUN` lists the names there are"
                                   : str(" (did you mean '", near, "'?)")));
}

}  // namespace

Filter::Filter(std::string_view text) : root_(Parser(text, keys_).parse()) {}
Filter::Filter(Filter&&) noexcept = default;
Filter::~Filter() = default;

bool Filter::passes(const RunRecord& run) const { return !root_ || holds(*root_, run); }

std::vector<RunRecord> select(std::vector<RunRecord> runs, const Filter& filter) {
  for (const auto& key : filter.keys()) require_known(runs, key, "--filter");
  std::erase_if(runs, [&](const RunRecord& run) { return !filter.passes(run); });
  return runs;
}

void sort_by(std::vector<RunRecord>& runs, std::string_view key) {
  const bool descending = key.starts_with('-');
  const std::string name(descending ? key.substr(1) : key);
  require_known(runs, name, "--sort");
  std::ranges::stable_sort(runs, [&](const RunRecord& a, const RunRecord& b) {
    const auto &left = fact(a, name), &right = fact(b, name);
    if (left.is_null() || right.is_null()) return !left.is_null() && right.is_null();
    return descending ? right < left : left < right;
  });
}

}  // namespace tunewright::observe
