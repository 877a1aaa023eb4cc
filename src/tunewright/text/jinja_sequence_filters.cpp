// Filters on sequences and mappings.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Type = Value::Type;
using Key = std::function<Value(const Value&)>;

Value generator(Runtime& runtime, Items items, std::string name) {
  return list_value(runtime, std::move(items), SequenceKind::Generator, std::move(name));
}

Value ignore_case(const Value& value) {
  return value.is_string() ? Value(python::lower(value.string())) : value;
}

// "a.0.b" as keys: "a", 0, "b".
Items path_of(Runtime& runtime, const Value& attribute) {
  if (attribute.is_none()) return {};
  if (!attribute.is_string()) return {attribute};
  Items path;
  for (const std::string& part : split(attribute.string(), '.')) {
    const bool number =
        !part.empty() && part.size() < 18 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    path.push_back(number ? Value(int64_t{std::stoll(part)}) : Value(part));
  }
  runtime.charge_steps(path.size());
  return path;
}

Key attribute_getter(Runtime& runtime, const Value& attribute, bool fold_case,
                     const Value& otherwise = {}) {
  return [&runtime, path = path_of(runtime, attribute), fold_case, otherwise](const Value& item) {
    Value value = item;
    for (const Value& part : path) {
      value = get_item(runtime, value, part);
      if (!otherwise.is_none() && value.is_undefined()) value = otherwise;
    }
    return fold_case ? ignore_case(value) : value;
  };
}

Value default_value(Runtime&, Value value, Arguments arguments) {
  const auto bound = bind("default", std::move(arguments), {"default_value", "boolean"});
  const bool replaced = value.is_undefined() || (truth(bound[1]) && !truth(value));
  return replaced ? bound.value_or(0, Value("")) : value;
}

Value count(Runtime& runtime, Value value, Arguments arguments) {
  bind("length", std::move(arguments), {});
  return Value(length(runtime, value));
}

Value first(Runtime& runtime, Value value, Arguments arguments) {
  bind("first", std::move(arguments), {});
  const auto items = iterate(runtime, value);
  return items->empty() ? Value::undefined("No first item, sequence was empty.") : items->front();
}

Value last(Runtime& runtime, Value value, Arguments arguments) {
  bind("last", std::move(arguments), {});
  if (value.is(SequenceKind::Generator)) throw Fault("'generator' object is not reversible");
  const auto items = iterate(runtime, value);
  return items->empty() ? Value::undefined("No last item, sequence was empty.") : items->back();
}

Value list(Runtime& runtime, Value value, Arguments arguments) {
  bind("list", std::move(arguments), {});
  return list_value(runtime, *iterate(runtime, value));
}

Value items(Runtime& runtime, Value value, Arguments arguments) {
  bind("items", std::move(arguments), {});
  if (value.is_undefined()) return generator(runtime, {}, "do_items");
  if (!value.is_dict()) throw Fault("Can only get item pairs from a mapping.");
  return generator(runtime, dict_method("items")(runtime, value, {}).sequence().items, "do_items");
}

Value join(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("join", std::move(arguments), {"d", "attribute"});
  const std::string separator = bound.has(0) ? to_text(runtime, bound[0]) : "";
  const Key get = attribute_getter(runtime, bound[1], false);
  std::string out;
  bool begun = false;
  for (const Value& item : Iteration(iterate(runtime, value))) {
    const std::string text = to_text(runtime, get(item));
    if (begun) out += separator;
    begun = true;
    out += text;
    runtime.charge_text(text.size() + separator.size());
  }
  return text_value(runtime, std::move(out));
}

Value reverse(Runtime& runtime, Value value, Arguments arguments) {
  bind("reverse", std::move(arguments), {});
  if (value.is_string()) return slice(runtime, value, Value(), Value(), Value(int64_t{-1}));
  Items items = *iterate(runtime, value);
  std::reverse(items.begin(), items.end());
  if (value.is(SequenceKind::Generator)) return list_value(runtime, std::move(items));
  return generator(runtime, std::move(items), "reverse");
}

Items sorted(Runtime& runtime, const Items& items, const Key& key, bool reverse) {
  std::vector<std::pair<Value, const Value*>> keyed;
  keyed.reserve(items.size());
  for (const Value& item : items) keyed.emplace_back(key(item), &item);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reverse ? ordered(runtime, "<", b.first, a.first)
                   : ordered(runtime, "<", a.first, b.first);
  });
  Items out;
  out.reserve(items.size());
  for (const auto& [held, item] : keyed) out.push_back(*item);
  return out;
}

