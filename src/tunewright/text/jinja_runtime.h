#pragma once
// What the operations on values may use of a running template: its limits, and how to call back.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tunewright/text/jinja_value.h"

namespace tunewright::text::jinja {

struct Limits {
  int64_t steps = 0;
  size_t text_bytes = 0;          // of one string, and of the output
  size_t memory_bytes = 0;        // of all values made
  int depth = 700;                // of nested statements and expressions, calls of macros included
  bool strict_undefined = false;  // to write an undefined value is a Fault, not nothing
};

class Runtime {
 public:
  explicit Runtime(const Limits& limits) : limits_(limits), steps_left_(limits.steps) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  // Counts work: steps, and bytes that were made or read.
  void charge_steps(size_t steps);
  void charge_text(size_t bytes);  // of a string about to be made
  void charge_items(size_t count);
  void charge_scan(size_t bytes) { charge_steps(bytes / 256); }

  int line() const { return line_; }
  void set_line(int line) { line_ = line; }

  // Values that can hold others and change are emptied at the end, so that cycles are freed.
  void keep(std::shared_ptr<void> object, std::function<void()> clear);

  class Nested {
   public:
    explicit Nested(Runtime& runtime);
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    ~Nested() { --runtime_.depth_; }

   private:
    Runtime& runtime_;
  };

 protected:
  const Limits limits_;
  int64_t steps_left_;
  size_t memory_used_ = 0;
  int depth_ = 0;
  int line_ = 1;
  std::vector<std::pair<std::shared_ptr<void>, std::function<void()>>> kept_;
};

// --- operations (jinja_operators.cpp)
bool truth(const Value& value);
bool equal(Runtime& runtime, const Value& left, const Value& right);
// `operation`: "<", "<=", ">", ">=".
bool ordered(Runtime& runtime, std::string_view operation, const Value& left, const Value& right);
bool contains(Runtime& runtime, const Value& container, const Value& item);
// `operation`: + - * / // % **
Value arithmetic(Runtime& runtime, std::string_view operation, const Value& left,
                 const Value& right);
Value negate(const Value& value);
Value positive(const Value& value);
// What a loop goes over; a generator is spent by it.  Shares the items where it can.
std::shared_ptr<const Items> iterate(Runtime& runtime, const Value& value);
// Holds the items for the time of a range-based for.
struct Iteration {
  explicit Iteration(std::shared_ptr<const Items> held) : items(std::move(held)) {}
  Items::const_iterator begin() const { return items->begin(); }
  Items::const_iterator end() const { return items->end(); }
  std::shared_ptr<const Items> items;
};
int64_t length(Runtime& runtime, const Value& value);  // a Fault where there is none

// --- access (jinja_access.cpp)
Value get_attribute(Runtime& runtime, const Value& object, const std::string& name);  // object.name
Value get_item(Runtime& runtime, const Value& object, const Value& key);              // object[key]
Value slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
            const Value& step);
Value call(Runtime& runtime, const Value& callee, Arguments arguments);

// --- methods: the method of a value, if it has one of that name
using Method = Value (*)(Runtime&, const Value& self, Arguments);
Method string_method(std::string_view name);
Method dict_method(std::string_view name);
Method sequence_method(const Value& self, std::string_view name);
Method number_method(const Value& self, std::string_view name);

// --- text (jinja_format.cpp)
std::string to_text(Runtime& runtime, const Value& value);  // str()
std::string repr(Runtime& runtime, const Value& value);
struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool multiline = false;
  std::string indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
std::string to_json(Runtime& runtime, const Value& value, const JsonStyle& style);
std::string escape_html(std::string_view text);
// "%s" % …, and str.format (jinja_printf.cpp).
std::string format_percent(Runtime& runtime, const std::string& format, const Value& values);
std::string format_braces(Runtime& runtime, const std::string& format, const Arguments& arguments);

// --- filters, tests and globals: null where the name is unknown
using Filter = Value (*)(Runtime&, Value, Arguments);
using Test = bool (*)(Runtime&, const Value&, const Arguments&);
template <class T>
struct Named {
  std::string_view name;
  T value;
};
template <class T>
T find_named(std::span<const Named<T>> table, std::string_view name) {
  const auto at = std::ranges::find(table, name, &Named<T>::name);
  return at == table.end() ? nullptr : at->value;
}
Filter find_filter(std::string_view name);
Filter find_text_filter(std::string_view name);
Filter find_sequence_filter(std::string_view name);
Filter find_number_filter(std::string_view name);
Test find_test(std::string_view name);
std::optional<Value> find_global(std::string_view name);

// --- helpers
// The arguments of a call in the order of its parameters.
class Bound {
 public:
  explicit Bound(size_t parameters) : values_(parameters) {}
  bool has(size_t i) const { return values_[i].has_value(); }
  const Value& operator[](size_t i) const;  // None where it was not given
  Value value_or(size_t i, Value otherwise) const { return has(i) ? (*this)[i] : otherwise; }
  void set(size_t i, Value value) { values_[i] = std::move(value); }

 private:
  std::vector<std::optional<Value>> values_;
};
// The arguments by `names`, of which the first `required` must be given.  Wrong ones are Faults.
Bound bind(std::string_view function, Arguments arguments,
           std::initializer_list<std::string_view> names, size_t required = 0);
// `depth`: of the values that the body holds.
Value make_function(std::string name, std::function<Value(Runtime&, Arguments)> body,
                    int depth = 0);
Value bound_method(std::string name, Value self, Method method);
Value text_value(Runtime& runtime, std::string text, bool markup = false);
Value list_value(Runtime& runtime, Items items, SequenceKind kind = SequenceKind::List,
                 std::string name = {});
Value text_list(Runtime& runtime, std::vector<std::string> texts);
int64_t to_index(const Value& value);                                     // an int, or a Fault
const std::string& to_string(const Value& value, std::string_view what);  // a str, or a Fault
[[noreturn]] void fail_undefined(const Value& value);

class Namespace : public Object {
 public:
  static Value make(Runtime& runtime, const Value& attributes);
  void set(Runtime& runtime, const std::string& name, Value value);
  std::string type_name() const override { return "TemplateNamespace"; }
  std::string repr() const override { return "<TemplateNamespace>"; }
  std::optional<Value> attribute(Runtime&, const std::string& name) override;
  const std::vector<std::pair<std::string, Value>>& attributes() const { return attributes_; }
  void clear() { attributes_.clear(); }

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

}  // namespace tunewright::text::jinja
