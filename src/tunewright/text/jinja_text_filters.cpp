// Filters that make text.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

Arguments one(Value value) {
  Arguments arguments;
  arguments.positional.push_back(std::move(value));
  return arguments;
}

// str(value), a Markup staying one.
Value soft_text(Runtime& runtime, const Value& value) {
  return value.is_string() ? value : text_value(runtime, to_text(runtime, value));
}

Value by_method(Runtime& runtime, const Value& value, std::string_view method,
                Arguments arguments) {
  return string_method(method)(runtime, soft_text(runtime, value), std::move(arguments));
}

Value upper(Runtime& runtime, Value value, Arguments arguments) {
  return by_method(runtime, value, "upper", std::move(arguments));
}
Value lower(Runtime& runtime, Value value, Arguments arguments) {
  return by_method(runtime, value, "lower", std::move(arguments));
}
Value capitalize(Runtime& runtime, Value value, Arguments arguments) {
  return by_method(runtime, value, "capitalize", std::move(arguments));
}
Value trim(Runtime& runtime, Value value, Arguments arguments) {
  return by_method(runtime, value, "strip", std::move(arguments));
}
Value string(Runtime& runtime, Value value, Arguments arguments) {
  bind("string", std::move(arguments), {});
  return soft_text(runtime, value);
}

Value center(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("center", std::move(arguments), {"width"});
  return by_method(runtime, value, "center", one(bound.value_or(0, Value(int64_t{80}))));
}

Value safe(Runtime& runtime, Value value, Arguments arguments) {
  bind("safe", std::move(arguments), {});
  return text_value(runtime, to_text(runtime, value), true);
}

Value force_escape(Runtime& runtime, Value value, Arguments arguments) {
  bind("forceescape", std::move(arguments), {});
  return text_value(runtime, escape_html(to_text(runtime, value)), true);
}

Value escape(Runtime& runtime, Value value, Arguments arguments) {
  return value.is_markup() ? value : force_escape(runtime, std::move(value), std::move(arguments));
}

Value replace(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("replace", std::move(arguments), {"old", "new", "count"}, 2);
  Arguments plain;
  plain.positional = {Value(to_text(runtime, bound[0])), Value(to_text(runtime, bound[1]))};
  if (!bound[2].is_none()) plain.positional.push_back(bound[2]);
  return string_method("replace")(runtime, Value(to_text(runtime, value)), std::move(plain));
}

Value format(Runtime& runtime, Value value, Arguments arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw Fault("can't handle positional and keyword arguments at the same time");
  }
  const Value text = soft_text(runtime, value);
  if (arguments.named.empty()) {
    return arithmetic(runtime, "%", text,
                      Value::sequence(std::move(arguments.positional), SequenceKind::Tuple));
  }
  auto dict = std::make_shared<Dict>();
  for (auto& [name, held] : arguments.named) dict->set(Value(name), std::move(held));
  return arithmetic(runtime, "%", text, Value(std::shared_ptr<const Dict>(std::move(dict))));
}

// Words begin after white space, hyphens and opening brackets.
Value title(Runtime& runtime, Value value, Arguments arguments) {
  bind("title", std::move(arguments), {});
  const Value text = soft_text(runtime, value);
  std::string out;
  bool first = true;
  for (const char32_t point : python::decode(text.string())) {
    const std::string letter = python::encode({&point, 1});
    const bool separator = python::is_space(point) ||
                           std::u32string_view(U"-({[<").find(point) != std::u32string::npos;
    out += separator ? letter : first ? python::upper(letter) : python::lower(letter);
    first = separator;
  }
  return text_value(runtime, std::move(out));
}

Value indent(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("indent", std::move(arguments), {"width", "first", "blank"});
  if (!value.is_string()) return arithmetic(runtime, "+", value, Value("\n"));
  std::string space(4, ' ');
  if (bound[0].is_string()) {
    space = bound[0].string();
  } else if (bound.has(0)) {
    const int64_t width = to_index(bound[0]);
    runtime.charge_text(static_cast<size_t>(std::max<int64_t>(width, 0)));
    space.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  }
  const bool first = truth(bound[1]), blank = truth(bound[2]);
  std::vector<std::string> lines = python::split_lines(value.string() + "\n", false);
  std::string out = first ? space : "";
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\n" + (blank || !lines[i].empty() ? space : std::string());
    out += lines[i];
    if (i % 64 == 0) runtime.charge_text(space.size() * 64 + out.size() / 16);
  }
  return text_value(runtime, std::move(out), value.is_markup());
}

Value truncate(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound =
      bind("truncate", std::move(arguments), {"length", "killwords", "end", "leeway"});
  const int64_t most = bound.has(0) ? to_index(bound[0]) : 255;
  const std::string end = bound.has(2) ? to_text(runtime, bound[2]) : "...";
  const int64_t leeway = !bound[3].is_none() ? to_index(bound[3]) : 5;
  const auto end_size = static_cast<int64_t>(python::length(end));
  if (most < end_size) throw Fault(str("expected length >= ", end_size, ", got ", most));
  if (leeway < 0) throw Fault(str("expected leeway >= 0, got ", leeway));
  if (length(runtime, value) - leeway <= most) return value;
  const std::u32string points = python::decode(to_string(value, "the value"));
  std::string kept = python::encode(points.substr(0, static_cast<size_t>(most - end_size)));
  if (!truth(bound[1])) kept = python::rsplit_on(kept, " ", 1)[0];
  return text_value(runtime, kept + end);
}

