#include "tunewright/text/jinja_scope.h"

#include <algorithm>

#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {

std::optional<Value> Loop::take() {
  while (next_ < items_->size()) {
    const Value& item = (*items_)[next_++];
    if (!condition_ || condition_(item)) return item;
  }
  return std::nullopt;
}

const std::optional<Value>& Loop::peek() {
  if (!peeked_) {
    after_ = take();
    peeked_ = true;
  }
  return after_;
}

std::optional<Value> Loop::advance() {
  std::optional<Value> item = peek();
  peeked_ = false;
  after_.reset();
  if (!item) return item;
  ++index0_;
  before_ = std::exchange(current_, item);
  return item;
}

// Lets go of the values: a loop that a template holds on to must not hold the loops before it.
void Loop::finish() {
  items_ = std::make_shared<const Items>();
  condition_ = nullptr;
  recurse_ = nullptr;
  before_ = current_ = after_ = last_changed_ = std::nullopt;
}

int64_t Loop::length() {
  if (length_) return *length_;
  if (!condition_) {
    length_ = static_cast<int64_t>(items_->size());
    return *length_;
  }
  auto rest = std::make_shared<Items>();
  while (auto item = take()) rest->push_back(*std::move(item));
  length_ = static_cast<int64_t>(rest->size()) + index0_ + 1 + (after_ ? 1 : 0);
  items_ = std::move(rest);
  next_ = 0;
  condition_ = nullptr;
  return *length_;
}

std::string Loop::repr() const {
  return str("<LoopContext ", index0_ + 1, "/", items_->size(), ">");
}

Value Loop::call(Runtime&, Arguments arguments) {
  const auto bound = bind("loop", std::move(arguments), {"iterable"}, 1);
  if (!recurse_) throw Fault("The loop must have the 'recursive' marker to be called recursively.");
  return recurse_(bound[0], depth0_ + 1);
}

Value Loop::changed(Runtime& runtime, Arguments arguments) {
  Value value = Value::sequence(std::move(arguments.positional), SequenceKind::Tuple);
  if (last_changed_ && equal(runtime, *last_changed_, value)) return Value(false);
  last_changed_ = std::move(value);
  return Value(true);
}

Value Loop::cycle(Arguments arguments) const {
  if (arguments.positional.empty()) throw Fault("no items for cycling given");
  return arguments.positional[static_cast<size_t>(index0_) % arguments.positional.size()];
}

std::optional<Value> Loop::attribute(Runtime&, const std::string& name) {
  if (name == "index") return Value(index0_ + 1);
  if (name == "index0") return Value(index0_);
  if (name == "first") return Value(index0_ == 0);
  if (name == "last") return Value(!peek().has_value());
  if (name == "length") return Value(length());
  if (name == "revindex") return Value(length() - index0_);
  if (name == "revindex0") return Value(length() - index0_ - 1);
  if (name == "depth") return Value(int64_t{depth0_} + 1);
  if (name == "depth0") return Value(int64_t{depth0_});
  if (name == "previtem")
    return index0_ == 0 || !before_ ? Value::undefined("there is no previous item") : *before_;
  if (name == "nextitem") return peek().value_or(Value::undefined("there is no next item"));
  if (name == "cycle") {
    return make_function(
        name, [this](Runtime&, Arguments arguments) { return cycle(std::move(arguments)); });
  }
  if (name == "changed") {
    return make_function(name, [this](Runtime& runtime, Arguments arguments) {
      return changed(runtime, std::move(arguments));
    });
  }
  return std::nullopt;
}

Value Macro::call(Runtime& runtime, Arguments arguments) {
  const Signature& head = statement_.signature;
  runtime.charge_steps(1);
  std::vector<std::optional<Value>> parameters(head.names.size());
  std::vector<std::pair<size_t, Value>> extra;
  const size_t given = std::min(arguments.positional.size(), head.names.size());
  for (size_t i = 0; i < given; ++i) parameters[i] = arguments.positional[i];
  for (size_t i = given; i < head.names.size(); ++i) parameters[i] = arguments.take(head.names[i]);
  const bool own_caller =
      std::find(head.names.begin(), head.names.end(), "caller") != head.names.end();
  if (head.uses_caller && !own_caller) {
    extra.emplace_back(kCallerSlot,
                       arguments.take("caller").value_or(Value::undefined("No caller defined")));
  }
  if (head.uses_kwargs) {
    auto rest = std::make_shared<Dict>();
    for (auto& [name, value] : arguments.named) rest->set(Value(name), std::move(value));
    extra.emplace_back(kKwargsSlot, Value(std::shared_ptr<const Dict>(std::move(rest))));
  } else if (!arguments.named.empty()) {
    throw Fault(str("macro '", head.name, "' takes no keyword argument ",
                    python::repr(arguments.named[0].first)));
  }
  if (head.uses_varargs) {
    Items rest(arguments.positional.begin() + static_cast<ptrdiff_t>(given),
               arguments.positional.end());
    extra.emplace_back(kVarargsSlot, Value::sequence(std::move(rest), SequenceKind::Tuple));
  } else if (arguments.positional.size() > head.names.size()) {
    throw Fault(
        str("macro '", head.name, "' takes not more than ", head.names.size(), " argument(s)"));
  }
  return invoke_(*this, std::move(parameters), std::move(extra));
}

std::optional<Value> Macro::attribute(Runtime& runtime, const std::string& name) {
  if (name == "name") return Value(statement_.signature.name);
  if (name == "arguments") {
    const auto& names = statement_.signature.names;
    return list_value(runtime, Items(names.begin(), names.end()), SequenceKind::Tuple);
  }
  if (name == "catch_kwargs") return Value(statement_.signature.uses_kwargs);
  if (name == "catch_varargs") return Value(statement_.signature.uses_varargs);
  if (name == "caller") return Value(statement_.signature.uses_caller);
  return std::nullopt;
}

}  // namespace tunewright::text::jinja