Value sort(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("sort", std::move(arguments), {"reverse", "case_sensitive", "attribute"});
  const bool fold = !truth(bound[1]);
  std::vector<Key> keys;
  const Value attribute = bound[2];
  if (attribute.is_string()) {
    for (const std::string& one : split(attribute.string(), ','))
      keys.push_back(attribute_getter(runtime, Value(one), fold));
  } else {
    keys.push_back(attribute_getter(runtime, attribute, fold));
  }
  const Key all = [&keys](const Value& item) {
    Items parts;
    for (const Key& key : keys) parts.push_back(key(item));
    return Value::sequence(std::move(parts));
  };
  return list_value(runtime, sorted(runtime, *iterate(runtime, value), all, truth(bound[0])));
}

Value dict_sort(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("dictsort", std::move(arguments), {"case_sensitive", "by", "reverse"});
  const std::string by = bound.has(1) ? to_text(runtime, bound[1]) : "key";
  if (by != "key" && by != "value") throw Fault("You can only sort by either \"key\" or \"value\"");
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_dict())
    throw Fault(str("'", type_name(value), "' object has no attribute 'items'"));
  const bool fold = !truth(bound[0]);
  const Key key = [&](const Value& pair) {
    const Value& part = pair.sequence().items[by == "key" ? 0 : 1];
    return fold ? ignore_case(part) : part;
  };
  const Value pairs = dict_method("items")(runtime, value, {});
  return list_value(runtime, sorted(runtime, pairs.sequence().items, key, truth(bound[2])));
}

Value unique(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("unique", std::move(arguments), {"case_sensitive", "attribute"});
  const Key key = attribute_getter(runtime, bound[1], !truth(bound[0]));
  Dict seen;
  Items out;
  for (const Value& item : Iteration(iterate(runtime, value))) {
    const Value held = key(item);
    if (seen.find(held) != nullptr) continue;
    seen.set(held, Value());
    out.push_back(item);
  }
  return generator(runtime, std::move(out), "sync_do_unique");
}

