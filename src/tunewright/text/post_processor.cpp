#include "tunewright/text/post_processor.h"

#include "tunewright/base/str.h"

namespace tunewright::text {
namespace {

int32_t checked_id(const JsonNode& node, int32_t vocab_size) {
  const auto id = node.as_int();
  if (id < 0 || id >= vocab_size)
    node.fail(str("id ", id, " is out of range: the vocabulary has ", vocab_size, " tokens"));
  return static_cast<int32_t>(id);
}

std::vector<int32_t> special_ids(const JsonNode& node, const std::string& name,
                                 int32_t vocab_size) {
  const auto token = node.at("special_tokens").find(name);
  if (!token) node.fail(str("the template uses '", excerpt(name), "', which special_tokens lacks"));
  std::vector<int32_t> ids;
  for (const auto& id : token->at("ids").items()) ids.push_back(checked_id(id, vocab_size));
  return ids;
}

PostProcessor parse_template(const JsonNode& node, int32_t vocab_size) {
  PostProcessor result;
  bool seen_text = false;
  for (const auto& piece : node.at("single").items()) {
    if (const auto sequence = piece.find("Sequence")) {
      if (seen_text || sequence->at("id").as_string() != "A")
        sequence->fail("expected the sequence A, once");
      seen_text = true;
      continue;
    }
    const auto name = piece.at("SpecialToken").at("id").as_string();
    auto& side = seen_text ? result.suffix : result.prefix;
    for (const auto id : special_ids(node, name, vocab_size)) side.push_back(id);
  }
  if (!seen_text) node.at("single").fail("expected a template with the sequence A");
  return result;
}

// ["</s>", 2]
int32_t id_of_pair(const JsonNode& node, int32_t vocab_size) {
  const auto pair = node.items();
  if (pair.size() != 2) node.fail("expected a token and its id");
  return checked_id(pair[1], vocab_size);
}

PostProcessor parse_sequence(const JsonNode& node, int32_t vocab_size) {
  PostProcessor result;
  for (const auto& item : node.items()) {
    const auto outer = parse_post_processor(item, vocab_size);
    result.prefix.insert(result.prefix.begin(), outer.prefix.begin(), outer.prefix.end());
    result.suffix.insert(result.suffix.end(), outer.suffix.begin(), outer.suffix.end());
  }
  return result;
}

}  // namespace

PostProcessor parse_post_processor(const JsonNode& node, int32_t vocab_size) {
  static const std::vector<std::string> kNames = {
      "ByteLevel", "TemplateProcessing", "RobertaProcessing", "BertProcessing", "Sequence"};
  switch (node.at("type").choice("the post-processor", kNames)) {
    case 0:
      return {};  // trims offsets only
    case 1:
      return parse_template(node, vocab_size);
    case 2:
    case 3:
      return {{id_of_pair(node.at("cls"), vocab_size)}, {id_of_pair(node.at("sep"), vocab_size)}};
    default:
      return parse_sequence(node.at("processors"), vocab_size);
  }
}

}  // namespace tunewright::text