Value word_count(Runtime& runtime, Value value, Arguments arguments) {
  bind("wordcount", std::move(arguments), {});
  int64_t words = 0;
  bool inside = false;
  for (const char32_t point : python::decode(to_text(runtime, value))) {
    const bool word = python::is_word(point);
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value(words);
}

// What textwrap breaks at: after white space, and after hyphens inside words.
std::vector<std::u32string> chunks_of(const std::u32string& line, bool on_hyphens) {
  std::vector<std::u32string> chunks;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool space = python::is_space(line[i]);
    bool starts = i == 0 || space != python::is_space(line[i - 1]);
    if (on_hyphens && i >= 3 && line[i - 1] == '-' && python::is_alpha(line[i - 2]) &&
        python::is_alpha(line[i - 3])) {
      starts = starts ||
               (i + 1 < line.size() && python::is_alpha(line[i]) && python::is_alpha(line[i + 1]));
    }
    if (starts) chunks.emplace_back();
    chunks.back().push_back(line[i]);
  }
  return chunks;
}

std::vector<std::string> wrap(const std::string& line, size_t width, bool break_words,
                              bool on_hyphens) {
  std::vector<std::string> lines;
  std::u32string current;
  const auto is_blank = [](const std::u32string& chunk) { return python::is_space(chunk[0]); };
  const auto flush = [&] {
    while (!current.empty() && python::is_space(current.back())) current.pop_back();
    if (!current.empty()) lines.push_back(python::encode(current));
    current.clear();
  };
  for (std::u32string chunk : chunks_of(python::decode(line), on_hyphens)) {
    if (current.size() + chunk.size() > width && !(current.empty() && chunk.size() <= width)) {
      if (chunk.size() > width && break_words && !is_blank(chunk)) {
        while (chunk.size() > width - current.size() || chunk.size() > width) {
          const size_t room = width - current.size();
          current += chunk.substr(0, room);
          chunk.erase(0, room);
          flush();
        }
      } else {
        flush();
      }
    }
    if (current.empty() && !lines.empty() && !chunk.empty() && is_blank(chunk)) continue;
    current += chunk;
  }
  flush();
  return lines;
}

