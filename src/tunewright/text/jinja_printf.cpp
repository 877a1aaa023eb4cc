// "%5.1f" % x and "{:>8}".format(x), as Python formats them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Type = Value::Type;

constexpr int64_t kMaxWidth = 1'000'000;
constexpr int kMaxPrecision = 500;

struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ =
  char sign = '-';
  bool alternate = false;
  bool zero = false;
  char grouping = 0;
  int64_t width = 0;
  std::optional<int64_t> precision;
  char type = 0;
};

int64_t read_number(std::string_view text, size_t& at) {
  int64_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + (text[at] - '0');
    if (number > kMaxWidth) throw LimitFault(str("a format is wider than ", kMaxWidth));
  }
  return number;
}

std::string pad(std::string text, const Spec& spec, char default_align) {
  const auto size = static_cast<int64_t>(python::length(text));
  if (size >= spec.width) return text;
  const auto missing = static_cast<size_t>(spec.width - size);
  const auto fill = [&](size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out += spec.fill;
    return out;
  };
  const char align = spec.align != 0 ? spec.align : default_align;
  if (align == '<') return text + fill(missing);
  if (align == '^') return fill(missing / 2) + text + fill(missing - missing / 2);
  const size_t signs =
      align == '=' && (text.starts_with('-') || text.starts_with('+') || text.starts_with(' ')) ? 1
                                                                                                : 0;
  return text.substr(0, signs) + fill(missing) + text.substr(signs);
}

std::string signed_text(bool negative, std::string digits, const Spec& spec) {
  if (negative) return "-" + digits;
  return spec.sign == '-' ? digits : std::string(1, spec.sign) + digits;
}

std::string grouped(const std::string& digits, char separator) {
  if (separator == 0) return digits;
  const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  std::string out;
  for (size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out + digits.substr(whole);
}

std::string in_base(uint64_t value, unsigned base, bool capital) {
  const char* letters = capital ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), letters[value % base]);
    value /= base;
  } while (value > 0);
  return digits;
}

std::string integer_text(int64_t value, const Spec& spec) {
  const uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  std::string prefix;
  switch (spec.type) {
    case 'x':
    case 'X':
      digits = in_base(size, 16, spec.type == 'X');
      prefix = spec.type == 'X' ? "0X" : "0x";
      break;
    case 'o':
      digits = in_base(size, 8, false);
      prefix = "0o";
      break;
    case 'b':
      digits = in_base(size, 2, false);
      prefix = "0b";
      break;
    default:
      digits = grouped(std::to_string(size), spec.grouping);
  }
  if (spec.precision && digits.size() < static_cast<size_t>(*spec.precision)) {
    digits.insert(0, static_cast<size_t>(*spec.precision) - digits.size(), '0');
  }
  return signed_text(value < 0, (spec.alternate ? prefix : "") + digits, spec);
}

std::string float_text(double value, const Spec& spec) {
  const int precision =
      static_cast<int>(std::min<int64_t>(spec.precision.value_or(6), kMaxPrecision));
  const bool percent = spec.type == '%';
  char kind = spec.type == 0 ? 'g' : percent ? 'f' : spec.type;
  std::string digits;
  const double size = std::abs(percent ? value * 100 : value);
  if (std::isnan(value) || std::isinf(value)) {
    digits = std::isnan(value) ? "nan" : "inf";
  } else if (spec.type == 0 && !spec.precision) {
    digits = python::repr(size);
  } else {
    const std::string format = str("%", spec.alternate ? "#" : "", ".", precision, kind);
    std::array<char, 1024> buffer{};
    std::snprintf(buffer.data(), buffer.size(), format.c_str(), size);
    digits = buffer.data();
  }
  return signed_text(std::signbit(value) && !std::isnan(value),
                     grouped(digits, spec.grouping) + (percent ? "%" : ""), spec);
}

std::string cut(const std::string& text, const std::optional<int64_t>& precision) {
  if (!precision || static_cast<size_t>(*precision) >= text.size()) return text;
  return python::encode(python::decode(text).substr(0, static_cast<size_t>(*precision)));
}

