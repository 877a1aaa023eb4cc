// The methods of str.
#include <algorithm>
#include <array>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using python::Side;

Value same_kind(Runtime& runtime, const Value& self, std::string text) {
  return text_value(runtime, std::move(text), self.is_markup());
}

template <Side kSide>
Value strip(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("strip", std::move(arguments), {"chars"});
  if (bound[0].is_none())
    return same_kind(runtime, self, std::string(python::strip(self.string(), kSide)));
  if (!bound[0].is_string()) throw Fault("strip arg must be None or str");
  return same_kind(runtime, self, python::strip(self.string(), bound[0].string(), kSide));
}

template <bool kFromRight>
Value split(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("split", std::move(arguments), {"sep", "maxsplit"});
  const int64_t limit = bound.has(1) ? to_index(bound[1]) : -1;
  runtime.charge_items(self.string().size() / 8);
  if (bound[0].is_none()) {
    return text_list(runtime, kFromRight ? python::rsplit_space(self.string(), limit)
                                         : python::split_space(self.string(), limit));
  }
  const std::string& separator = to_string(bound[0], "the separator");
  if (separator.empty()) throw Fault("empty separator");
  return text_list(runtime, kFromRight ? python::rsplit_on(self.string(), separator, limit)
                                       : python::split_on(self.string(), separator, limit));
}

template <bool kFromRight>
Value partition(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("partition", std::move(arguments), {"sep"}, 1);
  const std::string& separator = to_string(bound[0], "the separator");
  if (separator.empty()) throw Fault("empty separator");
  const std::string& text = self.string();
  const size_t at = kFromRight ? text.rfind(separator) : text.find(separator);
  Items parts;
  if (at == std::string::npos) {
    parts = {Value(text), Value(""), Value("")};
    if (kFromRight) std::swap(parts[0], parts[2]);
  } else {
    parts = {Value(text.substr(0, at)), Value(separator),
             Value(text.substr(at + separator.size()))};
  }
  runtime.charge_text(text.size());
  return list_value(runtime, std::move(parts), SequenceKind::Tuple);
}

// The bytes of self[start:end], and where they begin.
struct Part {
  std::string text;
  int64_t offset = 0;
  bool valid = true;  // start does not lie behind the end
};

Part part_of(const Value& self, const Bound& bound, size_t first) {
  if (bound[first].is_none() && bound[first + 1].is_none()) return {self.string()};
  const std::u32string points = python::decode(self.string());
  const auto size = static_cast<int64_t>(points.size());
  const auto clamp = [&](const Value& value, int64_t otherwise) {
    if (value.is_none()) return otherwise;
    const int64_t index = to_index(value);
    return std::max<int64_t>(index < 0 ? index + size : index, 0);
  };
  const int64_t start = clamp(bound[first], 0);
  const int64_t stop = std::min(clamp(bound[first + 1], size), size);
  if (start > stop) return {"", start, false};
  return {
      python::encode(points.substr(static_cast<size_t>(start), static_cast<size_t>(stop - start))),
      start};
}

enum class Edge { Start, End };

bool has_edge(const Part& part, const Value& edge, Edge side, std::string_view method) {
  if (edge.is(SequenceKind::Tuple)) {
    const Items& edges = edge.sequence().items;
    return std::any_of(edges.begin(), edges.end(),
                       [&](const Value& one) { return has_edge(part, one, side, method); });
  }
  if (!edge.is_string()) {
    throw Fault(str(method, " first arg must be str or a tuple of str, not ", type_name(edge)));
  }
  if (!part.valid) return false;
  return side == Edge::Start ? part.text.starts_with(edge.string())
                             : part.text.ends_with(edge.string());
}

template <Edge kEdge>
Value edge_test(Runtime&, const Value& self, Arguments arguments) {
  constexpr std::string_view kName = kEdge == Edge::Start ? "startswith" : "endswith";
  const Bound bound = bind(kName, std::move(arguments), {"prefix", "start", "end"}, 1);
  return Value(has_edge(part_of(self, bound, 1), bound[0], kEdge, kName));
}

int64_t find_in(const Part& part, const std::string& needle, bool from_right) {
  if (!part.valid) return -1;
  const size_t at = from_right ? part.text.rfind(needle) : part.text.find(needle);
  if (at == std::string::npos) return -1;
  return part.offset +
         static_cast<int64_t>(python::length(std::string_view(part.text).substr(0, at)));
}

template <bool kFromRight, bool kMust>
Value find(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("find", std::move(arguments), {"sub", "start", "end"}, 1);
  runtime.charge_scan(self.string().size());
  const int64_t at =
      find_in(part_of(self, bound, 1), to_string(bound[0], "the argument"), kFromRight);
  if (kMust && at < 0) throw Fault("substring not found");
  return Value(at);
}