Value word_wrap(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("wordwrap", std::move(arguments),
                          {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
  const int64_t width = bound.has(0) ? to_index(bound[0]) : 79;
  if (width <= 0) throw Fault(str("invalid width ", width, " (must be > 0)"));
  const std::string separator = !bound[2].is_none() ? to_string(bound[2], "wrapstring") : "\n";
  const bool words = !bound.has(1) || truth(bound[1]), hyphens = !bound.has(3) || truth(bound[3]);
  std::vector<std::string> lines;
  for (const std::string& line : python::split_lines(to_string(value, "the value"), false)) {
    lines.push_back(join(wrap(line, static_cast<size_t>(width), words, hyphens), separator));
  }
  return text_value(runtime, join(lines, separator));
}

Value strip_tags(Runtime& runtime, Value value, Arguments arguments) {
  bind("striptags", std::move(arguments), {});
  std::string text = to_text(runtime, value);
  for (const auto& [open, close] : {std::pair{"<!--", "-->"}, std::pair{"<", ">"}}) {
    std::string kept;
    size_t at = 0;
    for (size_t begin; (begin = text.find(open, at)) != std::string::npos;) {
      const size_t end = text.find(close, begin);
      if (end == std::string::npos) break;
      kept.append(text, at, begin - at);
      at = end + std::string_view(close).size();
    }
    text = kept.append(text, at);
  }
  text = join(python::split_space(text, -1), " ");
  for (const auto& [entity, plain] :
       {std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"}, std::pair{"&#34;", "\""},
        std::pair{"&quot;", "\""}, std::pair{"&#39;", "'"}, std::pair{"&amp;", "&"}}) {
    text = replace_all(text, entity, plain);
  }
  return text_value(runtime, std::move(text));
}

std::string quote_url(std::string_view text, bool in_query) {
  std::string out;
  std::array<char, 4> buffer{};
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 && (c & 0x80) == 0;
    if (plain || std::string_view("_.-~").find(c) != std::string_view::npos ||
        (c == '/' && !in_query)) {
      out += c;
    } else if (c == ' ' && in_query) {
      out += '+';
    } else {
      std::snprintf(buffer.data(), buffer.size(), "%%%02X", static_cast<unsigned char>(c));
      out += buffer.data();
    }
  }
  return out;
}

Value url_encode(Runtime& runtime, Value value, Arguments arguments) {
  bind("urlencode", std::move(arguments), {});
  const bool iterable = value.is_dict() || value.is(Value::Type::Sequence);
  if (!iterable) return text_value(runtime, quote_url(to_text(runtime, value), false));
  const Value pairs = value.is_dict() ? dict_method("items")(runtime, value, {}) : value;
  std::vector<std::string> parts;
  for (const Value& pair : Iteration(iterate(runtime, pairs))) {
    const auto both = iterate(runtime, pair);
    if (both->size() != 2) throw Fault("urlencode needs pairs");
    parts.push_back(quote_url(to_text(runtime, (*both)[0]), true) + "=" +
                    quote_url(to_text(runtime, (*both)[1]), true));
  }
  return text_value(runtime, join(parts, "&"));
}

Value xml_attributes(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound = bind("xmlattr", std::move(arguments), {"autospace"});
  if (!value.is_dict())
    throw Fault(str("'", type_name(value), "' object has no attribute 'items'"));
  std::string out;
  for (const auto& [key, held] : value.dict().items()) {
    if (held.is_none() || held.is_undefined()) continue;
    const std::string& name = to_string(key, "the name of an attribute");
    if (name.find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      throw Fault("Invalid character in attribute name: " + python::repr(name));
    }
    const std::string text = held.is_markup() ? held.string() : escape_html(to_text(runtime, held));
    out += (out.empty() ? "" : " ") + escape_html(name) + "=\"" + text + "\"";
  }
  if (!out.empty() && (!bound.has(0) || truth(bound[0]))) out.insert(0, " ");
  return text_value(runtime, std::move(out));
}

// json.dumps, as transformers gives it to templates.
Value to_json_filter(Runtime& runtime, Value value, Arguments arguments) {
  const auto bound =
      bind("tojson", std::move(arguments), {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = truth(bound[0]);
  style.sort_keys = truth(bound[3]);
  if (!bound[1].is_none()) {
    style.multiline = true;
    style.item_separator = ",";
    const int64_t width = bound[1].is_string() ? 0 : std::max<int64_t>(to_index(bound[1]), 0);
    runtime.charge_text(static_cast<size_t>(width));
    style.indent =
        bound[1].is_string() ? bound[1].string() : std::string(static_cast<size_t>(width), ' ');
  }
  if (!bound[2].is_none()) {
    const auto both = iterate(runtime, bound[2]);
    if (both->size() != 2)
      throw Fault(str("not enough values to unpack (expected 2, got ", both->size(), ")"));
    style.item_separator = to_string((*both)[0], "a separator");
    style.key_separator = to_string((*both)[1], "a separator");
  }
  return text_value(runtime, to_json(runtime, value, style));
}

Value with_sorted_keys(Runtime& runtime, const Value& value) {
  if (value.is(Value::Type::Sequence)) {
    Items items;
    for (const Value& item : value.sequence().items)
      items.push_back(with_sorted_keys(runtime, item));
    return list_value(runtime, std::move(items), value.sequence().kind, value.sequence().name);
  }
  if (!value.is_dict()) return value;
  auto pairs = value.dict().items();
  runtime.charge_items(pairs.size());
  std::stable_sort(pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
    return ordered(runtime, "<", a.first, b.first);
  });
  auto sorted = std::make_shared<Dict>();
  for (const auto& [key, held] : pairs) sorted->set(key, with_sorted_keys(runtime, held));
  return Value(std::move(sorted));
}

Value pretty(Runtime& runtime, Value value, Arguments arguments) {
  constexpr size_t kWidth = 80;
  bind("pprint", std::move(arguments), {});
  std::string text = repr(runtime, with_sorted_keys(runtime, value));
  if (python::length(text) > kWidth)
    throw Fault("pprint of what is wider than 80 characters is not supported; use tojson");
  return text_value(runtime, std::move(text));
}

using Entry = Named<Filter>;

constexpr std::array kFilters = {
    Entry{"upper", upper},
    Entry{"lower", lower},
    Entry{"capitalize", capitalize},
    Entry{"trim", trim},
    Entry{"string", string},
    Entry{"center", center},
    Entry{"safe", safe},
    Entry{"escape", escape},
    Entry{"e", escape},
    Entry{"forceescape", force_escape},
    Entry{"replace", replace},
    Entry{"format", format},
    Entry{"title", title},
    Entry{"indent", indent},
    Entry{"truncate", truncate},
    Entry{"wordcount", word_count},
    Entry{"wordwrap", word_wrap},
    Entry{"striptags", strip_tags},
    Entry{"urlencode", url_encode},
    Entry{"xmlattr", xml_attributes},
    Entry{"tojson", to_json_filter},
    Entry{"pprint", pretty},
};

}  // namespace

Filter find_text_filter(std::string_view name) { return find_named<Filter>(kFilters, name); }

Filter find_filter(std::string_view name) {
  for (const auto find : {find_text_filter, find_sequence_filter, find_number_filter}) {
    if (const Filter filter = find(name)) return filter;
  }
  return nullptr;
}

}  // namespace tunewright::text::jinja
