#include "tunewright/corpus/document.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kMaxDepth = 500;

struct Place {
  size_t begin = 0, size = 0;  // in the line
};

constexpr std::array<std::string_view, 9> kTextKeys = {"text",   "prompt",   "completion",
                                                       "chosen", "rejected", "instruction",
                                                       "input",  "output",   "system"};
constexpr std::array<std::string_view, 5> kMessageLists = {"messages", "prompt", "completion",
                                                           "chosen", "rejected"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// The key in the items of a list of turns that holds their text; empty: the field is no such list.
std::string_view text_key_of_list(std::string_view name) {
  if (name == "conversations") return "value";
  return is_one_of(kMessageLists, name) ? "content" : "";
}

static_assert(Document::kPadding >= simdjson::SIMDJSON_PADDING);

// The line with room behind it that the parser may read.
std::string& with_padding(std::string& line) {
  line.reserve(line.size() + simdjson::SIMDJSON_PADDING);
  return line;
}

// The parsed line, all of it checked, also what no step looks at.  Valid until the thread's next.
simdjson::dom::object parse_object(std::string& line) {
  thread_local simdjson::dom::parser parser;
  with_padding(line);
  simdjson::dom::element root;
  auto error = simdjson::SUCCESS;
  if (parser.capacity() <= line.size()) error = parser.allocate(2 * line.size() + 4096, kMaxDepth);
  if (!error) error = parser.parse(line.data(), line.size(), /*realloc_if_needed=*/false).get(root);
  if (error == simdjson::DEPTH_ERROR)
    throw UserError(str("nested deeper than ", kMaxDepth, " levels"));
  if (error == simdjson::UTF8_ERROR)
    throw UserError("not valid UTF-8; convert the file (iconv -f latin1 -t utf-8)");
  if (error) throw UserError(str("not valid JSON: ", simdjson::error_message(error)));
  if (!root.is_object()) throw UserError("expected a JSON object");
  return root.get_object().value();
}

std::string quoted_json(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  out.reserve(text.size() + 16);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

void add_turns(simdjson::dom::array turns, std::string_view key, std::vector<std::string>& texts) {
  for (const auto turn : turns) {
    if (!turn.is_object()) continue;
    const simdjson::dom::object fields = turn.get_object();
    for (const auto field : fields) {
      if (field.key == key && field.value.is_string())
        texts.emplace_back(field.value.get_string().value());
    }
  }
}

// Where the values lie in the line: the same walk, by the parser that knows places.  Only lines
// that are changed need it.
class Places {
 public:
  explicit Places(std::string& line)
      : line_(with_padding(line)),
        document_(parser_.iterate(line.data(), line.size(), line.capacity())),
        object_(document_.get_object()) {}

  // The quoted string of each text.
  std::vector<Place> texts() {
    std::vector<Place> places;
    for (auto entry : object_) {
      const std::string name(std::string_view(entry.unescaped_key()));
      auto value = ondemand::value(entry.value());
      const auto type = value.type().value();
      if (type == ondemand::json_type::string && is_one_of(kTextKeys, name)) {
        places.push_back(place_of(value.raw_json_token()));
      } else if (type == ondemand::json_type::array && !text_key_of_list(name).empty()) {
        add_turns(value.get_array(), text_key_of_list(name), places);
      }
    }
    return places;
  }

  // The value of the first field of this name.
  std::optional<Place> field(std::string_view name) {
    for (auto entry : object_) {
      if (std::string_view(entry.unescaped_key()) != name) continue;
      auto value = ondemand::value(entry.value());
      switch (value.type().value()) {
        case ondemand::json_type::object:
          return place_of(ondemand::object(value.get_object()).raw_json());
        case ondemand::json_type::array:
          return place_of(ondemand::array(value.get_array()).raw_json());
        default:
          return place_of(value.raw_json_token());
      }
    }
    return std::nullopt;
  }

 private:
  void add_turns(ondemand::array turns, std::string_view key, std::vector<Place>& places) {
    for (auto turn : turns) {
      auto item = ondemand::value(turn.value());
      if (item.type() != ondemand::json_type::object) continue;
      for (auto entry : item.get_object()) {
        const bool named = std::string_view(entry.unescaped_key()) == key;
        auto value = ondemand::value(entry.value());
        if (named && value.type() == ondemand::json_type::string)
          places.push_back(place_of(value.raw_json_token()));
      }
    }
  }

  // A token goes on to the next one: the white space between is not part of it.
  Place place_of(std::string_view token) const {
    while (static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
    return {static_cast<size_t>(token.data() - line_.data()), token.size()};
  }

  std::string& line_;
  ondemand::parser parser_;
  ondemand::document document_;
  ondemand::object object_;
};

}  // namespace

Document Document::parse(std::string line, bool needs_text) {
  Document document;
  document.line_ = std::move(line);
  for (const auto field : parse_object(document.line_)) {
    if (field.value.is_string() && is_one_of(kTextKeys, field.key)) {
      document.texts_.emplace_back(field.value.get_string().value());
    } else if (const auto key = text_key_of_list(field.key);
               field.value.is_array() && !key.empty()) {
      add_turns(field.value.get_array().value(), key, document.texts_);
    }
  }
  if (document.texts_.empty() && needs_text) {
    throw UserError(
        "no text: expected `text`, `messages`, or another field of the row formats that holds one");
  }
  document.join_texts();
  return document;
}

void Document::join_texts() {
  if (texts_.size() > 1) joined_ = join(texts_, "\n");
}

void Document::replace(size_t i, std::string text) {
  TUNEWRIGHT_ASSERT(i < texts_.size());
  const auto place = Places(line_).texts().at(i);
  line_.replace(place.begin, place.size, quoted_json(text));
  texts_[i] = std::move(text);
  join_texts();
}

Json Document::field(std::string_view name) const {
  std::string line = line_;
  for (const auto field : parse_object(line)) {
    if (field.key == name) return parse_json(simdjson::minify(field.value), name);
  }
  return nullptr;
}

void Document::set_field(std::string_view name, const Json& value) {
  const auto json = dump_json(value);
  if (const auto place = Places(line_).field(name)) {
    line_.replace(place->begin, place->size, json);
  } else {
    const bool first = parse_object(line_).size() == 0;
    line_.insert(line_.rfind('}'), str(first ? "" : ",", quoted_json(name), ":", json));
  }
  *this = parse(std::move(line_), /*needs_text=*/false);
}

}  // namespace tunewright::corpus
