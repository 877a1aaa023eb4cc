#pragma once
// The values of a template: Python's, as far as templates see them.
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::text::jinja {

class Value;
class Object;
using Items = std::vector<Value>;

// What Python would raise: the template fails with these words.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// A limit of the sandbox is exceeded.
class LimitFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Nesting of containers.
inline constexpr int kMaxValueDepth = 600;

struct String {
  std::string text;
  bool markup = false;  // went through `safe` or `escape`
};

enum class SequenceKind { List, Tuple, Group, Range, DictKeys, DictValues, DictItems, Generator };

struct Sequence {
  SequenceKind kind = SequenceKind::List;
  Items items;
  std::string name;    // how a range or a generator prints
  int depth = 1;       // of nesting
  bool spent = false;  // a generator gives its items once
};

// Keeps the order of insertion.
class Dict {
 public:
  // The first key stays where it stands when its value is replaced.  An unhashable key is a Fault.
  void set(Value key, Value value);
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  int depth() const { return depth_; }

 private:
  std::optional<size_t> position(const Value& key, size_t hash) const;
  std::vector<std::pair<Value, Value>> items_;
  std::unordered_multimap<size_t, size_t> index_;
  int depth_ = 1;
};

// Undefined carries what using it would say.
struct Undefined {
  std::shared_ptr<const std::string> message;
};

class Value {
 public:
  enum class Type { None, Undefined, Bool, Int, Float, String, Sequence, Dict, Object };

  Value() = default;
  explicit Value(bool value) : data_(value) {}
  explicit Value(int64_t value) : data_(value) {}
  explicit Value(double value) : data_(value) {}
  explicit Value(std::string text, bool markup = false)
      : data_(std::make_shared<const jinja::String>(jinja::String{std::move(text), markup})) {}
  explicit Value(const char* text) : Value(std::string(text)) {}
  explicit Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
  explicit Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}
  static Value undefined(std::string message);
  static Value sequence(Items items, SequenceKind kind = SequenceKind::List, std::string name = {});

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is(Type type) const { return this->type() == type; }
  bool is(SequenceKind kind) const { return is(Type::Sequence) && sequence().kind == kind; }
  bool is_undefined() const { return is(Type::Undefined); }
  bool is_none() const { return is(Type::None); }
  bool is_string() const { return is(Type::String); }
  bool is_dict() const { return is(Type::Dict); }
  bool is_number() const { return is(Type::Bool) || is(Type::Int) || is(Type::Float); }
  bool is_integral() const { return is(Type::Bool) || is(Type::Int); }

  bool boolean() const { return std::get<bool>(data_); }
  int64_t integer() const { return is(Type::Bool) ? boolean() : std::get<int64_t>(data_); }
  double number() const {
    return is(Type::Float) ? std::get<double>(data_) : static_cast<double>(integer());
  }
  // A number without rounding: 64 bits of mantissa hold every int and every float.
  long double exact() const {
    return is(Type::Float) ? std::get<double>(data_) : static_cast<long double>(integer());
  }
  const std::string& string() const { return std::get<StringPointer>(data_)->text; }
  bool is_markup() const { return is_string() && std::get<StringPointer>(data_)->markup; }
  Sequence& sequence() const { return *std::get<SequencePointer>(data_); }
  const Dict& dict() const { return *std::get<DictPointer>(data_); }
  Object& object() const { return *std::get<ObjectPointer>(data_); }
  const std::shared_ptr<Object>& object_pointer() const { return std::get<ObjectPointer>(data_); }
  const std::string& undefined_message() const {
    return *std::get<jinja::Undefined>(data_).message;
  }
  // The same object, as Python's `is` says.
  bool same_as(const Value& other) const;
  int depth() const;

 private:
  using StringPointer = std::shared_ptr<const jinja::String>;
  using SequencePointer = std::shared_ptr<jinja::Sequence>;
  using DictPointer = std::shared_ptr<const jinja::Dict>;
  using ObjectPointer = std::shared_ptr<jinja::Object>;
  using Data = std::variant<std::monostate, jinja::Undefined, bool, int64_t, double, StringPointer,
                            SequencePointer, DictPointer, ObjectPointer>;
  struct Raw {};
  Value(Raw, Data data) : data_(std::move(data)) {}
  Data data_;
};

// Arguments of a call.
struct Arguments {
  Items positional;
  std::vector<std::pair<std::string, Value>> named;
  // Removes and returns the argument `name`, if it was given by name.
  std::optional<Value> take(std::string_view name);
};

class Runtime;

// Everything that is neither data nor a scalar: functions, namespaces, loops, cyclers.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual std::string repr() const = 0;
  virtual std::optional<Value> attribute(Runtime&, const std::string&) { return std::nullopt; }
  virtual bool callable() const { return false; }
  virtual int depth() const { return 0; }  // of the values that it holds for good
  virtual Value call(Runtime&, Arguments) {
    throw Fault("'" + type_name() + "' object is not callable");
  }
};

// "str", "dict", "NoneType", …
std::string type_name(const Value& value);
// "dict object", as Jinja's messages say.
std::string object_type(const Value& value);
size_t hash_of(const Value& value);
// Of values that cannot be compared endlessly deep; dict keys.
bool key_equal(const Value& left, const Value& right);

// The depth of what holds a value of `depth`; a LimitFault beyond kMaxValueDepth.
int nested_in(int depth);

Value from_json(const Json& json, int depth = 0);

}  // namespace tunewright::text::jinja
