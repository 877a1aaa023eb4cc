// Python's operators on the values of a template.
#include <algorithm>
#include <cmath>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Type = Value::Type;

[[noreturn]] void fail_operands(std::string_view operation, const Value& left, const Value& right) {
  throw Fault(str("unsupported operand type(s) for ", operation == "**" ? "** or pow()" : operation,
                  ": '", type_name(left), "' and '", type_name(right), "'"));
}

[[noreturn]] void fail_overflow() { throw LimitFault("an integer leaves the range of 64 bits"); }

int64_t sum_of(int64_t left, int64_t right) {
  int64_t result = 0;
  if (__builtin_add_overflow(left, right, &result)) fail_overflow();
  return result;
}

int64_t difference_of(int64_t left, int64_t right) {
  int64_t result = 0;
  if (__builtin_sub_overflow(left, right, &result)) fail_overflow();
  return result;
}

int64_t product_of(int64_t left, int64_t right) {
  int64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result)) fail_overflow();
  return result;
}

int64_t floor_divide(int64_t left, int64_t right) {
  if (right == 0) throw Fault("integer division or modulo by zero");
  if (right == -1) return difference_of(0, left);
  const int64_t quotient = left / right;
  return quotient - ((left % right != 0) && ((left < 0) != (right < 0)) ? 1 : 0);
}

int64_t floor_modulo(int64_t left, int64_t right) {
  if (right == 0) throw Fault("integer modulo by zero");
  if (right == -1) return 0;
  const int64_t rest = left % right;
  return rest != 0 && ((rest < 0) != (right < 0)) ? rest + right : rest;
}

double float_modulo(double left, double right) {
  if (right == 0) throw Fault("float modulo");
  const double rest = std::fmod(left, right);
  if (rest == 0) return std::copysign(0.0, right);
  return (rest < 0) != (right < 0) ? rest + right : rest;
}

Value integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) throw Fault("0.0 cannot be raised to a negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  while (exponent > 0) {
    if (exponent & 1) result = product_of(result, base);
    exponent >>= 1;
    if (exponent > 0) base = product_of(base, base);
  }
  return Value(result);
}

Value integer_arithmetic(std::string_view operation, int64_t left, int64_t right) {
  if (operation == "+") return Value(sum_of(left, right));
  if (operation == "-") return Value(difference_of(left, right));
  if (operation == "*") return Value(product_of(left, right));
  if (operation == "//") return Value(floor_divide(left, right));
  if (operation == "%") return Value(floor_modulo(left, right));
  if (operation == "**") return integer_power(left, right);
  if (right == 0) throw Fault("division by zero");
  return Value(static_cast<double>(left) / static_cast<double>(right));
}

Value float_power(double left, double right) {
  if (left == 0 && right < 0) throw Fault("0.0 cannot be raised to a negative power");
  const double result = std::pow(left, right);
  if (std::isinf(result) && std::isfinite(left) && std::isfinite(right)) {
    throw Fault("(34, 'Numerical result out of range')");
  }
  return Value(result);
}

Value float_arithmetic(std::string_view operation, double left, double right) {
  if (operation == "+") return Value(left + right);
  if (operation == "-") return Value(left - right);
  if (operation == "*") return Value(left * right);
  if (operation == "%") return Value(float_modulo(left, right));
  if (operation == "**") return float_power(left, right);
  if (operation == "//") {
    if (right == 0) throw Fault("float floor division by zero");
    return Value(std::floor((left - float_modulo(left, right)) / right + 0.5));
  }
  if (right == 0) throw Fault("float division by zero");
  return Value(left / right);
}

Value add_texts(Runtime& runtime, const Value& left, const Value& right) {
  const bool markup = left.is_markup() || right.is_markup();
  const auto part = [&](const Value& value) {
    return markup && !value.is_markup() ? escape_html(value.string()) : value.string();
  };
  runtime.charge_text(left.string().size() + right.string().size());
  if (markup) return Value(part(left) + part(right), true);
  std::string text;
  text.reserve(left.string().size() + right.string().size());
  return Value(text.append(left.string()).append(right.string()));
}

Value add_sequences(Runtime& runtime, const Value& left, const Value& right) {
  Items items = left.sequence().items;
  const Items& more = right.sequence().items;
  runtime.charge_items(items.size() + more.size());
  items.insert(items.end(), more.begin(), more.end());
  return Value::sequence(std::move(items),
                         left.is(SequenceKind::List) ? SequenceKind::List : SequenceKind::Tuple);
}

bool is_tuple(const Value& value) {
  return value.is(SequenceKind::Tuple) || value.is(SequenceKind::Group);
}

