#include "tunewright/text/tokenizer_file.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::text {
namespace {

constexpr int kMaxDepth = 500;

// Watches the parser and keeps the entries of model.vocab for itself.
class VocabCollector {
 public:
  VocabCollector(Vocabulary::Entries& vocab, std::string_view where)
      : vocab_(vocab), where_(where) {}

  // Whether the parser is to keep what it has just read.
  bool on_event(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kMaxDepth)
      throw UserError(str(where_, ": JSON is nested deeper than ", kMaxDepth, " levels"));
    if (event == Event::key) return on_key(depth, parsed.get_ref<const std::string&>());
    if (event == Event::value && in_entry(depth)) on_value(parsed);
    if ((event == Event::object_start || event == Event::array_start) && in_entry(depth))
      bad_id("an object or a list");
    return true;
  }

 private:
  bool on_key(int depth, const std::string& key) {
    if (depth == 1) {
      in_model_ = key == "model";
      in_vocab_ = false;
    } else if (depth == 2 && in_model_) {
      in_vocab_ = key == "vocab";
    } else if (depth == 3 && in_vocab_) {
      token_ = key;
      has_token_ = true;
      return false;
    }
    return true;
  }

  bool in_entry(int depth) const { return depth == 3 && in_vocab_ && has_token_; }

  void on_value(const Json& value) {
    if (!value.is_number_integer()) bad_id(excerpt(dump_json(value)));
    vocab_.emplace_back(std::move(token_), value.get<int64_t>());
    has_token_ = false;
  }

  [[noreturn]] void bad_id(std::string_view got) const {
    throw UserError(str(where_, ": key 'model.vocab': the id of token '", excerpt(token_),
                        "': expected a whole number, got ", got));
  }

  Vocabulary::Entries& vocab_;
  std::string_view where_;
  bool in_model_ = false;
  bool in_vocab_ = false;
  bool has_token_ = false;
  std::string token_;
};

}  // namespace

TokenizerFile parse_tokenizer_file(std::string_view text, std::string_view where) {
  TokenizerFile file;
  VocabCollector collector(file.vocab, where);
  try {
    file.document = Json::parse(text, [&](int depth, Json::parse_event_t event, Json& parsed) {
      return collector.on_event(depth, event, parsed);
    });
  } catch (const nlohmann::json::parse_error& error) {
    const auto begin = std::min(text.size(), error.byte < 20 ? 0 : error.byte - 20);
    throw UserError(str(where, ": not valid JSON at byte ", error.byte, " of ", text.size(), ": '",
                        excerpt(text.substr(begin), 40), "'"));
  } catch (const nlohmann::json::exception& error) {
    throw UserError(str(where, ": not valid JSON: ", error.what()));
  }
  return file;
}

}  // namespace tunewright::text
