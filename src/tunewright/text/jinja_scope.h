#pragma once
// What runs inside a template: scopes of names, loops and macros.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/text/jinja_parser.h"
#include "tunewright/text/jinja_runtime.h"

namespace tunewright::text::jinja {

// Names by slot.  A new scope sees its parents; what is set in it is not seen outside.
class Scope {
 public:
  explicit Scope(std::shared_ptr<Scope> parent = nullptr) : parent_(std::move(parent)) {}

  const Value* find(size_t slot) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_.get()) {
      for (const auto& [known, value] : scope->values_) {
        if (known == slot) return &value;
      }
    }
    return nullptr;
  }

  void set(size_t slot, Value value) {
    for (auto& [known, held] : values_) {
      if (known == slot) {
        held = std::move(value);
        return;
      }
    }
    values_.emplace_back(slot, std::move(value));
  }

  void clear() { values_.clear(); }
  const Scope* parent() const { return parent_.get(); }
  const std::vector<std::pair<size_t, Value>>& values() const { return values_; }
  bool captured = false;  // a macro may use it later

 private:
  std::shared_ptr<Scope> parent_;
  std::vector<std::pair<size_t, Value>> values_;
};

// The variable `loop`.
class Loop : public Object {
 public:
  using Condition = std::function<bool(const Value&)>;  // of "for … if …"; may be empty
  using Recurse = std::function<Value(const Value& iterable, int depth0)>;

  Loop(std::shared_ptr<const Items> items, Condition condition, Recurse recurse, int depth0)
      : items_(std::move(items)),
        condition_(std::move(condition)),
        recurse_(std::move(recurse)),
        depth0_(depth0) {}

  // The next item; none at the end.
  std::optional<Value> advance();
  void finish();

  std::string type_name() const override { return "LoopContext"; }
  std::string repr() const override;
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override;
  std::optional<Value> attribute(Runtime& runtime, const std::string& name) override;

 private:
  std::optional<Value> take();
  const std::optional<Value>& peek();
  int64_t length();
  Value changed(Runtime& runtime, Arguments arguments);
  Value cycle(Arguments arguments) const;

  std::shared_ptr<const Items> items_;
  Condition condition_;
  Recurse recurse_;
  int depth0_ = 0;
  size_t next_ = 0;
  int64_t index0_ = -1;
  std::optional<int64_t> length_;
  std::optional<Value> before_, current_, after_, last_changed_;
  bool peeked_ = false;
};

// A macro, or the body of a call block.
class Macro : public Object {
 public:
  // Runs the body with the parameters, and the extra names, in a scope whose parent is the macro's.
  using Invoke = std::function<Value(const Macro&, std::vector<std::optional<Value>> parameters,
                                     std::vector<std::pair<size_t, Value>> extra)>;

  Macro(const Statement& statement, std::shared_ptr<Scope> scope, Invoke invoke)
      : statement_(statement), scope_(std::move(scope)), invoke_(std::move(invoke)) {}

  const Statement& statement() const { return statement_; }
  const std::shared_ptr<Scope>& scope() const { return scope_; }
  std::string type_name() const override { return "Macro"; }
  std::string repr() const override { return "<Macro '" + statement_.signature.name + "'>"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override;
  std::optional<Value> attribute(Runtime& runtime, const std::string& name) override;

 private:
  const Statement& statement_;
  std::shared_ptr<Scope> scope_;
  Invoke invoke_;
};

}  // namespace tunewright::text::jinja