Value add(Runtime& runtime, const Value& left, const Value& right) {
  if (left.is_string() && right.is_string()) return add_texts(runtime, left, right);
  const bool lists = left.is(SequenceKind::List) && right.is(SequenceKind::List);
  if (lists || (is_tuple(left) && is_tuple(right))) return add_sequences(runtime, left, right);
  if (left.is_string())
    throw Fault(str("can only concatenate str (not \"", type_name(right), "\") to str"));
  if (left.is(SequenceKind::List) || is_tuple(left)) {
    const std::string name = is_tuple(left) ? "tuple" : "list";
    throw Fault(str("can only concatenate ", name, " (not \"", type_name(right), "\") to ", name));
  }
  fail_operands("+", left, right);
}

// The count of a repetition, checked before anything is made.
size_t repetitions(const Value& count, size_t size, size_t limit) {
  const int64_t times = std::max<int64_t>(count.integer(), 0);
  if (size > 0 && static_cast<uint64_t>(times) > limit / size + 1) {
    throw LimitFault(str("a repetition of ", times, " times ", size, " is too large"));
  }
  return static_cast<size_t>(times);
}

Value repeat(Runtime& runtime, const Value& value, const Value& count) {
  constexpr size_t kMost = size_t{1} << 40;
  if (value.is_string()) {
    const std::string& unit = value.string();
    const size_t times = repetitions(count, unit.size(), kMost);
    runtime.charge_text(unit.size() * times);
    std::string text;
    text.reserve(unit.size() * times);
    for (size_t i = 0; i < times && !unit.empty(); ++i) text += unit;
    return Value(std::move(text), value.is_markup());
  }
  const Items& unit = value.sequence().items;
  const size_t times = repetitions(count, unit.size(), kMost);
  runtime.charge_items(unit.size() * times);
  Items items;
  items.reserve(unit.size() * times);
  for (size_t i = 0; i < times && !unit.empty(); ++i)
    items.insert(items.end(), unit.begin(), unit.end());
  return Value::sequence(std::move(items),
                         value.is(SequenceKind::List) ? SequenceKind::List : SequenceKind::Tuple);
}

Value multiply(Runtime& runtime, const Value& left, const Value& right) {
  const auto repeats = [](const Value& v) {
    return v.is_string() || v.is(SequenceKind::List) || is_tuple(v);
  };
  if (repeats(left) && right.is_integral()) return repeat(runtime, left, right);
  if (repeats(right) && left.is_integral()) return repeat(runtime, right, left);
  if (repeats(left))
    throw Fault(str("can't multiply sequence by non-int of type '", type_name(right), "'"));
  if (repeats(right))
    throw Fault(str("can't multiply sequence by non-int of type '", type_name(left), "'"));
  fail_operands("*", left, right);
}

bool equal_dicts(Runtime& runtime, const Dict& left, const Dict& right) {
  if (left.items().size() != right.items().size()) return false;
  return std::all_of(left.items().begin(), left.items().end(), [&](const auto& item) {
    const Value* other = right.find(item.first);
    return other != nullptr && equal(runtime, item.second, *other);
  });
}

// Lists equal lists, tuples tuples, views and generators themselves.
bool equal_sequences(Runtime& runtime, const Value& left, const Value& right) {
  const SequenceKind kind = left.sequence().kind;
  const bool same = kind == right.sequence().kind || (is_tuple(left) && is_tuple(right));
  if (!same) return false;
  if (kind == SequenceKind::Generator || kind == SequenceKind::DictValues)
    return left.same_as(right);
  const Items& a = left.sequence().items;
  const Items& b = right.sequence().items;
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&](const Value& x, const Value& y) { return equal(runtime, x, y); });
}

bool by_operation(std::string_view operation, int order) {
  if (operation == "<") return order < 0;
  if (operation == "<=") return order <= 0;
  return operation == ">" ? order > 0 : order >= 0;
}

template <class T>
bool compare(std::string_view operation, const T& left, const T& right) {
  if (operation == "<") return left < right;
  if (operation == "<=") return left <= right;
  return operation == ">" ? left > right : left >= right;
}

bool ordered_sequences(Runtime& runtime, std::string_view operation, const Items& left,
                       const Items& right) {
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (!equal(runtime, left[i], right[i])) return ordered(runtime, operation, left[i], right[i]);
  }
  return compare(operation, left.size(), right.size());
}

}  // namespace

bool truth(const Value& value) {
  switch (value.type()) {
    case Type::None:
    case Type::Undefined:
      return false;
    case Type::Bool:
      return value.boolean();
    case Type::Int:
      return value.integer() != 0;
    case Type::Float:
      return value.number() != 0;
    case Type::String:
      return !value.string().empty();
    case Type::Dict:
      return !value.dict().items().empty();
    case Type::Sequence:
      return value.is(SequenceKind::Generator) || !value.sequence().items.empty();
    case Type::Object:
      return true;
  }
  return false;
}

bool equal(Runtime& runtime, const Value& left, const Value& right) {
  runtime.charge_steps(1);
  if (left.is_number() && right.is_number()) return key_equal(left, right);
  if (left.type() != right.type()) return false;
  switch (left.type()) {
    case Type::String:
      runtime.charge_scan(left.string().size());
      return left.string() == right.string();
    case Type::Sequence:
      return equal_sequences(runtime, left, right);
    case Type::Dict:
      return equal_dicts(runtime, left.dict(), right.dict());
    case Type::Undefined:
      return true;
    default:
      return left.same_as(right);
  }
}

