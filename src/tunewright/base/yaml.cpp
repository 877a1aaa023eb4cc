#include "tunewright/base/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"

namespace tunewright {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const auto word : words) {
    if (text == word) return true;
  }
  return false;
}

Json plain_scalar(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (is_one_of(text, {"true", "True", "TRUE"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE"})) return false;
  if (is_one_of(text, {".inf", "+.inf"})) return std::numeric_limits<double>::infinity();
  if (text == "-.inf") return -std::numeric_limits<double>::infinity();
  if (text == ".nan") return std::numeric_limits<double>::quiet_NaN();
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  if (begin == end || std::isalpha(static_cast<unsigned char>(*begin))) return text;
  int64_t integer = 0;
  if (const auto r = std::from_chars(begin, end, integer); r.ec == std::errc() && r.ptr == end) {
    return integer;
  }
  double number = 0;
  if (const auto r = std::from_chars(begin, end, number);
      r.ec == std::errc() && r.ptr == end && std::isfinite(number)) {
    return number;
  }
  return text;
}

Json convert(const YAML::Node& node, std::string_view where, int depth) {
  if (depth > 100) throw UserError(str(where, ": nested deeper than 100 levels"));
  const auto at = [&] { return str(where, ": line ", node.Mark().line + 1); };
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      if (object.contains(key)) throw UserError(str(at(), ": key '", key, "' is given twice"));
      object[key] = convert(entry.second, where, depth + 1);
    }
    return object;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& item : node) list.push_back(convert(item, where, depth + 1));
    return list;
  }
  if (node.IsScalar()) {
    const bool quoted = node.Tag() == "!";
    const bool tagged = !quoted && node.Tag().starts_with("!");
    if (tagged) return str(node.Tag(), " ", node.Scalar());
    return quoted ? Json(node.Scalar()) : plain_scalar(node.Scalar());
  }
  return nullptr;
}

void emit(YAML::Emitter& out, const Json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, item);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::BeginSeq;
    for (const auto& item : value) emit(out, item);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    const auto text = value.get<std::string>();
    if (!plain_scalar(text).is_string()) out << YAML::DoubleQuoted;
    out << text;
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();
  }
}

}  // namespace

Json parse_yaml(std::string_view text, std::string_view where) {
  try {
    return convert(YAML::Load(std::string(text)), where, 0);
  } catch (const YAML::Exception& error) {
    throw UserError(str(where, ": line ", error.mark.line + 1, ": not valid YAML: ", error.msg));
  }
}

Json read_yaml(const std::filesystem::path& path) {
  return parse_yaml(read_file(path), path.string());
}

std::string dump_yaml(const Json& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str()) + "\n";
}

}  // namespace tunewright
