// Values as text: str(), repr() and JSON, as Python writes them.
#include <algorithm>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_runtime.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using Type = Value::Type;

void write_repr(Runtime& runtime, std::string& out, const Value& value);

// The text grows piece by piece; what it adds is charged as it comes.
constexpr size_t kQuoting = 8;  // the work on a letter to be quoted, relative to one only read

void add_text(Runtime& runtime, std::string& out, std::string_view text) {
  runtime.charge_text(text.size());
  out += text;
}

void write_items(Runtime& runtime, std::string& out, const Items& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    write_repr(runtime, out, items[i]);
  }
}

void write_pairs(Runtime& runtime, std::string& out,
                 const std::vector<std::pair<std::string, Value>>& pairs) {
  out += "{";
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) out += ", ";
    out += python::repr(pairs[i].first) + ": ";
    write_repr(runtime, out, pairs[i].second);
  }
  out += "}";
}

void write_dict(Runtime& runtime, std::string& out, const Dict& dict) {
  out += "{";
  bool first = true;
  for (const auto& [key, value] : dict.items()) {
    if (!first) out += ", ";
    first = false;
    write_repr(runtime, out, key);
    out += ": ";
    write_repr(runtime, out, value);
  }
  out += "}";
}

void write_sequence(Runtime& runtime, std::string& out, const Sequence& sequence) {
  const auto wrapped = [&](std::string_view open, std::string_view close) {
    out += open;
    write_items(runtime, out, sequence.items);
    out += close;
  };
  switch (sequence.kind) {
    case SequenceKind::List:
      return wrapped("[", "]");
    case SequenceKind::Tuple:
    case SequenceKind::Group:
      return wrapped("(", sequence.items.size() == 1 ? ",)" : ")");
    case SequenceKind::DictKeys:
      return wrapped("dict_keys([", "])");
    case SequenceKind::DictValues:
      return wrapped("dict_values([", "])");
    case SequenceKind::DictItems:
      return wrapped("dict_items([", "])");
    case SequenceKind::Range:
      out += sequence.name;
      return;
    case SequenceKind::Generator:
      out += "<generator object " + sequence.name + ">";
      return;
  }
}

void write_object(Runtime& runtime, std::string& out, const Object& object) {
  const auto* space = dynamic_cast<const Namespace*>(&object);
  if (space == nullptr) return add_text(runtime, out, object.repr());
  out += "<Namespace ";
  write_pairs(runtime, out, space->attributes());
  out += ">";
}

void write_repr(Runtime& runtime, std::string& out, const Value& value) {
  const Runtime::Nested nested(runtime);
  runtime.charge_steps(1);
  switch (value.type()) {
    case Type::None:
      out += "None";
      return;
    case Type::Undefined:
      out += "Undefined";
      return;
    case Type::Bool:
      out += value.boolean() ? "True" : "False";
      return;
    case Type::Int:
      out += std::to_string(value.integer());
      return;
    case Type::Float:
      out += python::repr(value.number());
      return;
    case Type::String: {
      runtime.charge_scan(value.string().size() * kQuoting);
      const std::string quoted = python::repr(value.string());
      return add_text(runtime, out, value.is_markup() ? "Markup(" + quoted + ")" : quoted);
    }
    case Type::Sequence:
      return write_sequence(runtime, out, value.sequence());
    case Type::Dict:
      return write_dict(runtime, out, value.dict());
    case Type::Object:
      return write_object(runtime, out, value.object());
  }
}

std::string json_key(const Value& key, const JsonStyle& style) {
  switch (key.type()) {
    case Type::String:
      return python::json_quote(key.string(), style.ensure_ascii);
    case Type::None:
      return "\"null\"";
    case Type::Bool:
      return key.boolean() ? "\"true\"" : "\"false\"";
    case Type::Int:
      return "\"" + std::to_string(key.integer()) + "\"";
    case Type::Float:
      return "\"" + python::repr(key.number()) + "\"";
    default:
      throw Fault(str("keys must be str, int, float, bool or None, not ", type_name(key)));
  }
}

std::string json_number(double value) {
  std::string text = python::repr(value);
  if (text == "nan") return "NaN";
  if (text == "inf") return "Infinity";
  return text == "-inf" ? "-Infinity" : text;
}

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style) : runtime_(runtime), style_(style) {}

  void write(const Value& value) {
    const Runtime::Nested nested(runtime_);
    runtime_.charge_steps(1);
    switch (value.type()) {
      case Type::None:
        out_ += "null";
        return;
      case Type::Bool:
        out_ += value.boolean() ? "true" : "false";
        return;
      case Type::Int:
        out_ += std::to_string(value.integer());
        return;
      case Type::Float:
        out_ += json_number(value.number());
        return;
      case Type::String:
        runtime_.charge_scan(value.string().size() * kQuoting);
        return add_text(runtime_, out_, python::json_quote(value.string(), style_.ensure_ascii));
      case Type::Dict:
        return write_dict(value.dict());
      case Type::Sequence:
        if (value.sequence().kind <= SequenceKind::Group)
          return write_array(value.sequence().items);
        break;
      default:
        break;
    }
    throw Fault(str("Object of type ", type_name(value), " is not JSON serializable"));
  }

  std::string take() { return std::move(out_); }

 private:
  void line() {
    if (!style_.multiline) return;
    out_ += '\n';
    for (int i = 0; i < level_; ++i) out_ += style_.indent;
    runtime_.charge_text(static_cast<size_t>(level_) * style_.indent.size());
  }

  void write_array(const Items& items) {
    if (items.empty()) {
      out_ += "[]";
      return;
    }
    out_ += '[';
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      line();
      write(items[i]);
    }
    --level_;
    line();
    out_ += ']';
  }

  void write_dict(const Dict& dict) {
    if (dict.items().empty()) {
      out_ += "{}";
      return;
    }
    std::vector<const std::pair<Value, Value>*> items;
    for (const auto& item : dict.items()) items.push_back(&item);
    if (style_.sort_keys) {
      std::stable_sort(items.begin(), items.end(), [&](const auto* a, const auto* b) {
        return ordered(runtime_, "<", a->first, b->first);
      });
    }
    out_ += '{';
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      line();
      add_text(runtime_, out_, json_key(items[i]->first, style_) + style_.key_separator);
      write(items[i]->second);
    }
    --level_;
    line();
    out_ += '}';
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  std::string out_;
  int level_ = 0;
};

}  // namespace

std::string repr(Runtime& runtime, const Value& value) {
  std::string out;
  write_repr(runtime, out, value);
  return out;
}

std::string to_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) return value.string();
  return value.is_undefined() ? std::string() : repr(runtime, value);
}

std::string to_json(Runtime& runtime, const Value& value, const JsonStyle& style) {
  JsonWriter writer(runtime, style);
  writer.write(value);
  return writer.take();
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace tunewright::text::jinja
