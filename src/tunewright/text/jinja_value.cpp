#include "tunewright/text/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::text::jinja {
namespace {

constexpr size_t kIndexedFrom = 8;  // smaller dicts are searched through

bool numbers_equal(const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral()) return left.integer() == right.integer();
  return left.exact() == right.exact();
}

}  // namespace

int nested_in(int depth) {
  if (depth >= kMaxValueDepth) {
    throw LimitFault(str("a value is nested deeper than ", kMaxValueDepth, " levels"));
  }
  return depth + 1;
}

Value Value::undefined(std::string message) {
  return Value(Raw(), jinja::Undefined{std::make_shared<const std::string>(std::move(message))});
}

Value Value::sequence(Items items, SequenceKind kind, std::string name) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  return Value(Raw(), std::make_shared<jinja::Sequence>(jinja::Sequence{
                          kind, std::move(items), std::move(name), nested_in(depth), false}));
}

bool Value::same_as(const Value& other) const {
  if (type() != other.type()) return false;
  switch (type()) {
    case Type::String:
      return std::get<StringPointer>(data_) == std::get<StringPointer>(other.data_) ||
             string() == other.string();
    case Type::Sequence:
      return &sequence() == &other.sequence();
    case Type::Dict:
      return &dict() == &other.dict();
    case Type::Object:
      return &object() == &other.object();
    case Type::None:
      return true;
    case Type::Undefined:
      return std::get<jinja::Undefined>(data_).message ==
             std::get<jinja::Undefined>(other.data_).message;
    default:
      return numbers_equal(*this, other);
  }
}

int Value::depth() const {
  if (is(Type::Sequence)) return sequence().depth;
  if (is(Type::Dict)) return dict().depth();
  return is(Type::Object) ? object().depth() : 0;
}

std::optional<size_t> Dict::position(const Value& key, size_t hash) const {
  if (items_.size() < kIndexedFrom) {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (key_equal(items_[i].first, key)) return i;
    }
    return std::nullopt;
  }
  const auto [begin, end] = index_.equal_range(hash);
  for (auto entry = begin; entry != end; ++entry) {
    if (key_equal(items_[entry->second].first, key)) return entry->second;
  }
  return std::nullopt;
}

void Dict::set(Value key, Value value) {
  const size_t hash = hash_of(key);
  depth_ = std::max({depth_, nested_in(value.depth()), nested_in(key.depth())});
  if (const auto at = position(key, hash)) {
    items_[*at].second = std::move(value);
    return;
  }
  items_.emplace_back(std::move(key), std::move(value));
  if (items_.size() == kIndexedFrom) {
    for (size_t i = 0; i < items_.size(); ++i) index_.emplace(hash_of(items_[i].first), i);
  } else if (items_.size() > kIndexedFrom) {
    index_.emplace(hash, items_.size() - 1);
  }
}

const Value* Dict::find(const Value& key) const {
  const auto at = position(key, hash_of(key));
  return at ? &items_[*at].second : nullptr;
}

const Value* Dict::find(std::string_view key) const {
  if (items_.size() >= kIndexedFrom) return find(Value(std::string(key)));
  for (const auto& [name, value] : items_) {
    if (name.is_string() && name.string() == key) return &value;
  }
  return nullptr;
}

std::optional<Value> Arguments::take(std::string_view name) {
  const auto at =
      std::find_if(named.begin(), named.end(), [&](const auto& one) { return one.first == name; });
  if (at == named.end()) return std::nullopt;
  Value value = std::move(at->second);
  named.erase(at);
  return value;
}

std::string type_name(const Value& value) {
  switch (value.type()) {
    case Value::Type::None:
      return "NoneType";
    case Value::Type::Undefined:
      return "Undefined";
    case Value::Type::Bool:
      return "bool";
    case Value::Type::Int:
      return "int";
    case Value::Type::Float:
      return "float";
    case Value::Type::String:
      return value.is_markup() ? "Markup" : "str";
    case Value::Type::Dict:
      return "dict";
    case Value::Type::Object:
      return value.object().type_name();
    case Value::Type::Sequence:
      break;
  }
  switch (value.sequence().kind) {
    case SequenceKind::List:
      return "list";
    case SequenceKind::Tuple:
      return "tuple";
    case SequenceKind::Group:
      return "_GroupTuple";
    case SequenceKind::Range:
      return "range";
    case SequenceKind::DictKeys:
      return "dict_keys";
    case SequenceKind::DictValues:
      return "dict_values";
    case SequenceKind::DictItems:
      return "dict_items";
    case SequenceKind::Generator:
      return "generator";
  }
  return "object";
}

std::string object_type(const Value& value) {
  if (value.is_none()) return "None";
  if (value.is_markup()) return "markupsafe.Markup object";
  if (value.is(SequenceKind::Group)) return "jinja2.filters._GroupTuple object";
  if (value.is(Value::Type::Object)) {
    const std::string name = type_name(value);
    if (name == "TemplateNamespace")
      return "transformers.utils.chat_template_utils." + name + " object";
    if (name == "LoopContext" || name == "Macro") return "jinja2.runtime." + name + " object";
    if (name == "Cycler" || name == "Joiner") return "jinja2.utils." + name + " object";
  }
  return type_name(value) + " object";
}

size_t hash_of(const Value& value) {
  switch (value.type()) {
    case Value::Type::String:
      return std::hash<std::string>()(value.string());
    case Value::Type::Bool:
    case Value::Type::Int:
    case Value::Type::Float:
      return std::hash<double>()(value.number());
    case Value::Type::None:
      return 1;
    case Value::Type::Undefined:
      return 2;
    case Value::Type::Object:
      return std::hash<const void*>()(&value.object());
    case Value::Type::Dict:
      throw Fault("unhashable type: 'dict'");
    case Value::Type::Sequence:
      break;
  }
  if (value.is(SequenceKind::Tuple) || value.is(SequenceKind::Group)) {
    size_t hash = 3;
    for (const Value& item : value.sequence().items) hash = hash * 1000003 ^ hash_of(item);
    return hash;
  }
  if (value.is(SequenceKind::List)) throw Fault("unhashable type: 'list'");
  return std::hash<const void*>()(&value.sequence());
}

bool key_equal(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return numbers_equal(left, right);
  if (left.type() != right.type()) return false;
  if (left.is_string()) return left.string() == right.string();
  if (left.is_undefined()) return true;
  if (!left.is(Value::Type::Sequence)) return left.same_as(right);
  const Items& a = left.sequence().items;
  const Items& b = right.sequence().items;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), key_equal);
}

Value from_json(const Json& json, int depth) {
  if (depth > kMaxValueDepth - 20) {
    throw UserError(
        str("the variables of a template are nested deeper than ", kMaxValueDepth - 20, " levels"));
  }
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return Value(json.get<std::string>());
    case Json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        throw UserError(
            str("the number ", json.dump(), " is too large for a template: the limit is 2^63 - 1"));
      }
      return Value(json.get<int64_t>());
    case Json::value_t::array: {
      Items items;
      for (const Json& item : json) items.push_back(from_json(item, depth + 1));
      return Value::sequence(std::move(items));
    }
    case Json::value_t::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& [key, item] : json.items())
        dict->set(Value(key), from_json(item, depth + 1));
      return Value(std::shared_ptr<const Dict>(std::move(dict)));
    }
    default:
      return Value();
  }
}

}  // namespace tunewright::text::jinja
