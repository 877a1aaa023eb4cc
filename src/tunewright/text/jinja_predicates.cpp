// The tests of `is` and `select`.
#include <algorithm>
#include <array>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Type = Value::Type;

const Value& argument(const Arguments& arguments, std::string_view test) {
  if (arguments.positional.size() != 1 || !arguments.named.empty()) {
    throw Fault(str("the test '", test, "' takes exactly one argument"));
  }
  return arguments.positional[0];
}

Value remainder(Runtime& runtime, const Value& value, const Value& by) {
  return arithmetic(runtime, "%", value, by);
}

bool is_odd(Runtime& runtime, const Value& value, const Arguments&) {
  return equal(runtime, remainder(runtime, value, Value(int64_t{2})), Value(int64_t{1}));
}
bool is_even(Runtime& runtime, const Value& value, const Arguments&) {
  return equal(runtime, remainder(runtime, value, Value(int64_t{2})), Value(int64_t{0}));
}
bool is_divisible(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return equal(runtime, remainder(runtime, value, argument(arguments, "divisibleby")),
               Value(int64_t{0}));
}
bool is_defined(Runtime&, const Value& value, const Arguments&) { return !value.is_undefined(); }
bool is_undefined(Runtime&, const Value& value, const Arguments&) { return value.is_undefined(); }
bool is_none(Runtime&, const Value& value, const Arguments&) { return value.is_none(); }
bool is_boolean(Runtime&, const Value& value, const Arguments&) { return value.is(Type::Bool); }
bool is_true(Runtime&, const Value& value, const Arguments&) {
  return value.is(Type::Bool) && value.boolean();
}
bool is_false(Runtime&, const Value& value, const Arguments&) {
  return value.is(Type::Bool) && !value.boolean();
}
bool is_integer(Runtime&, const Value& value, const Arguments&) { return value.is(Type::Int); }
bool is_float(Runtime&, const Value& value, const Arguments&) { return value.is(Type::Float); }
bool is_number(Runtime&, const Value& value, const Arguments&) { return value.is_number(); }
bool is_string(Runtime&, const Value& value, const Arguments&) { return value.is_string(); }
bool is_mapping(Runtime&, const Value& value, const Arguments&) { return value.is_dict(); }
bool is_escaped(Runtime&, const Value& value, const Arguments&) { return value.is_markup(); }

bool is_sequence(Runtime&, const Value& value, const Arguments&) {
  if (value.is(Type::Sequence)) return value.sequence().kind <= SequenceKind::Range;
  // Undefined has a length and items, by which every use fails.
  return value.is_string() || value.is_dict() || value.is_undefined();
}

bool is_iterable(Runtime&, const Value& value, const Arguments&) {
  return value.is(Type::Sequence) || value.is_string() || value.is_dict() || value.is_undefined() ||
         type_name(value) == "LoopContext";
}

bool is_callable(Runtime&, const Value& value, const Arguments&) {
  return value.is_undefined() || (value.is(Type::Object) && value.object().callable());
}

bool is_lower(Runtime& runtime, const Value& value, const Arguments&) {
  return string_method("islower")(runtime, Value(to_text(runtime, value)), {}).boolean();
}
bool is_upper(Runtime& runtime, const Value& value, const Arguments&) {
  return string_method("isupper")(runtime, Value(to_text(runtime, value)), {}).boolean();
}

bool is_filter(Runtime&, const Value& value, const Arguments&) {
  return value.is_string() && find_filter(value.string()) != nullptr;
}
bool is_test(Runtime&, const Value& value, const Arguments&) {
  return value.is_string() && find_test(value.string()) != nullptr;
}

bool is_same(Runtime&, const Value& value, const Arguments& arguments) {
  return value.same_as(argument(arguments, "sameas"));
}
bool is_in(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return contains(runtime, argument(arguments, "in"), value);
}
bool is_equal(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return equal(runtime, value, argument(arguments, "eq"));
}
bool is_unequal(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return !equal(runtime, value, argument(arguments, "ne"));
}
bool is_less(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return ordered(runtime, "<", value, argument(arguments, "lt"));
}
bool is_at_most(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return ordered(runtime, "<=", value, argument(arguments, "le"));
}
bool is_greater(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return ordered(runtime, ">", value, argument(arguments, "gt"));
}
bool is_at_least(Runtime& runtime, const Value& value, const Arguments& arguments) {
  return ordered(runtime, ">=", value, argument(arguments, "ge"));
}

using Entry = Named<Test>;

constexpr std::array kTests = {
    Entry{"odd", is_odd},
    Entry{"even", is_even},
    Entry{"divisibleby", is_divisible},
    Entry{"defined", is_defined},
    Entry{"undefined", is_undefined},
    Entry{"none", is_none},
    Entry{"boolean", is_boolean},
    Entry{"true", is_true},
    Entry{"false", is_false},
    Entry{"integer", is_integer},
    Entry{"float", is_float},
    Entry{"number", is_number},
    Entry{"string", is_string},
    Entry{"mapping", is_mapping},
    Entry{"escaped", is_escaped},
    Entry{"sequence", is_sequence},
    Entry{"iterable", is_iterable},
    Entry{"callable", is_callable},
    Entry{"lower", is_lower},
    Entry{"upper", is_upper},
    Entry{"filter", is_filter},
    Entry{"test", is_test},
    Entry{"sameas", is_same},
    Entry{"in", is_in},
    Entry{"eq", is_equal},
    Entry{"equalto", is_equal},
    Entry{"==", is_equal},
    Entry{"ne", is_unequal},
    Entry{"!=", is_unequal},
    Entry{"lt", is_less},
    Entry{"lessthan", is_less},
    Entry{"<", is_less},
    Entry{"le", is_at_most},
    Entry{"<=", is_at_most},
    Entry{"gt", is_greater},
    Entry{"greaterthan", is_greater},
    Entry{">", is_greater},
    Entry{"ge", is_at_least},
    Entry{">=", is_at_least},
};

}  // namespace

Test find_test(std::string_view name) { return find_named<Test>(kTests, name); }

}  // namespace tunewright::text::jinja
