#include "tunewright/text/jinja_runtime.h"

#include <algorithm>

#include "tunewright/base/str.h"

namespace tunewright::text::jinja {

void Runtime::charge_steps(size_t steps) {
  steps_left_ -= static_cast<int64_t>(std::min<size_t>(steps, size_t{1} << 40));
  if (steps_left_ >= 0) return;
  throw LimitFault(str("the rendering takes more than ", limits_.steps,
                       " steps; does a loop or a macro never end?"));
}

void Runtime::charge_text(size_t bytes) {
  if (bytes > limits_.text_bytes) {
    throw LimitFault(
        str("a text of ", bytes, " bytes is longer than the limit of ", limits_.text_bytes));
  }
  charge_scan(bytes);
  memory_used_ += bytes + sizeof(String);
  if (memory_used_ > limits_.memory_bytes) {
    throw LimitFault(
        str("the rendering makes more than ", limits_.memory_bytes, " bytes of values"));
  }
}

void Runtime::charge_items(size_t count) {
  charge_steps(count / 8 + 1);
  const size_t most = limits_.memory_bytes / sizeof(Value);
  memory_used_ += std::min(count, most) * sizeof(Value) + sizeof(Sequence);
  if (count > most || memory_used_ > limits_.memory_bytes) {
    throw LimitFault(
        str("the rendering makes more than ", limits_.memory_bytes, " bytes of values"));
  }
}

void Runtime::keep(std::shared_ptr<void> object, std::function<void()> clear) {
  charge_items(8);
  kept_.emplace_back(std::move(object), std::move(clear));
}

// Every kept object outlives the clearing of all, so no chain of them is destroyed recursively.
Runtime::~Runtime() {
  for (auto& [object, clear] : kept_) clear();
}

Runtime::Nested::Nested(Runtime& runtime) : runtime_(runtime) {
  if (runtime.depth_ >= runtime.limits_.depth) {
    throw LimitFault(str("the template is nested deeper than ", runtime.limits_.depth,
                         " levels; does a macro call itself without an end?"));
  }
  ++runtime.depth_;
}

namespace {

class Function : public Object {
 public:
  Function(std::string name, std::function<Value(Runtime&, Arguments)> body, int depth)
      : name_(std::move(name)), body_(std::move(body)), depth_(depth) {}
  std::string type_name() const override { return "function"; }
  std::string repr() const override { return "<function " + name_ + ">"; }
  bool callable() const override { return true; }
  int depth() const override { return depth_; }
  Value call(Runtime& runtime, Arguments arguments) override {
    return body_(runtime, std::move(arguments));
  }

 private:
  std::string name_;
  std::function<Value(Runtime&, Arguments)> body_;
  int depth_;
};

}  // namespace

const Value& Bound::operator[](size_t i) const {
  static const Value none;
  const auto& value = values_[i];
  return value ? *value : none;
}

Bound bind(std::string_view function, Arguments arguments,
           std::initializer_list<std::string_view> names, size_t required) {
  if (arguments.positional.size() > names.size()) {
    throw Fault(str(function, "() takes at most ", names.size(), " argument(s) but ",
                    arguments.positional.size(), " were given"));
  }
  Bound bound(names.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i)
    bound.set(i, std::move(arguments.positional[i]));
  for (auto& [name, value] : arguments.named) {
    const auto at =
        static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    if (at == names.size())
      throw Fault(str(function, "() got an unexpected keyword argument '", name, "'"));
    if (bound.has(at))
      throw Fault(str(function, "() got multiple values for argument '", name, "'"));
    bound.set(at, std::move(value));
  }
  for (size_t i = 0; i < required; ++i) {
    if (!bound.has(i))
      throw Fault(str(function, "() missing required argument '", names.begin()[i], "'"));
  }
  return bound;
}

Value make_function(std::string name, std::function<Value(Runtime&, Arguments)> body, int depth) {
  return Value(
      std::shared_ptr<Object>(std::make_shared<Function>(std::move(name), std::move(body), depth)));
}

Value bound_method(std::string name, Value self, Method method) {
  const int depth = nested_in(self.depth());
  const auto body = [self = std::move(self), method](Runtime& runtime, Arguments arguments) {
    return method(runtime, self, std::move(arguments));
  };
  return make_function(std::move(name), body, depth);
}

Value text_value(Runtime& runtime, std::string text, bool markup) {
  runtime.charge_text(text.size());
  return Value(std::move(text), markup);
}

Value list_value(Runtime& runtime, Items items, SequenceKind kind, std::string name) {
  runtime.charge_items(items.size());
  return Value::sequence(std::move(items), kind, std::move(name));
}

Value text_list(Runtime& runtime, std::vector<std::string> texts) {
  Items items;
  items.reserve(texts.size());
  for (std::string& text : texts) items.push_back(text_value(runtime, std::move(text)));
  return list_value(runtime, std::move(items));
}

void fail_undefined(const Value& value) { throw Fault(value.undefined_message()); }

int64_t to_index(const Value& value) {
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_integral())
    throw Fault(str("'", type_name(value), "' object cannot be interpreted as an integer"));
  return value.integer();
}

const std::string& to_string(const Value& value, std::string_view what) {
  if (!value.is_string()) throw Fault(str(what, " must be str, not ", type_name(value)));
  return value.string();
}

Value Namespace::make(Runtime& runtime, const Value& attributes) {
  auto space = std::make_shared<Namespace>();
  for (const auto& [name, value] : attributes.dict().items())
    space->set(runtime, to_string(name, "a name"), value);
  runtime.keep(space, [raw = space.get()] { raw->clear(); });
  return Value(std::shared_ptr<Object>(std::move(space)));
}

void Namespace::set(Runtime& runtime, const std::string& name, Value value) {
  if (name.starts_with('_')) {
    throw Fault(
        str("Chat templates cannot store underscore-prefixed attributes on a namespace, but got '",
            name, "'. Please rename the attribute."));
  }
  for (auto& [known, held] : attributes_) {
    if (known == name) {
      held = std::move(value);
      return;
    }
  }
  runtime.charge_items(2);
  attributes_.emplace_back(name, std::move(value));
}

std::optional<Value> Namespace::attribute(Runtime&, const std::string& name) {
  for (const auto& [known, value] : attributes_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

}  // namespace tunewright::text::jinja
