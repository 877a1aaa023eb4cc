// The methods of dicts, lists, tuples, ranges and numbers.  Those that change a value are not
// there.
#include <algorithm>
#include <bit>
#include <cmath>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"

namespace tunewright::text::jinja {
namespace {

Value dict_get(Runtime&, const Value& self, Arguments arguments) {
  const auto bound = bind("get", std::move(arguments), {"key", "default"}, 1);
  const Value* value = self.dict().find(bound[0]);
  if (value != nullptr) return *value;
  return bound[1];
}

Value dict_items(Runtime& runtime, const Value& self, Arguments arguments) {
  bind("items", std::move(arguments), {});
  Items items;
  runtime.charge_items(self.dict().items().size() * 3);
  for (const auto& [key, value] : self.dict().items()) {
    items.push_back(Value::sequence({key, value}, SequenceKind::Tuple));
  }
  return Value::sequence(std::move(items), SequenceKind::DictItems);
}

Value dict_keys(Runtime& runtime, const Value& self, Arguments arguments) {
  bind("keys", std::move(arguments), {});
  Items keys;
  for (const auto& [key, value] : self.dict().items()) keys.push_back(key);
  return list_value(runtime, std::move(keys), SequenceKind::DictKeys);
}

Value dict_values(Runtime& runtime, const Value& self, Arguments arguments) {
  bind("values", std::move(arguments), {});
  Items values;
  for (const auto& [key, value] : self.dict().items()) values.push_back(value);
  return list_value(runtime, std::move(values), SequenceKind::DictValues);
}

Value dict_copy(Runtime& runtime, const Value& self, Arguments arguments) {
  bind("copy", std::move(arguments), {});
  runtime.charge_items(self.dict().items().size() * 2);
  return Value(std::shared_ptr<const Dict>(std::make_shared<Dict>(self.dict())));
}

Value dict_from_keys(Runtime& runtime, const Value&, Arguments arguments) {
  const auto bound = bind("fromkeys", std::move(arguments), {"iterable", "value"}, 1);
  auto dict = std::make_shared<Dict>();
  const auto keys = iterate(runtime, bound[0]);
  runtime.charge_items(keys->size() * 2);
  for (const Value& key : *keys) dict->set(key, bound[1]);
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

Value sequence_count(Runtime& runtime, const Value& self, Arguments arguments) {
  const auto bound = bind("count", std::move(arguments), {"value"}, 1);
  int64_t count = 0;
  for (const Value& item : self.sequence().items) count += equal(runtime, item, bound[0]) ? 1 : 0;
  return Value(count);
}

Value sequence_index(Runtime& runtime, const Value& self, Arguments arguments) {
  const auto bound = bind("index", std::move(arguments), {"value", "start", "stop"}, 1);
  const Items& items = self.sequence().items;
  const auto size = static_cast<int64_t>(items.size());
  const auto clamp = [&](size_t argument, int64_t otherwise) {
    if (!bound.has(argument)) return otherwise;
    const int64_t index = to_index(bound[argument]);
    return std::max<int64_t>(index < 0 ? index + size : index, 0);
  };
  const int64_t stop = std::min(clamp(2, size), size);
  for (int64_t i = clamp(1, 0); i < stop; ++i) {
    if (equal(runtime, items[static_cast<size_t>(i)], bound[0])) return Value(i);
  }
  throw Fault(str(repr(runtime, bound[0]), " is not in ", type_name(self)));
}

Value list_copy(Runtime& runtime, const Value& self, Arguments arguments) {
  bind("copy", std::move(arguments), {});
  return list_value(runtime, self.sequence().items);
}

Value is_integer(Runtime&, const Value& self, Arguments) {
  return Value(std::isfinite(self.number()) && std::floor(self.number()) == self.number());
}

Value bit_length(Runtime&, const Value& self, Arguments) {
  const int64_t value = self.integer();
  const uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return Value(static_cast<int64_t>(std::bit_width(size)));
}

}  // namespace

Method dict_method(std::string_view name) {
  if (name == "get") return dict_get;
  if (name == "items") return dict_items;
  if (name == "keys") return dict_keys;
  if (name == "values") return dict_values;
  if (name == "copy") return dict_copy;
  return name == "fromkeys" ? dict_from_keys : nullptr;
}

Method sequence_method(const Value& self, std::string_view name) {
  const SequenceKind kind = self.sequence().kind;
  if (kind > SequenceKind::Range) return nullptr;
  if (name == "count") return sequence_count;
  if (name == "index") return sequence_index;
  return name == "copy" && kind == SequenceKind::List ? list_copy : nullptr;
}

Method number_method(const Value& self, std::string_view name) {
  if (self.is(Value::Type::Float)) return name == "is_integer" ? is_integer : nullptr;
  return name == "bit_length" ? bit_length : nullptr;
}

}  // namespace tunewright::text::jinja