std::string pad_number(std::string text, Spec spec) {
  if (spec.zero && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  return pad(std::move(text), spec, '>');
}

// ---- % ----
class Percent {
 public:
  Percent(Runtime& runtime, const std::string& format, const Value& values)
      : runtime_(runtime), format_(format), values_(values) {}

  std::string run() {
    std::string out;
    while (at_ < format_.size()) {
      const size_t next = std::min(format_.find('%', at_), format_.size());
      out.append(format_, at_, next - at_);
      at_ = next;
      if (at_ < format_.size()) out += field();
      runtime_.charge_steps(1);
      if (out.size() > checked_) runtime_.charge_text((checked_ = out.size() * 2));
    }
    if (!named_ && used_ < given() && !values_.is_dict()) {
      throw Fault("not all arguments converted during string formatting");
    }
    return out;
  }

 private:
  bool is_tuple() const {
    return values_.is(SequenceKind::Tuple) || values_.is(SequenceKind::Group);
  }
  size_t given() const { return is_tuple() ? values_.sequence().items.size() : 1; }

  char peek() const {
    if (at_ >= format_.size()) throw Fault("incomplete format");
    return format_[at_];
  }

  Value next() {
    if (used_ >= given()) throw Fault("not enough arguments for format string");
    return is_tuple() ? values_.sequence().items[used_++] : (++used_, values_);
  }

  Value named() {
    const size_t end = format_.find(')', at_);
    if (end == std::string::npos) throw Fault("incomplete format key");
    const std::string key = format_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (!values_.is_dict()) throw Fault("format requires a mapping");
    named_ = true;
    const Value* value = values_.dict().find(std::string_view(key));
    if (value == nullptr) throw Fault(python::repr(key));
    return *value;
  }

  int64_t width() {
    if (peek() != '*') return read_number(format_, at_);
    ++at_;
    const int64_t width = to_index(next());
    if (width > kMaxWidth || width < 0) throw LimitFault(str("a format is wider than ", kMaxWidth));
    return width;
  }

  std::string field() {
    ++at_;
    std::optional<Value> value;
    if (peek() == '(') value = named();
    Spec spec;
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos; ++at_) {
      if (peek() == '-') spec.align = '<';
      if (peek() == '+' || (peek() == ' ' && spec.sign != '+')) spec.sign = peek();
      if (peek() == '#') spec.alternate = true;
      if (peek() == '0') spec.zero = true;
    }
    spec.width = width();
    if (peek() == '.') {
      ++at_;
      spec.precision = width();
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    spec.type = format_[at_++];
    if (spec.type == '%') return "%";
    return convert(value ? *value : next(), spec);
  }

  std::string convert(const Value& value, Spec& spec) {
    switch (spec.type) {
      case 's':
        return pad(cut(to_text(runtime_, value), spec.precision), spec, '>');
      case 'r':
      case 'a':
        return pad(cut(repr(runtime_, value), spec.precision), spec, '>');
      case 'c':
        return pad(character(value), spec, '>');
      case 'd':
      case 'i':
      case 'u':
        if (!value.is_number())
          throw Fault(
              str("%", spec.type, " format: a real number is required, not ", type_name(value)));
        return pad_number(integer_text(to_integer(value), spec), spec);
      case 'x':
      case 'X':
      case 'o':
        if (!value.is_integral())
          throw Fault(
              str("%", spec.type, " format: an integer is required, not ", type_name(value)));
        return pad_number(integer_text(value.integer(), spec), spec);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (value.is_undefined()) fail_undefined(value);
        if (!value.is_number()) throw Fault(str("must be real number, not ", type_name(value)));
        return pad_number(float_text(value.number(), spec), spec);
      default:
        throw Fault(str("unsupported format character '", spec.type, "'"));
    }
  }

  static int64_t to_integer(const Value& value) {
    if (value.is_integral()) return value.integer();
    const double number = std::trunc(value.number());
    if (!(std::abs(number) < 9.2e18)) throw Fault("cannot convert float to integer");
    return static_cast<int64_t>(number);
  }

  static std::string character(const Value& value) {
    if (value.is_string() && python::length(value.string()) == 1) return value.string();
    if (!value.is_integral()) throw Fault("%c requires int or char");
    if (value.integer() < 0 || value.integer() > 0x10ffff)
      throw Fault("%c arg not in range(0x110000)");
    const auto point = static_cast<char32_t>(value.integer());
    return python::encode({&point, 1});
  }

  Runtime& runtime_;
  const std::string& format_;
  const Value& values_;
  size_t at_ = 0, used_ = 0, checked_ = 4096;
  bool named_ = false;
};

// ---- str.format ----
Spec parse_spec(std::string_view text) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [&](size_t i) {
    return i < text.size() && std::string_view("<>^=").find(text[i]) != std::string_view::npos;
  };
  size_t second = 1;
  while (second < text.size() && (text[second] & 0xc0) == 0x80) ++second;
  if (!text.empty() && is_align(second)) {
    spec.fill = std::string(text.substr(0, second));
    spec.align = text[second];
    at = second + 1;
  } else if (is_align(0)) {
    spec.align = text[at++];
  }
  const auto accept = [&](std::string_view set) {
    return at < text.size() && set.find(text[at]) != std::string_view::npos;
  };
  if (accept("+- ")) spec.sign = text[at++];
  if (accept("#")) spec.alternate = (++at, true);
  if (accept("0")) spec.zero = (++at, true);
  spec.width = read_number(text, at);
  if (accept(",_")) spec.grouping = text[at++];
  if (accept(".")) {
    ++at;
    if (!accept("0123456789")) throw Fault("Format specifier missing precision");
    spec.precision = read_number(text, at);
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) throw Fault("Invalid format specifier");
  return spec;
}

