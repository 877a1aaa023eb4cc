#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"

// One field list per options struct drives reading, writing and help:
//
//   template <class V> void fields(V& v, LoraOptions& o) {
//     v("r", o.rank, "Width of the update.");
//     v.choice("kind", o.kind, kKindNames, "…");    // kKindNames: array of pair<const char*,
//     Kind>;
//                                                   // the word "null" is JSON's null
//     v("nested", o.nested, "…");                   // a struct with fields() of its own
//   }
//
// Supported: bool, int64_t, double, std::string, std::optional and std::vector of these, structs
// with fields(), vectors of such structs, and Json as it stands.
namespace tunewright {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// Fills a struct from a JSON object.  An unknown key, a wrong type or a misspelt choice is a
// UserError that names the key with its path ("training.learning_rate") and the nearest valid one.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object.is_object()) {
      throw UserError(str(path_.empty() ? "the configuration" : path_,
                          ": expected keys and values, got a ", type_name(object)));
    }
  }

  template <class T>
  void operator()(const char* name, T& value, const char* /*help*/) {
    known_.emplace_back(name);
    if (const auto it = object_.find(name); it != object_.end()) read(*it, key(name), value);
  }

  template <class Table, class T>
  void choice(const char* name, T& value, const Table& table, const char* /*help*/) {
    known_.emplace_back(name);
    const auto it = object_.find(name);
    if (it == object_.end()) return;
    std::vector<std::string> words;
    const auto got = it->is_string() ? it->template get<std::string>() : it->dump();
    for (const auto& [word, meaning] : table) {
      if (got == word) {
        value = meaning;
        return;
      }
      words.emplace_back(word);
    }
    throw UserError(str(key(name), ": '", got, "' is not a value of it", suggestion(got, words)));
  }

  // Call last: any key that no field named is an error.
  void finish() const {
    for (const auto& [name, value] : object_.items()) {
      bool found = false;
      for (const auto& known : known_) found |= known == name;
      if (!found) throw UserError(str(key(name), ": unknown key", suggestion(name, known_)));
    }
  }

  template <class T>
  static void read(const Json& json, const std::string& where, T& value) {
    if constexpr (std::is_same_v<T, Json>) {
      value = json;
    } else if constexpr (IsOptional<T>::value) {
      if (json.is_null()) {
        value.reset();
      } else {
        read(json, where, value.emplace());
      }
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) fail(where, "true or false", json);
      value = json.template get<bool>();
    } else if constexpr (std::is_same_v<T, int64_t>) {
      const auto whole = whole_number(json);
      if (!whole) fail(where, "a whole number", json);
      value = *whole;
    } else if constexpr (std::is_same_v<T, double>) {
      if (!json.is_number()) fail(where, "a number", json);
      value = json.template get<double>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) fail(where, "text", json);
      value = json.template get<std::string>();
    } else if constexpr (IsVector<T>::value) {
      if (!json.is_array()) fail(where, "a list", json);
      value.clear();
      for (size_t i = 0; i < json.size(); ++i) {
        read(json[i], str(where, "[", i, "]"), value.emplace_back());
      }
    } else {
      FieldReader reader(json, where);
      fields(reader, value);
      reader.finish();
    }
  }

 private:
  [[noreturn]] static void fail(const std::string& where, const char* expected, const Json& got) {
    throw UserError(str(where, ": expected ", expected, ", got ", excerpt(dump_json(got))));
  }
  // 1e3 is one too; none where there is a fraction, or more than int64_t holds.
  static std::optional<int64_t> whole_number(const Json& json) {
    constexpr double kEnd = 9223372036854775808.0;  // 2^63
    if (json.is_number_float()) {
      const auto number = json.get<double>();
      const bool fits = number >= -kEnd && number < kEnd;
      return fits && number == std::floor(number) ? std::optional(static_cast<int64_t>(number))
                                                  : std::nullopt;
    }
    const bool fits =
        json.is_number_unsigned() ? json.get<uint64_t>() >> 63 == 0 : json.is_number_integer();
    return fits ? std::optional(json.get<int64_t>()) : std::nullopt;
  }
  std::string key(std::string_view name) const {
    return path_.empty() ? std::string(name) : str(path_, ".", name);
  }

  const Json& object_;
  std::string path_;
  std::vector<std::string> known_;
};

// Writes a struct as a JSON object, in the order of its fields.
class FieldWriter {
 public:
  template <class T>
  void operator()(const char* name, T& value, const char* /*help*/) {
    object[name] = write(value);
  }
  template <class Table, class T>
  void choice(const char* name, T& value, const Table& table, const char* /*help*/) {
    for (const auto& [word, meaning] : table) {
      if (meaning == value) {
        object[name] = std::string_view(word) == "null" ? Json(nullptr) : Json(word);
        return;
      }
    }
  }
  template <class T>
  static Json write(T& value) {
    if constexpr (std::is_same_v<T, Json> || std::is_arithmetic_v<T> ||
                  std::is_same_v<T, std::string>) {
      return value;
    } else if constexpr (IsOptional<T>::value) {
      return value ? write(*value) : Json(nullptr);
    } else if constexpr (IsVector<T>::value) {
      Json list = Json::array();
      for (auto& item : value) list.push_back(write(item));
      return list;
    } else {
      FieldWriter writer;
      fields(writer, value);
      return std::move(writer.object);
    }
  }
  Json object = Json::object();
};

// Lists the fields of a struct with their defaults and help, one a line, for --help.
class FieldDescriber {
 public:
  explicit FieldDescriber(std::string path = "") : path_(std::move(path)) {}

  template <class T>
  void operator()(const char* name, T& value, const char* help) {
    const auto key = path_.empty() ? std::string(name) : str(path_, ".", name);
    if constexpr (std::is_class_v<T> && !std::is_same_v<T, Json> &&
                  !std::is_same_v<T, std::string> && !IsOptional<T>::value && !IsVector<T>::value) {
      FieldDescriber inner(key);
      fields(inner, value);
      text += inner.text;
    } else {
      line(key, dump_json(FieldWriter::write(value)), help);
    }
  }
  template <class Table, class T>
  void choice(const char* name, T& value, const Table& table, const char* help) {
    std::vector<std::string> words;
    std::string current;
    for (const auto& [word, meaning] : table) {
      if (current.empty() && meaning == value) current = word;
      words.emplace_back(word);
    }
    line(path_.empty() ? std::string(name) : str(path_, ".", name), current,
         str(help, " (", join(words, " | "), ")"));
  }
  std::string text;

 private:
  void line(std::string key, const std::string& value, const std::string& help) {
    key += ": " + value;
    key.resize(std::max<size_t>(key.size(), 46), ' ');
    text += str("  ", key, "  ", help, "\n");
  }
  std::string path_;
};

// "  training.seed: 42    Of initialisation, order and dropout."
template <class T>
std::string describe_fields(T value, const std::string& path) {
  FieldDescriber describer(path);
  fields(describer, value);
  return describer.text;
}

// `path` opens the keys in error messages; empty at the top.
template <class T>
T from_json(const Json& object, const std::string& path = "") {
  T value;
  FieldReader reader(object, path);
  fields(reader, value);
  reader.finish();
  return value;
}

template <class T>
Json to_json_object(T value) {
  return FieldWriter::write(value);
}

}  // namespace tunewright
