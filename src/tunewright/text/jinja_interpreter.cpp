#include "tunewright/text/jinja_interpreter.h"

#include <algorithm>
#include <unordered_map>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_evaluator.h"
#include "tunewright/text/jinja_scope.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using EKind = Expression::Kind;
using SKind = Statement::Kind;

enum class Flow { Normal, Break, Continue };

class Interpreter : public Evaluator {
 public:
  Interpreter(const Tree& tree, const Dict& variables, const Limits& limits)
      : Interpreter(tree, variables, limits, std::make_shared<Scope>()) {}

  Rendered run() {
    execute(tree_.body);
    return {std::move(top_), std::move(generation_), std::move(generation_messages_)};
  }

 private:
  Interpreter(const Tree& tree, const Dict& variables, const Limits& limits,
              const std::shared_ptr<Scope>& context)
      : Evaluator(tree, limits, std::make_shared<Scope>(context)) {
    for (size_t slot = 0; slot < tree.names.size(); ++slot) {
      const Value* value = variables.find(std::string_view(tree.names[slot]));
      if (value == nullptr) {
        if (auto global = find_global(tree.names[slot])) context->set(slot, *std::move(global));
      } else {
        context->set(slot, *value);
      }
    }
    const Value* messages = variables.find(std::string_view("messages"));
    if (messages == nullptr || !messages->is(SequenceKind::List)) return;
    const Items& items = messages->sequence().items;
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].is_dict()) messages_.emplace(&items[i].dict(), i);
    }
  }

  // Enters a scope for as long as it lives.
  class Entered {
   public:
    Entered(Interpreter& interpreter, std::shared_ptr<Scope> scope)
        : interpreter_(interpreter), outer_(std::exchange(interpreter.scope_, std::move(scope))) {}
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    ~Entered() { interpreter_.scope_ = std::move(outer_); }

   private:
    Interpreter& interpreter_;
    std::shared_ptr<Scope> outer_;
  };

  std::shared_ptr<Scope> inner_scope() const { return std::make_shared<Scope>(scope_); }

  void write(std::string_view text) {
    charge_scan(text.size());
    if (out_->size() + text.size() > limits_.text_bytes) {
      throw LimitFault(
          str("the output is longer than the limit of ", limits_.text_bytes, " bytes"));
    }
    *out_ += text;
  }

  // What `body` writes, in a scope of its own.
  std::string capture(const Body& body, std::shared_ptr<Scope> scope) {
    std::string buffer;
    std::string* outer = std::exchange(out_, &buffer);
    try {
      const Entered entered(*this, std::move(scope));
      execute(body);
    } catch (...) {
      out_ = outer;
      throw;
    }
    out_ = outer;
    charge_text(buffer.size());
    return buffer;
  }

  // --- statements
  Flow execute(const Body& body) {
    for (const auto& statement : body) {
      const Flow flow = execute(*statement);
      if (flow != Flow::Normal) return flow;
    }
    return Flow::Normal;
  }

  Flow execute(const Statement& statement) {
    const Nested nested(*this);
    charge_steps(1);
    set_line(statement.line);
    switch (statement.kind) {
      case SKind::Data:
        write(statement.text);
        break;
      case SKind::Output:
        output(*statement.expression);
        break;
      case SKind::Set:
        assign(*statement.target, evaluate(*statement.expression));
        break;
      case SKind::SetBlock:
        set_block(statement);
        break;
      case SKind::For:
        run_loop(statement, evaluate(*statement.expression), 0);
        break;
      case SKind::If:
        return branch(statement);
      case SKind::With:
        with(statement);
        break;
      case SKind::Macro:
        scope_->set(statement.slot, macro(statement));
        break;
      case SKind::CallBlock:
        call_block(statement);
        break;
      case SKind::FilterBlock:
        output_text(
            apply_filters(*statement.expression, Value(capture(statement.body, inner_scope()))));
        break;
      case SKind::Generation:
        generation(statement);
        break;
      case SKind::Scope: {
        const Entered entered(*this, inner_scope());
        return execute(statement.body);
      }
      case SKind::Break:
        return Flow::Break;
      case SKind::Continue:
        return Flow::Continue;
    }
    return Flow::Normal;
  }

  void output_text(const Value& value) {
    if (value.is_string()) return write(value.string());
    write(to_text(*this, value));
  }
  void output(const Expression& expression) {
    const Value value = evaluate(expression);
    if (limits_.strict_undefined && value.is_undefined()) fail_undefined(value);
    output_text(value);
  }

  Flow branch(const Statement& first) {
    for (const Statement* one = &first;;) {
      if (truth(evaluate(*one->expression))) return execute(one->body);
      // A lone if in the else branch is an elif.
      if (one->otherwise.size() != 1 || one->otherwise[0]->kind != SKind::If)
        return execute(one->otherwise);
      one = one->otherwise[0].get();
      set_line(one->line);
    }
  }

  void set_block(const Statement& statement) {
    Value text(capture(statement.body, inner_scope()));
    if (statement.expression != nullptr)
      text = apply_filters(*statement.expression, std::move(text));
    assign(*statement.target, std::move(text));
  }

  void with(const Statement& statement) {
    auto scope = inner_scope();
    std::vector<Value> values;
    for (const auto& [target, value] : statement.assignments) values.push_back(evaluate(*value));
    const Entered entered(*this, std::move(scope));
    for (size_t i = 0; i < values.size(); ++i) assign(*statement.assignments[i].first, values[i]);
    execute(statement.body);
  }

  // As transformers counts: from the end of the output so far, also where a macro holds the block.
  void generation(const Statement& statement) {
    const std::string text = capture(statement.body, inner_scope());
    generation_.push_back({top_.size(), top_.size() + text.size()});
    generation_messages_.push_back(current_message());
    write(text);
  }

  std::optional<size_t> current_message() const {
    for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent()) {
      for (const auto& [slot, value] : scope->values()) {
        if (!value.is_dict()) continue;
        const auto at = messages_.find(&value.dict());
        if (at != messages_.end()) return at->second;
      }
    }
    return std::nullopt;
  }

  void call_block(const Statement& statement) {
    const Expression& call_expression = *statement.expression;
    const Value callee = evaluate(*call_expression.parts[0]);
    Arguments arguments = evaluate(call_expression.arguments);
    arguments.named.emplace_back("caller", macro(statement));
    output_text(call(*this, callee, std::move(arguments)));
  }

  void assign(const Expression& target, Value value) {
    if (target.kind == EKind::Name) return scope_->set(target.slot, std::move(value));
    if (target.kind == EKind::NamespaceAttribute) {
      const Value space = lookup(target);
      auto* held =
          space.is(Value::Type::Object) ? dynamic_cast<Namespace*>(&space.object()) : nullptr;
      if (held == nullptr) throw Fault("cannot assign attribute on non-namespace object");
      return held->set(*this, target.name, std::move(value));
    }
    if (value.is_none() || value.is_number())
      throw Fault(str("cannot unpack non-iterable ", type_name(value), " object"));
    const auto items = iterate(*this, value);
    const size_t wanted = target.parts.size();
    if (items->size() > wanted)
      throw Fault(str("too many values to unpack (expected ", wanted, ")"));
    if (items->size() < wanted) {
      throw Fault(
          str("not enough values to unpack (expected ", wanted, ", got ", items->size(), ")"));
    }
    for (size_t i = 0; i < wanted; ++i) assign(*target.parts[i], (*items)[i]);
  }

  // --- loops
  void run_loop(const Statement& statement, const Value& iterable, int depth0) {
    const std::shared_ptr<Scope> outer = scope_;
    const auto loop = std::make_shared<Loop>(iterate(*this, iterable), condition(statement, outer),
                                             recursion(statement, outer), depth0);
    struct Finish {
      Loop& loop;
      ~Finish() { loop.finish(); }
    } finish{*loop};
    bool completed = false;  // what Jinja looks at for else: a loop left at once has none
    std::shared_ptr<Scope> scope;
    while (auto item = loop->advance()) {
      charge_steps(1);
      set_line(statement.line);
      if (scope == nullptr || scope.use_count() > 1) scope = std::make_shared<Scope>(outer);
      scope->clear();
      const Entered entered(*this, scope);
      scope->set(kLoopSlot, Value(std::shared_ptr<Object>(loop)));
      assign(*statement.target, *std::move(item));
      const Flow flow = execute(statement.body);
      completed = completed || flow == Flow::Normal;
      if (flow == Flow::Break) break;
    }
    if (completed) return;
    const Entered entered(*this, inner_scope());
    execute(statement.otherwise);
  }

  Loop::Condition condition(const Statement& statement, const std::shared_ptr<Scope>& outer) {
    if (statement.condition == nullptr) return nullptr;
    return [this, &statement, outer](const Value& item) {
      const Entered entered(*this, std::make_shared<Scope>(outer));
      assign(*statement.target, item);
      return truth(evaluate(*statement.condition));
    };
  }

  Loop::Recurse recursion(const Statement& statement, const std::shared_ptr<Scope>& outer) {
    if (!statement.recursive) return nullptr;
    return [this, &statement, outer](const Value& iterable, int depth0) {
      const Nested nested(*this);
      std::string buffer;
      std::string* before = std::exchange(out_, &buffer);
      try {
        const Entered entered(*this, outer);
        run_loop(statement, iterable, depth0);
      } catch (...) {
        out_ = before;
        throw;
      }
      out_ = before;
      return text_value(*this, std::move(buffer));
    };
  }

  // --- macros
  Value macro(const Statement& statement) {
    if (!scope_->captured) {
      scope_->captured = true;
      keep(scope_, [scope = scope_.get()] { scope->clear(); });
    }
    charge_items(8);
    const auto run = [this](const Macro& made, std::vector<std::optional<Value>> parameters,
                            std::vector<std::pair<size_t, Value>> extra) {
      return invoke(made, std::move(parameters), std::move(extra));
    };
    return Value(std::shared_ptr<Object>(std::make_shared<Macro>(statement, scope_, run)));
  }

  Value invoke(const Macro& made, std::vector<std::optional<Value>> parameters,
               std::vector<std::pair<size_t, Value>> extra) {
    const Nested nested(*this);
    const Statement& statement = made.statement();
    const Signature& head = statement.signature;
    auto scope = std::make_shared<Scope>(made.scope());
    for (auto& [slot, value] : extra) scope->set(slot, std::move(value));
    {
      const Entered entered(*this, scope);
      const size_t without_default = head.names.size() - head.defaults.size();
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (!parameters[i]) {
          parameters[i] = i < without_default
                              ? Value::undefined("parameter " + python::repr(head.names[i]) +
                                                 " was not provided")
                              : evaluate(*head.defaults[i - without_default]);
        }
        scope->set(head.slots[i], *std::move(parameters[i]));
      }
    }
    return Value(capture(statement.body, scope));
  }

  std::string top_;
  std::string* out_ = &top_;
  std::vector<ByteSpan> generation_;
  std::vector<std::optional<size_t>> generation_messages_;
  std::unordered_map<const Dict*, size_t> messages_;
};

}  // namespace

Rendered render(const Tree& tree, const Dict& variables, const Limits& limits) {
  Interpreter interpreter(tree, variables, limits);
  try {
    return interpreter.run();
  } catch (const Fault& fault) {
    throw RenderFault(fault.what(), interpreter.line(), false);
  } catch (const LimitFault& fault) {
    throw RenderFault(fault.what(), interpreter.line(), true);
  }
}

}  // namespace tunewright::text::jinja
