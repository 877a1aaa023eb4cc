#include "tunewright/rows/readers/json_values.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::rows {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;

bool is_space(int byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }

}  // namespace

int JsonValues::look() {
  if (at_ == buffer_.size()) {
    buffer_.resize(kBlockBytes);
    buffer_.resize(stream_.read(buffer_));
    at_ = 0;
    if (buffer_.empty()) return kEnd;
  }
  return static_cast<unsigned char>(buffer_[at_]);
}

int JsonValues::look_past_space() {
  while (is_space(look())) take();
  return look();
}

// Whether the value ends before this byte, outside of brackets and strings.
bool JsonValues::ends_value(int byte, int64_t depth) const {
  if (byte == kEnd) return true;
  if (depth > 0) return false;
  return byte == ',' || byte == ']' || byte == '}' || byte == ':' || is_space(byte);
}

// One value, from where the stream stands.
JsonValues::Value JsonValues::scan() {
  Value value;
  int64_t depth = 0;
  bool in_string = false, escaped = false, closed = false;
  for (int byte = look(); !closed; byte = look()) {
    if (!in_string && ends_value(byte, depth)) break;
    if (byte == kEnd) break;
    if (in_string) {
      closed = byte == '"' && !escaped && depth == 0;
      in_string = byte != '"' || escaped;
      escaped = byte == '\\' && !escaped;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '{' || byte == '[') {
      ++depth;
    } else if (byte == '}' || byte == ']') {
      closed = --depth == 0;
    }
    if (!value.too_long) value.text += static_cast<char>(byte);
    if (static_cast<int64_t>(value.text.size()) > limit_) value = {.too_long = true};
    take();
  }
  if (in_string || depth > 0)
    throw UserError(str("the JSON text ends inside a value", value.too_long ? "" : ": '",
                        excerpt(value.text, 40), value.too_long ? "" : "'"));
  return value;
}

// Goes to the value of a key of the object where the stream stands.
void JsonValues::enter(const std::string& key) {
  if (look_past_space() == '{') {
    take();
    while (look_past_space() == '"') {
      const auto name = scan();
      if (look_past_space() == ':') take();
      look_past_space();
      if (name.text == str('"', key, '"')) return;
      scan();
      if (look_past_space() == ',') take();
    }
  }
  throw UserError(str("records: there is no key '", key, "' on this path"));
}

void JsonValues::begin() {
  for (const auto& key : path_) enter(key);
  in_list_ = look_past_space() == '[';
  if (in_list_) take();
  if (!in_list_ && !path_.empty()) throw UserError("records: the value there is not a list");
}

std::optional<JsonValues::Value> JsonValues::next() {
  if (!begun_) begin();
  begun_ = true;
  int byte = look_past_space();
  while (!done_ && byte == ',') {
    take();
    byte = look_past_space();
  }
  if (in_list_ && byte == ']') done_ = true;
  if (done_ || (byte == kEnd && !in_list_)) return std::nullopt;
  if (byte == kEnd) {
    done_ = true;
    throw UserError("the JSON list is never closed: the file is cut off");
  }
  auto value = scan();
  if (value.text.empty() && !value.too_long) {
    done_ = true;
    throw UserError(str("not JSON: '", static_cast<char>(look()), "' stands where a value is due"));
  }
  return value;
}

}  // namespace tunewright::rows
