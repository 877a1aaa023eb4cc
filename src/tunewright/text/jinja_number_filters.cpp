// Filters on numbers.
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

std::optional<double> parse_number(std::string text) {
  text = python::ascii_digits(python::strip(text, python::Side::Both));
  const auto digit_at = [&](size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && !(i > 0 && digit_at(i - 1) && digit_at(i + 1))) return std::nullopt;
  }
  std::erase(text, '_');
  const std::string name = python::lower(text);
  const bool word = name.find_first_of("xp(") != std::string::npos || name.empty();
  if (word) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() ? std::optional(value) : std::nullopt;
}

// int("…", base); none where Python raises ValueError.
std::optional<int64_t> parse_integer(std::string text, int64_t base) {
  text = python::lower(python::ascii_digits(python::strip(text, python::Side::Both)));
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  for (const auto& [prefix, radix] :
       {std::pair{"0x", 16}, std::pair{"0o", 8}, std::pair{"0b", 2}}) {
    if (!text.starts_with(prefix) || (base != radix && base != 0)) continue;
    base = radix;
    text.erase(0, text.size() > 2 && text[2] == '_' ? 3 : 2);
  }
  if (base == 0) base = 10;
  if (text.empty() || text.starts_with('_') || text.ends_with('_') ||
      text.find("__") != std::string::npos)
    return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (c == '_') continue;
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, base, &value) ||
        __builtin_add_overflow(value, int64_t{digit}, &value)) {
      throw LimitFault("an integer leaves the range of 64 bits");
    }
  }
  return negative ? -value : value;
}

std::optional<int64_t> truncated(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (std::abs(value) >= 9.2e18) throw LimitFault("an integer leaves the range of 64 bits");
  return static_cast<int64_t>(value);
}

Value integer(Runtime&, Value value, Arguments arguments) {
  const auto bound = bind("int", std::move(arguments), {"default", "base"});
  if (value.is_undefined()) fail_undefined(value);
  const Value otherwise = bound.value_or(0, Value(int64_t{0}));
  if (value.is_string()) {
    if (const auto whole = parse_integer(value.string(), bound.has(1) ? to_index(bound[1]) : 10))
      return Value(*whole);
    const auto number = parse_number(value.string());
    const auto cut = number ? truncated(*number) : std::nullopt;
    return cut ? Value(*cut) : otherwise;
  }
  if (value.is_integral()) return Value(value.integer());
  const auto cut = value.is(Type::Float) ? truncated(value.number()) : std::nullopt;
  if (value.is(Type::Float) && std::isinf(value.number()))
    throw Fault("cannot convert float infinity to integer");
  return cut ? Value(*cut) : otherwise;
}

Value real(Runtime&, Value value, Arguments arguments) {
  const auto bound = bind("float", std::move(arguments), {"default"});
  if (value.is_undefined()) fail_undefined(value);
  if (value.is_number()) return Value(value.number());
  const auto number = value.is_string() ? parse_number(value.string()) : std::nullopt;
  return number ? Value(*number) : bound.value_or(0, Value(0.0));
}

Value absolute(Runtime&, Value value, Arguments arguments) {
  bind("abs", std::move(arguments), {});
  if (value.is_undefined()) fail_undefined(value);
  if (value.is(Type::Float)) return Value(std::abs(value.number()));
  if (!value.is_integral())
    throw Fault(str("bad operand type for abs(): '", type_name(value), "'"));
  return value.integer() < 0 ? negate(value) : Value(value.integer());
}

// Half to even on the exact binary value, as printf rounds.
Value round_common(const Value& value, int64_t precision) {
  if (value.is_integral() && precision >= 0) return Value(value.integer());
  if (precision < 0) {
    const double scale = std::pow(10.0, -static_cast<double>(precision));
    const double rounded = std::isinf(scale) ? 0.0 : std::nearbyint(value.number() / scale) * scale;
    return value.is_integral() ? Value(truncated(rounded).value_or(0)) : Value(rounded);
  }
  std::array<char, 700> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f",
                static_cast<int>(std::min<int64_t>(precision, 340)), value.number());
  return Value(std::strtod(buffer.data(), nullptr));
}

Value round(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("round", std::move(arguments), {"precision", "method"});
  const int64_t precision = bound.has(0) ? to_index(bound[0]) : 0;
  const std::string method = bound.has(1) ? to_text(runtime, bound[1]) : "common";
  if (method != "common" && method != "ceil" && method != "floor") {
    throw Fault("method must be common, ceil or floor");
  }
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_number())
    throw Fault(str("type ", type_name(value), " doesn't define __round__ method"));
  if (method == "common") return round_common(value, precision);
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.number() * scale;
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value file_size(Runtime&, Value value, Arguments arguments) {
  const auto bound = bind("filesizeformat", std::move(arguments), {"binary"});
  const bool binary = truth(bound[0]);
  const auto number = value.is_string() ? parse_number(value.string()) : std::nullopt;
  if (!value.is_number() && !number) throw Fault("could not convert to float: " + type_name(value));
  const double base = binary ? 1024 : 1000, bytes = number ? *number : value.number();
  if (bytes == 1) return Value("1 Byte");
  if (bytes < base) return Value(str(static_cast<int64_t>(bytes), " Bytes"));
  double scaled = bytes / base;
  constexpr std::string_view kUnits = "kMGTPEZY";
  size_t unit = 0;
  for (; scaled >= base && unit + 1 < kUnits.size(); ++unit) scaled /= base;
  const char letter = unit == 0 && binary ? 'K' : kUnits[unit];
  return Value(str(fixed(scaled, 1), " ", letter, binary ? "iB" : "B"));
}

using Entry = Named<Filter>;

constexpr std::array kFilters = {
    Entry{"int", integer},
    Entry{"float", real},
    Entry{"abs", absolute},
    Entry{"round", round},
    Entry{"filesizeformat", file_size},
};

}  // namespace

Filter find_number_filter(std::string_view name) { return find_named<Filter>(kFilters, name); }

}  // namespace tunewright::text::jinja