Value count(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("count", std::move(arguments), {"sub", "start", "end"}, 1);
  runtime.charge_scan(self.string().size());
  const Part part = part_of(self, bound, 1);
  const std::string& needle = to_string(bound[0], "the argument");
  if (!part.valid) return Value(int64_t{0});
  if (needle.empty()) return Value(static_cast<int64_t>(python::length(part.text)) + 1);
  int64_t found = 0;
  for (size_t at = 0; (at = part.text.find(needle, at)) != std::string::npos; at += needle.size())
    ++found;
  return Value(found);
}

std::string join_letters(const std::string& text, const std::string& with, int64_t limit) {
  std::string out;
  int64_t done = 0;
  for (const char32_t point : python::decode(text)) {
    if (limit < 0 || done++ < limit) out += with;
    python::append(out, point);
  }
  if (limit < 0 || done < limit) out += with;
  return out;
}

Value replace(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("replace", std::move(arguments), {"old", "new", "count"}, 2);
  const std::string& text = self.string();
  const std::string& from = to_string(bound[0], "replace() argument 1");
  const std::string& to = to_string(bound[1], "replace() argument 2");
  const int64_t limit = bound.has(2) ? to_index(bound[2]) : -1;
  if (from.empty()) {
    runtime.charge_text(text.size() + (text.size() + 1) * to.size());
    return same_kind(runtime, self, join_letters(text, to, limit));
  }
  std::string out;
  size_t at = 0;
  for (int64_t done = 0; limit < 0 || done < limit; ++done) {
    const size_t next = text.find(from, at);
    if (next == std::string::npos) break;
    out.append(text, at, next - at).append(to);
    at = next + from.size();
    if (done % 1024 == 0) runtime.charge_text(out.size());
  }
  return same_kind(runtime, self, out.append(text, at));
}

Value join(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("join", std::move(arguments), {"iterable"}, 1);
  const auto items = iterate(runtime, bound[0]);
  std::string out;
  for (size_t i = 0; i < items->size(); ++i) {
    const Value& item = (*items)[i];
    if (!item.is_string()) {
      throw Fault(str("sequence item ", i, ": expected str instance, ", type_name(item), " found"));
    }
    if (i > 0) out += self.string();
    out += item.string();
    runtime.charge_text(item.string().size() + self.string().size());
  }
  return same_kind(runtime, self, std::move(out));
}

template <std::string (*kChange)(std::string_view)>
Value change(Runtime& runtime, const Value& self, Arguments arguments) {
  bind("the method", std::move(arguments), {});
  return same_kind(runtime, self, kChange(self.string()));
}

template <bool (*kHolds)(char32_t)>
Value all_points(Runtime&, const Value& self, Arguments arguments) {
  bind("the method", std::move(arguments), {});
  const std::u32string points = python::decode(self.string());
  return Value(!points.empty() && std::all_of(points.begin(), points.end(), kHolds));
}

bool is_alphanumeric(char32_t point) {
  return python::is_alpha(point) || python::is_decimal(point) || python::is_digit(point) ||
         python::is_numeric(point);
}

Value is_ascii(Runtime&, const Value& self, Arguments) {
  return Value(python::is_ascii(self.string()));
}

Value is_printable(Runtime&, const Value& self, Arguments) {
  const std::u32string points = python::decode(self.string());
  return Value(std::all_of(points.begin(), points.end(), python::is_printable));
}

Value is_identifier(Runtime&, const Value& self, Arguments) {
  const std::u32string points = python::decode(self.string());
  return Value(!points.empty() && !python::is_numeric(points[0]) &&
               std::all_of(points.begin(), points.end(), python::is_word));
}

template <bool (*kWanted)(char32_t), bool (*kOther)(char32_t)>
Value all_cased(Runtime&, const Value& self, Arguments) {
  const std::u32string points = python::decode(self.string());
  return Value(std::any_of(points.begin(), points.end(), kWanted) &&
               std::none_of(points.begin(), points.end(), kOther));
}

Value is_title(Runtime&, const Value& self, Arguments) {
  bool after_cased = false, any = false;
  for (const char32_t point : python::decode(self.string())) {
    const bool upper = python::is_upper(point), lower = python::is_lower(point);
    if ((upper && after_cased) || (lower && !after_cased)) return Value(false);
    after_cased = upper || lower;
    any = any || after_cased;
  }
  return Value(any);
}

Value split_lines(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("splitlines", std::move(arguments), {"keepends"});
  return text_list(runtime, python::split_lines(self.string(), truth(bound[0])));
}

template <Edge kEdge>
Value remove_edge(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("removeprefix", std::move(arguments), {"prefix"}, 1);
  const std::string& edge = to_string(bound[0], "the argument");
  const std::string& text = self.string();
  if (kEdge == Edge::Start && text.starts_with(edge))
    return same_kind(runtime, self, text.substr(edge.size()));
  if (kEdge == Edge::End && text.ends_with(edge)) {
    return same_kind(runtime, self, text.substr(0, text.size() - edge.size()));
  }
  return self;
}

enum class Align { Left, Right, Center };