std::string format_value(Runtime& runtime, const Value& value, std::string_view spec_text) {
  if (value.is_undefined() && spec_text.empty()) return {};
  if (spec_text.empty()) return to_text(runtime, value);
  if (!value.is_number() && !value.is_string()) {
    throw Fault(str("unsupported format string passed to ", type_name(value), ".__format__"));
  }
  const Spec spec = parse_spec(spec_text);
  const auto refuse = [&] {
    throw Fault(
        str("Unknown format code '", spec.type, "' for object of type '", type_name(value), "'"));
  };
  if (value.is_string()) {
    if (spec.type != 0 && spec.type != 's') refuse();
    return pad(cut(value.string(), spec.precision), spec, '<');
  }
  constexpr std::string_view kFloats = "eEfFgG%", kIntegers = "dxXobn";
  if (value.is_integral() &&
      (spec.type == 0 || kIntegers.find(spec.type) != std::string_view::npos)) {
    if (spec.precision) throw Fault("Precision not allowed in integer format specifier");
    return pad_number(integer_text(value.integer(), spec), spec);
  }
  if (spec.type != 0 && kFloats.find(spec.type) == std::string_view::npos) refuse();
  return pad_number(float_text(value.number(), spec), spec);
}

class Braces {
 public:
  Braces(Runtime& runtime, const Arguments& arguments) : runtime_(runtime), arguments_(arguments) {}

  std::string run(std::string_view format, int depth = 0) {
    if (depth > 2) throw Fault("Max string recursion exceeded");
    std::string out;
    for (size_t at = 0; at < format.size();) {
      const char c = format[at];
      if ((c == '{' || c == '}') && at + 1 < format.size() && format[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '}') {
        throw Fault("Single '}' encountered in format string");
      } else if (c == '{') {
        out += field(format, at, depth);
        runtime_.charge_text(out.size());
      } else {
        out += c;
        ++at;
      }
    }
    return out;
  }

 private:
  std::string field(std::string_view format, size_t& at, int depth) {
    const size_t begin = ++at;
    int open = 1;
    for (; at < format.size() && open > 0; ++at)
      open += format[at] == '{' ? 1 : format[at] == '}' ? -1 : 0;
    if (open > 0) throw Fault("expected '}' before end of string");
    std::string_view inside = format.substr(begin, at - begin - 1);
    const size_t colon = std::min(inside.find(':'), inside.size());
    std::string_view name = inside.substr(0, colon);
    char conversion = 0;
    if (const size_t mark = name.find('!'); mark != std::string_view::npos) {
      if (mark + 2 != name.size())
        throw Fault("end of string while looking for conversion specifier");
      conversion = name[mark + 1];
      name = name.substr(0, mark);
    }
    const Value value =
        lookup(name);  // before the specification, which may number fields of its own
    const std::string spec = colon < inside.size() ? run(inside.substr(colon + 1), depth + 1) : "";
    if (conversion == 'r' || conversion == 'a')
      return format_value(runtime_, Value(repr(runtime_, value)), spec);
    if (conversion == 's') return format_value(runtime_, Value(to_text(runtime_, value)), spec);
    if (conversion != 0) throw Fault(str("Unknown conversion specifier ", conversion));
    return format_value(runtime_, value, spec);
  }

  static bool digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  Value lookup(std::string_view path) {
    size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, end));
    while (end < path.size()) {
      if (path[end] == '.') {
        const size_t next = std::min(path.find_first_of(".[", end + 1), path.size());
        value = get_attribute(runtime_, value, std::string(path.substr(end + 1, next - end - 1)));
        end = next;
      } else {
        const size_t close = path.find(']', end);
        if (close == std::string_view::npos) throw Fault("expected '}' before end of string");
        const std::string_view key = path.substr(end + 1, close - end - 1);
        size_t zero = 0;
        value = get_item(runtime_, value,
                         digits(key) ? Value(read_number(key, zero)) : Value(std::string(key)));
        end = close + 1;
      }
    }
    return value;
  }

  Value first(std::string_view name) {
    if (name.empty() || digits(name)) {
      size_t zero = 0;
      const auto index = name.empty() ? automatic_++ : static_cast<size_t>(read_number(name, zero));
      if (index < arguments_.positional.size()) return arguments_.positional[index];
      throw Fault(str("Replacement index ", index, " out of range for positional args tuple"));
    }
    for (const auto& [known, value] : arguments_.named) {
      if (known == name) return value;
    }
    throw Fault(python::repr(name));
  }

  Runtime& runtime_;
  const Arguments& arguments_;
  size_t automatic_ = 0;
};

}  // namespace

std::string format_percent(Runtime& runtime, const std::string& format, const Value& values) {
  return Percent(runtime, format, values).run();
}

std::string format_braces(Runtime& runtime, const std::string& format, const Arguments& arguments) {
  return Braces(runtime, arguments).run(format);
}

}  // namespace tunewright::text::jinja
