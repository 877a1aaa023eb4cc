#include "tunewright/base/json.h"

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"

namespace tunewright {
namespace {

constexpr int kMaxDepth = 500;

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep |= depth > kMaxDepth;
    if (too_deep)
      throw UserError(str(where, ": JSON is nested deeper than ", kMaxDepth, " levels"));
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const nlohmann::json::parse_error& error) {
    throw UserError(
        str(where, ": not valid JSON at byte ", error.byte, " of ", text.size(), ": '",
            excerpt(text.substr(std::min(text.size(), error.byte < 20 ? 0 : error.byte - 20)), 40),
            "'"));
  } catch (const nlohmann::json::exception& error) {
    throw UserError(str(where, ": not valid JSON: ", error.what()));
  }
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pretty_json(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string type_name(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "list";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  if (value.is_number()) return "number";
  return "null";
}

}  // namespace tunewright