Value extreme(Runtime& runtime, const Value& value, Arguments arguments, std::string_view better) {
  const auto bound = bind("min", std::move(arguments), {"case_sensitive", "attribute"});
  const Key key = attribute_getter(runtime, bound[1], !truth(bound[0]));
  const auto items = iterate(runtime, value);
  if (items->empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Value* best = &items->front();
  Value best_key = key(*best);
  for (size_t i = 1; i < items->size(); ++i) {
    Value held = key((*items)[i]);
    if (!ordered(runtime, better, held, best_key)) continue;
    best = &(*items)[i];
    best_key = std::move(held);
  }
  return *best;
}

Value min(Runtime& runtime, Value value, Arguments arguments) {
  return extreme(runtime, value, std::move(arguments), "<");
}
Value max(Runtime& runtime, Value value, Arguments arguments) {
  return extreme(runtime, value, std::move(arguments), ">");
}

Value sum(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("sum", std::move(arguments), {"attribute", "start"});
  const Key get = attribute_getter(runtime, bound[0], false);
  Value total = bound.value_or(1, Value(int64_t{0}));
  if (total.is_string()) throw Fault("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : Iteration(iterate(runtime, value)))
    total = arithmetic(runtime, "+", total, get(item));
  return total;
}

Value group_by(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound =
      bind("groupby", std::move(arguments), {"attribute", "default", "case_sensitive"}, 1);
  const bool fold = !truth(bound[2]);
  const Key key = attribute_getter(runtime, bound[0], fold, bound[1]);
  const Key shown = attribute_getter(runtime, bound[0], false, bound[1]);
  Items groups, members;
  Value current;
  const auto flush = [&] {
    if (members.empty()) return;
    const Value grouper = shown(members.front());
    const Value all = list_value(runtime, std::exchange(members, {}));
    groups.push_back(Value::sequence({grouper, all}, SequenceKind::Group));
  };
  for (const Value& item : sorted(runtime, *iterate(runtime, value), key, false)) {
    Value held = key(item);
    if (!members.empty() && !equal(runtime, held, current)) flush();
    current = std::move(held);
    members.push_back(item);
  }
  flush();
  return list_value(runtime, std::move(groups));
}

Value batch(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("batch", std::move(arguments), {"linecount", "fill_with"}, 1);
  const int64_t size = to_index(bound[0]);
  Items rows, row;
  for (const Value& item : Iteration(iterate(runtime, value))) {
    if (static_cast<int64_t>(row.size()) == size)
      rows.push_back(list_value(runtime, std::exchange(row, {})));
    row.push_back(item);
  }
  const bool fills = !bound[1].is_none() && static_cast<int64_t>(row.size()) < size;
  if (!row.empty()) {
    if (fills) runtime.charge_items(static_cast<size_t>(size));
    if (fills) row.resize(static_cast<size_t>(size), bound[1]);
    rows.push_back(list_value(runtime, std::move(row)));
  }
  return generator(runtime, std::move(rows), "do_batch");
}

Value slices(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("slice", std::move(arguments), {"slices", "fill_with"}, 1);
  const int64_t parts = to_index(bound[0]);
  const auto items = iterate(runtime, value);
  if (parts == 0) throw Fault("integer division or modulo by zero");
  runtime.charge_items(static_cast<size_t>(std::max<int64_t>(parts, 0)) * 4);
  Items rows;
  auto next = items->begin();
  for (int64_t i = 0; i < parts; ++i) {
    const auto size = static_cast<int64_t>(items->size());
    const bool longer = i < size % parts;
    const auto end = next + size / parts + (longer ? 1 : 0);
    Items row(next, end);
    next = end;
    if (!bound[1].is_none() && !longer) row.push_back(bound[1]);
    rows.push_back(list_value(runtime, std::move(row)));
  }
  return generator(runtime, std::move(rows), "sync_do_slice");
}

// The filter or attribute that map() applies.
std::function<Value(const Value&)> mapping(Runtime& runtime, Arguments arguments) {
  if (arguments.positional.empty()) {
    const auto attribute = arguments.take("attribute");
    if (!attribute) throw Fault("map requires a filter argument");
    const Value otherwise = arguments.take("default").value_or(Value());
    if (!arguments.named.empty())
      throw Fault("Unexpected keyword argument " + python::repr(arguments.named[0].first));
    return attribute_getter(runtime, *attribute, false, otherwise);
  }
  const std::string name = to_text(runtime, arguments.positional[0]);
  const Filter filter = find_filter(name);
  if (filter == nullptr) throw Fault("No filter named " + python::repr(name) + ".");
  arguments.positional.erase(arguments.positional.begin());
  return
      [&runtime, filter, arguments](const Value& item) { return filter(runtime, item, arguments); };
}

Value map(Runtime& runtime, Value value, Arguments arguments) {
  if (!truth(value)) return generator(runtime, {}, "sync_do_map");
  const auto apply = mapping(runtime, std::move(arguments));
  Items out;
  for (const Value& item : Iteration(iterate(runtime, value))) {
    runtime.charge_steps(1);
    out.push_back(apply(item));
  }
  return generator(runtime, std::move(out), "sync_do_map");
}

Value filtered(Runtime& runtime, const Value& value, Arguments arguments, bool wanted,
               bool by_attribute) {
  if (!truth(value)) return generator(runtime, {}, "select_or_reject");
  Key get = [](const Value& item) { return item; };
  if (by_attribute) {
    if (arguments.positional.empty()) throw Fault("Missing parameter for attribute name");
    get = attribute_getter(runtime, arguments.positional[0], false);
    arguments.positional.erase(arguments.positional.begin());
  }
  Test test = nullptr;
  if (!arguments.positional.empty()) {
    const std::string name = to_text(runtime, arguments.positional[0]);
    test = find_test(name);
    if (test == nullptr) throw Fault("No test named " + python::repr(name) + ".");
    arguments.positional.erase(arguments.positional.begin());
  }
  Items out;
  for (const Value& item : Iteration(iterate(runtime, value))) {
    runtime.charge_steps(1);
    const Value held = get(item);
    if ((test != nullptr ? test(runtime, held, arguments) : truth(held)) == wanted)
      out.push_back(item);
  }
  return generator(runtime, std::move(out), "select_or_reject");
}

template <bool kWanted, bool kByAttribute>
Value choose(Runtime& runtime, Value value, Arguments arguments) {
  return filtered(runtime, value, std::move(arguments), kWanted, kByAttribute);
}

Value attribute(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("attr", std::move(arguments), {"name"}, 1);
  const std::string& name = to_string(bound[0], "attribute name");
  if (value.is_dict() && dict_method(name) == nullptr && !name.starts_with("__")) {
    return Value::undefined(
        str("'", object_type(value), "' has no attribute ", python::repr(name)));
  }
  return get_attribute(runtime, value, name);
}

Value not_random(Runtime&, Value, Arguments) {
  throw Fault("the filter 'random' is not supported in chat templates");
}

using Entry = Named<Filter>;

constexpr std::array kFilters = {
    Entry{"default", default_value},
    Entry{"d", default_value},
    Entry{"length", count},
    Entry{"count", count},
    Entry{"first", first},
    Entry{"last", last},
    Entry{"list", list},
    Entry{"items", items},
    Entry{"join", join},
    Entry{"reverse", reverse},
    Entry{"sort", sort},
    Entry{"dictsort", dict_sort},
    Entry{"unique", unique},
    Entry{"min", min},
    Entry{"max", max},
    Entry{"sum", sum},
    Entry{"groupby", group_by},
    Entry{"batch", batch},
    Entry{"slice", slices},
    Entry{"map", map},
    Entry{"select", choose<true, false>},
    Entry{"reject", choose<false, false>},
    Entry{"selectattr", choose<true, true>},
    Entry{"rejectattr", choose<false, true>},
    Entry{"attr", attribute},
    Entry{"random", not_random},
};

}  // namespace

Filter find_sequence_filter(std::string_view name) { return find_named<Filter>(kFilters, name); }

}  // namespace tunewright::text::jinja
