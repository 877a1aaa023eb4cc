// range, dict, namespace, cycler, joiner, raise_exception and strftime_now.
#include <array>
#include <ctime>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"

namespace tunewright::text::jinja {
namespace {

constexpr uint64_t kMaxRange = 100'000;  // the sandbox's own limit

Value range(Runtime& runtime, Arguments arguments) {
  const auto bound = bind("range", std::move(arguments), {"start", "stop", "step"}, 1);
  const int64_t start = bound.has(1) ? to_index(bound[0]) : 0,
                stop = to_index(bound.has(1) ? bound[1] : bound[0]);
  const int64_t step = bound.has(2) ? to_index(bound[2]) : 1;
  if (step == 0) throw Fault("range() arg 3 must not be zero");
  const bool empty = step > 0 ? start >= stop : start <= stop;
  const uint64_t span = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                 : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
  const uint64_t width = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t count = empty ? 0 : (span - 1) / width + 1;
  if (count > kMaxRange) {
    throw Fault(
        str("Range too big. The sandbox blocks ranges larger than MAX_RANGE (", kMaxRange, ")."));
  }
  Items items;
  items.reserve(count);
  // Unsigned, as the last product may leave the range before the sum comes back into it.
  for (uint64_t i = 0; i < count; ++i) {
    items.emplace_back(
        static_cast<int64_t>(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(step)));
  }
  std::string name = str("range(", start, ", ", stop, step == 1 ? "" : str(", ", step), ")");
  return list_value(runtime, std::move(items), SequenceKind::Range, std::move(name));
}

// dict(mapping or pairs, key=value, …)
Value make_dict(Runtime& runtime, Arguments arguments) {
  auto dict = std::make_shared<Dict>();
  if (arguments.positional.size() > 1) {
    throw Fault(str("dict expected at most 1 argument, got ", arguments.positional.size()));
  }
  for (const Value& source : arguments.positional) {
    if (source.is_dict()) *dict = source.dict();
    if (source.is_dict()) continue;
    for (const Value& pair : Iteration(iterate(runtime, source))) {
      const auto both = iterate(runtime, pair);
      if (both->size() != 2) throw Fault("dictionary update sequence elements must have length 2");
      dict->set((*both)[0], (*both)[1]);
    }
  }
  for (auto& [name, value] : arguments.named) dict->set(Value(name), std::move(value));
  runtime.charge_items(dict->items().size() * 2);
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

class DictType : public Object {
 public:
  std::string type_name() const override { return "TemplateDict"; }
  std::string repr() const override { return "<TemplateDict object>"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override {
    return make_dict(runtime, std::move(arguments));
  }
  std::optional<Value> attribute(Runtime&, const std::string& name) override {
    if (name != "fromkeys") return std::nullopt;
    return bound_method(name, Value(), dict_method(name));
  }
};

class Cycler : public Object {
 public:
  explicit Cycler(Items items) : items_(std::move(items)) {
    if (items_.empty()) throw Fault("at least one item has to be provided");
  }
  std::string type_name() const override { return "Cycler"; }
  std::string repr() const override { return "<Cycler object>"; }
  std::optional<Value> attribute(Runtime&, const std::string& name) override;

  Items items_;
  size_t position_ = 0;
};

// The functions hold no reference to the cycler itself: it outlives them in the runtime's keeping.
std::optional<Value> Cycler::attribute(Runtime&, const std::string& name) {
  if (name == "current") return items_[position_];
  if (name == "next") {
    return make_function(name, [this](Runtime&, Arguments) {
      const Value item = items_[position_];
      position_ = (position_ + 1) % items_.size();
      return item;
    });
  }
  if (name == "reset") {
    return make_function(name, [this](Runtime&, Arguments) {
      position_ = 0;
      return Value();
    });
  }
  return std::nullopt;
}

Value make_cycler(Runtime& runtime, Arguments arguments) {
  auto cycler = std::make_shared<Cycler>(std::move(arguments.positional));
  runtime.keep(cycler, [raw = cycler.get()] { raw->items_.clear(); });
  return Value(std::shared_ptr<Object>(std::move(cycler)));
}

class Joiner : public Object {
 public:
  explicit Joiner(Value separator)
      : depth_(nested_in(separator.depth())), separator_(std::move(separator)) {}
  std::string type_name() const override { return "Joiner"; }
  std::string repr() const override { return "<Joiner object>"; }
  bool callable() const override { return true; }
  int depth() const override { return depth_; }
  Value call(Runtime&, Arguments) override {
    return std::exchange(used_, true) ? separator_ : Value("");
  }

 private:
  int depth_;
  Value separator_;
  bool used_ = false;
};

Value make_joiner(Runtime&, Arguments arguments) {
  const auto bound = bind("joiner", std::move(arguments), {"sep"});
  return Value(std::shared_ptr<Object>(std::make_shared<Joiner>(bound.value_or(0, Value(", ")))));
}

Value make_namespace(Runtime& runtime, Arguments arguments) {
  return Namespace::make(runtime, make_dict(runtime, std::move(arguments)));
}

Value raise_exception(Runtime& runtime, Arguments arguments) {
  const auto bound = bind("raise_exception", std::move(arguments), {"message"}, 1);
  throw Fault(to_text(runtime, bound[0]));
}

Value strftime_now(Runtime& runtime, Arguments arguments) {
  const auto bound = bind("strftime_now", std::move(arguments), {"format"}, 1);
  const std::string& format = to_string(bound[0], "strftime() argument 1");
  if (format.size() > 1000)
    throw LimitFault("a format of strftime_now is longer than the limit of 1000 bytes");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32768> buffer{};
  // A leading letter tells an empty result from one that does not fit.
  const size_t size = std::strftime(buffer.data(), buffer.size(), ("x" + format).c_str(), &local);
  if (size == 0) throw LimitFault("the result of strftime_now is too long");
  return text_value(runtime, std::string(buffer.data() + 1, size - 1));
}

}  // namespace

std::optional<Value> find_global(std::string_view name) {
  using Body = Value (*)(Runtime&, Arguments);
  constexpr std::array kFunctions = {
      std::pair<std::string_view, Body>{"range", range},
      std::pair<std::string_view, Body>{"namespace", make_namespace},
      std::pair<std::string_view, Body>{"cycler", make_cycler},
      std::pair<std::string_view, Body>{"joiner", make_joiner},
      std::pair<std::string_view, Body>{"raise_exception", raise_exception},
      std::pair<std::string_view, Body>{"strftime_now", strftime_now},
  };
  if (name == "dict") return Value(std::shared_ptr<Object>(std::make_shared<DictType>()));
  for (const auto& [known, body] : kFunctions) {
    if (known == name) return make_function(std::string(name), body);
  }
  return std::nullopt;
}

}  // namespace tunewright::text::jinja