template <Align kAlign>
Value justify(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("the method", std::move(arguments), {"width", "fillchar"}, 1);
  const std::string fill = bound.has(1) ? to_string(bound[1], "the fill character") : " ";
  if (python::length(fill) != 1)
    throw Fault("The fill character must be exactly one character long");
  const auto size = static_cast<int64_t>(python::length(self.string()));
  const int64_t width = to_index(bound[0]);
  if (width <= size) return self;
  const int64_t missing = width - size;
  runtime.charge_text(self.string().size() +
                      std::min<size_t>(static_cast<size_t>(missing), size_t{1} << 60) *
                          fill.size());
  const int64_t left = kAlign == Align::Left    ? 0
                       : kAlign == Align::Right ? missing
                                                : missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += self.string();
  for (int64_t i = left; i < missing; ++i) out += fill;
  return same_kind(runtime, self, std::move(out));
}

Value zero_fill(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("zfill", std::move(arguments), {"width"}, 1);
  const std::string& text = self.string();
  const auto size = static_cast<int64_t>(python::length(text)), width = to_index(bound[0]);
  if (width <= size) return self;
  const int64_t missing = width - size;
  runtime.charge_text(text.size() + static_cast<size_t>(missing));
  const size_t signs = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  return same_kind(
      runtime, self,
      text.substr(0, signs) + std::string(static_cast<size_t>(missing), '0') + text.substr(signs));
}

Value expand_tabs(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("expandtabs", std::move(arguments), {"tabsize"});
  const int64_t size = bound.has(0) ? to_index(bound[0]) : 8;
  std::string out;
  int64_t column = 0;
  for (const char32_t point : python::decode(self.string())) {
    if (point != '\t') {
      python::append(out, point);
      column = point == '\n' || point == '\r' ? 0 : column + 1;
    } else if (size > 0) {
      const int64_t spaces = size - column % size;
      runtime.charge_text(static_cast<size_t>(spaces));
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
    }
  }
  return same_kind(runtime, self, std::move(out));
}

Value format(Runtime& runtime, const Value& self, Arguments arguments) {
  return same_kind(runtime, self, format_braces(runtime, self.string(), arguments));
}

Value format_map(Runtime& runtime, const Value& self, Arguments arguments) {
  const Bound bound = bind("format_map", std::move(arguments), {"mapping"}, 1);
  Arguments named;
  if (!bound[0].is_dict()) throw Fault("format_map() argument must be a mapping");
  for (const auto& [key, value] : bound[0].dict().items())
    named.named.emplace_back(to_text(runtime, key), value);
  return same_kind(runtime, self, format_braces(runtime, self.string(), named));
}

Value unsupported(Runtime&, const Value&, Arguments) {
  throw Fault("str.encode, str.translate and str.maketrans are not supported in chat templates");
}

using Entry = Named<Method>;

constexpr std::array kMethods = {
    Entry{"strip", strip<Side::Both>},
    Entry{"lstrip", strip<Side::Left>},
    Entry{"rstrip", strip<Side::Right>},
    Entry{"split", split<false>},
    Entry{"rsplit", split<true>},
    Entry{"startswith", edge_test<Edge::Start>},
    Entry{"endswith", edge_test<Edge::End>},
    Entry{"replace", replace},
    Entry{"join", join},
    Entry{"upper", change<python::upper>},
    Entry{"lower", change<python::lower>},
    Entry{"title", change<python::title>},
    Entry{"capitalize", change<python::capitalize>},
    Entry{"swapcase", change<python::swapcase>},
    Entry{"casefold", change<python::casefold>},
    Entry{"find", find<false, false>},
    Entry{"rfind", find<true, false>},
    Entry{"index", find<false, true>},
    Entry{"rindex", find<true, true>},
    Entry{"count", count},
    Entry{"format", format},
    Entry{"format_map", format_map},
    Entry{"partition", partition<false>},
    Entry{"rpartition", partition<true>},
    Entry{"splitlines", split_lines},
    Entry{"removeprefix", remove_edge<Edge::Start>},
    Entry{"removesuffix", remove_edge<Edge::End>},
    Entry{"zfill", zero_fill},
    Entry{"ljust", justify<Align::Left>},
    Entry{"rjust", justify<Align::Right>},
    Entry{"center", justify<Align::Center>},
    Entry{"expandtabs", expand_tabs},
    Entry{"isdigit", all_points<python::is_digit>},
    Entry{"isdecimal", all_points<python::is_decimal>},
    Entry{"isnumeric", all_points<python::is_numeric>},
    Entry{"isalpha", all_points<python::is_alpha>},
    Entry{"isalnum", all_points<is_alphanumeric>},
    Entry{"isspace", all_points<python::is_space>},
    Entry{"isupper", all_cased<python::is_upper, python::is_lower>},
    Entry{"islower", all_cased<python::is_lower, python::is_upper>},
    Entry{"istitle", is_title},
    Entry{"isascii", is_ascii},
    Entry{"isprintable", is_printable},
    Entry{"isidentifier", is_identifier},
    Entry{"encode", unsupported},
    Entry{"translate", unsupported},
    Entry{"maketrans", unsupported},
};

}  // namespace

Method string_method(std::string_view name) { return find_named<Method>(kMethods, name); }

}  // namespace tunewright::text::jinja
