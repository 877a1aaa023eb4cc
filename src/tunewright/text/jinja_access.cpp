// Attributes, items, slices and calls, as the immutable sandbox allows them.
#include <algorithm>
#include <array>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Type = Value::Type;

constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault",
                                                          "update"};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear", "pop",    "reverse",
                                                          "insert", "sort",  "extend", "remove"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value unsafe(const Value& object, const std::string& name) {
  return Value::undefined(str("access to attribute ", python::repr(name), " of '",
                              type_name(object), "' object is unsafe."));
}

std::optional<Value> bind_method(const Value& object, const std::string& name, Method method) {
  if (method == nullptr) return std::nullopt;
  return bound_method(name, object, method);
}

Method method_of(const Value& object, std::string_view name) {
  if (object.is_string()) return string_method(name);
  if (object.is_dict()) return dict_method(name);
  if (object.is(Type::Sequence)) return sequence_method(object, name);
  return object.is_number() ? number_method(object, name) : nullptr;
}

std::optional<Value> group_part(const Value& object, const std::string& name) {
  if (!object.is(SequenceKind::Group)) return std::nullopt;
  if (name == "grouper") return object.sequence().items[0];
  if (name == "list") return object.sequence().items[1];
  return std::nullopt;
}

// Python's getattr(), as the sandbox sees its result; none where Python has no such attribute.
std::optional<Value> python_attribute(Runtime& runtime, const Value& object,
                                      const std::string& name) {
  if (object.is_undefined()) fail_undefined(object);
  if (object.is(Type::Object)) {
    if (auto value = object.object().attribute(runtime, name)) return value;
  }
  if (name.size() > 4 && name.starts_with("__") && name.ends_with("__"))
    return unsafe(object, name);
  if (object.is_dict() && is_one_of(kDictChanges, name)) return unsafe(object, name);
  if (object.is(SequenceKind::List) && is_one_of(kListChanges, name)) return unsafe(object, name);
  if (auto part = group_part(object, name)) return part;
  return bind_method(object, name, method_of(object, name));
}

Value missing(Runtime& runtime, const Value& object, const Value& key) {
  if (key.is_string()) {
    return Value::undefined(
        str("'", object_type(object), "' has no attribute ", python::repr(key.string())));
  }
  return Value::undefined(str(object_type(object), " has no element ", repr(runtime, key)));
}

bool hashable(const Value& value) {
  if (value.is_dict() || value.is(SequenceKind::List)) return false;
  if (!value.is(Type::Sequence)) return true;
  const Items& items = value.sequence().items;
  return std::all_of(items.begin(), items.end(), hashable);
}

bool indexable(const Value& object) {
  if (!object.is(Type::Sequence)) return object.is_string();
  const SequenceKind kind = object.sequence().kind;
  return kind == SequenceKind::List || kind == SequenceKind::Tuple || kind == SequenceKind::Group ||
         kind == SequenceKind::Range;
}

std::string point_at(const std::string& text, int64_t index) {
  if (python::is_ascii(text)) return text.substr(static_cast<size_t>(index), 1);
  const std::u32string points = python::decode(text);
  return python::encode({&points[static_cast<size_t>(index)], 1});
}

// object[key] as Python has it; none where that is a TypeError or a LookupError.
std::optional<Value> python_item(Runtime& runtime, const Value& object, const Value& key) {
  if (object.is_undefined()) fail_undefined(object);
  if (object.is_dict()) {
    if (!hashable(key)) return std::nullopt;
    const Value* value = object.dict().find(key);
    return value == nullptr ? std::nullopt : std::optional<Value>(*value);
  }
  if (!indexable(object) || !key.is_integral()) return std::nullopt;
  const int64_t size = length(runtime, object);
  const int64_t index = key.integer() < 0 ? key.integer() + size : key.integer();
  if (index < 0 || index >= size) return std::nullopt;
  if (object.is_string())
    return text_value(runtime, point_at(object.string(), index), object.is_markup());
  return object.sequence().items[static_cast<size_t>(index)];
}

struct Range {
  int64_t start, step;
  size_t count;
};

int64_t slice_index(const Value& value) {
  if (value.is_undefined() || !value.is_integral()) {
    throw Fault("slice indices must be integers or None or have an __index__ method");
  }
  return value.integer();
}

// Python's slice.indices().
Range resolve(int64_t size, const Value& start, const Value& stop, const Value& step) {
  const int64_t stride = step.is_none() ? 1 : slice_index(step);
  if (stride == 0) throw Fault("slice step cannot be zero");
  const int64_t lowest = stride < 0 ? -1 : 0, highest = stride < 0 ? size - 1 : size;
  const auto clamp = [&](const Value& value, int64_t otherwise) {
    if (value.is_none()) return otherwise;
    const int64_t index = slice_index(value);
    return std::clamp(index < 0 ? index + size : index, lowest, highest);
  };
  const int64_t from = clamp(start, stride < 0 ? highest : lowest);
  const int64_t to = clamp(stop, stride < 0 ? lowest : highest);
  const bool empty = stride < 0 ? to >= from : from >= to;
  const uint64_t span =
      stride < 0 ? static_cast<uint64_t>(from - to) : static_cast<uint64_t>(to - from);
  const uint64_t width =
      stride < 0 ? 0 - static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
  return {from, stride, empty ? 0 : static_cast<size_t>((span - 1) / width + 1)};
}

template <class Container>
Container pick(const Container& all, const Range& range) {
  Container picked;
  picked.reserve(range.count);
  for (size_t i = 0; i < range.count; ++i) {
    picked.push_back(all[static_cast<size_t>(range.start + static_cast<int64_t>(i) * range.step)]);
  }
  return picked;
}

}  // namespace

Value get_attribute(Runtime& runtime, const Value& object, const std::string& name) {
  if (auto value = python_attribute(runtime, object, name)) return *std::move(value);
  if (object.is_dict()) {
    if (const Value* value = object.dict().find(std::string_view(name))) return *value;
  }
  return missing(runtime, object, Value(name));
}

Value get_item(Runtime& runtime, const Value& object, const Value& key) {
  if (auto value = python_item(runtime, object, key)) return *std::move(value);
  if (key.is_string()) {
    if (auto value = python_attribute(runtime, object, key.string())) return *std::move(value);
  }
  return missing(runtime, object, key);
}

Value slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
            const Value& step) {
  if (object.is_undefined()) fail_undefined(object);
  if (object.is_dict()) throw Fault("unhashable type: 'slice'");
  if (!indexable(object)) throw Fault(str("'", type_name(object), "' object is not subscriptable"));
  const Range range = resolve(length(runtime, object), start, stop, step);
  if (object.is_string()) {
    const std::string& text = object.string();
    std::string part = python::is_ascii(text) ? pick(text, range)
                                              : python::encode(pick(python::decode(text), range));
    return text_value(runtime, std::move(part), object.is_markup());
  }
  const SequenceKind kind =
      object.is(SequenceKind::Group) ? SequenceKind::Tuple : object.sequence().kind;
  return list_value(runtime, pick(object.sequence().items, range), kind);
}

Value call(Runtime& runtime, const Value& callee, Arguments arguments) {
  if (callee.is_undefined()) fail_undefined(callee);
  if (!callee.is(Type::Object))
    throw Fault(str("'", type_name(callee), "' object is not callable"));
  return callee.object().call(runtime, std::move(arguments));
}

}  // namespace tunewright::text::jinja