bool ordered(Runtime& runtime, std::string_view operation, const Value& left, const Value& right) {
  runtime.charge_steps(1);
  if (left.is_undefined()) fail_undefined(left);
  if (right.is_undefined()) fail_undefined(right);
  if (left.is_integral() && right.is_integral())
    return compare(operation, left.integer(), right.integer());
  if (left.is_number() && right.is_number()) return compare(operation, left.exact(), right.exact());
  if (left.is_string() && right.is_string()) {
    // The order of UTF-8 bytes is that of code points.
    return by_operation(operation, left.string().compare(right.string()));
  }
  const bool lists = left.is(SequenceKind::List) && right.is(SequenceKind::List);
  if (lists || (is_tuple(left) && is_tuple(right))) {
    return ordered_sequences(runtime, operation, left.sequence().items, right.sequence().items);
  }
  throw Fault(str("'", operation, "' not supported between instances of '", type_name(left),
                  "' and '", type_name(right), "'"));
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (item.is_undefined())
      throw Fault("'in <string>' requires string as left operand, not Undefined");
    if (!item.is_string())
      throw Fault(str("'in <string>' requires string as left operand, not ", type_name(item)));
    runtime.charge_scan(container.string().size());
    return container.string().find(item.string()) != std::string::npos;
  }
  if (container.is_dict()) return container.dict().find(item) != nullptr;
  if (container.is(Type::Sequence) || container.is_undefined()) {
    const auto items = iterate(runtime, container);
    return std::any_of(items->begin(), items->end(), [&](const Value& one) {
      return one.same_as(item) || equal(runtime, one, item);
    });
  }
  throw Fault(str("argument of type '", type_name(container), "' is not iterable"));
}

Value arithmetic(Runtime& runtime, std::string_view operation, const Value& left,
                 const Value& right) {
  if (operation == "%" && left.is_string()) {
    return text_value(runtime, format_percent(runtime, left.string(), right), left.is_markup());
  }
  if (left.is_undefined()) fail_undefined(left);
  if (right.is_undefined()) fail_undefined(right);
  if (left.is_integral() && right.is_integral())
    return integer_arithmetic(operation, left.integer(), right.integer());
  if (left.is_number() && right.is_number())
    return float_arithmetic(operation, left.number(), right.number());
  if (operation == "+") return add(runtime, left, right);
  if (operation == "*") return multiply(runtime, left, right);
  fail_operands(operation, left, right);
}

Value negate(const Value& value) {
  if (value.is_undefined()) fail_undefined(value);
  if (value.is(Type::Float)) return Value(-value.number());
  if (!value.is_integral())
    throw Fault(str("bad operand type for unary -: '", type_name(value), "'"));
  return Value(difference_of(0, value.integer()));
}

Value positive(const Value& value) {
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_number())
    throw Fault(str("bad operand type for unary +: '", type_name(value), "'"));
  return value.is(Type::Bool) ? Value(value.integer()) : value;
}

std::shared_ptr<const Items> iterate(Runtime& runtime, const Value& value) {
  auto items = std::make_shared<Items>();
  if (value.is_undefined()) return items;
  if (value.is(Type::Sequence)) {
    Sequence& sequence = value.sequence();
    if (sequence.kind == SequenceKind::Generator) {
      if (!sequence.spent) items->swap(sequence.items);
      sequence.spent = true;
      return items;
    }
    const auto owner = std::make_shared<Value>(value);
    return {owner, &owner->sequence().items};
  }
  if (value.is_dict()) {
    runtime.charge_items(value.dict().items().size());
    for (const auto& [key, held] : value.dict().items()) items->push_back(key);
    return items;
  }
  if (value.is_string()) {
    const std::u32string points = python::decode(value.string());
    runtime.charge_items(points.size() * 2);
    for (const char32_t point : points) items->emplace_back(python::encode({&point, 1}));
    return items;
  }
  throw Fault(str("'", type_name(value), "' object is not iterable"));
}

int64_t length(Runtime& runtime, const Value& value) {
  if (value.is_string()) {
    runtime.charge_scan(value.string().size());
    return static_cast<int64_t>(python::length(value.string()));
  }
  if (value.is_dict()) return static_cast<int64_t>(value.dict().items().size());
  if (value.is_undefined()) return 0;
  if (value.is(Type::Sequence) && !value.is(SequenceKind::Generator)) {
    return static_cast<int64_t>(value.sequence().items.size());
  }
  if (value.is(Type::Object) && type_name(value) == "LoopContext") {
    return value.object().attribute(runtime, "length")->integer();
  }
  throw Fault(str("object of type '", type_name(value), "' has no len()"));
}

}  // namespace tunewright::text::jinja
