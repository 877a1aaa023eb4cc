#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/data/render.h"

namespace tunewright::data {
namespace {

Json json_or_empty(const fs::path& path) {
  return fs::exists(path) ? read_json(path) : Json::object();
}

bool has_template(const fs::path& folder) {
  if (fs::exists(folder / "chat_template.jinja") || fs::exists(folder / "chat_template.json"))
    return true;
  const auto config = json_or_empty(folder / "tokenizer_config.json");
  return config.contains("chat_template") && !config["chat_template"].is_null();
}

// eos_token_id: one id, or a list of them.
std::vector<int32_t> eos_ids(const fs::path& path, int32_t vocab_size) {
  const auto config = json_or_empty(path);
  const auto found = config.find("eos_token_id");
  std::vector<int32_t> ids;
  if (found == config.end() || found->is_null()) return ids;
  for (const auto& id : found->is_array() ? *found : Json::array({*found})) {
    if (!id.is_number_integer() || id < 0 || id >= vocab_size) {
      throw UserError(str(path.string(), ": eos_token_id: ", dump_json(id),
                          " is not a token of the tokenizer, which has ", vocab_size));
    }
    ids.push_back(id);
  }
  return ids;
}

void add_once(std::vector<int32_t>& ids, int32_t id) {
  if (!std::ranges::count(ids, id)) ids.push_back(id);
}

// The special token that the template puts behind an answer.  None where it puts none, or takes no
// such conversation.
std::optional<int32_t> end_of_turn(const text::Tokenizer& tokenizer,
                                   const text::ChatTemplate& chat_template) {
  constexpr std::string_view kAnswer = "An answer.";
  const Json messages = {{{"role", "user"}, {"content", "A question?"}},
                         {{"role", "assistant"}, {"content", kAnswer}}};
  std::string rendered;
  try {
    rendered = chat_template.render(messages, nullptr).text;
  } catch (const UserError&) {
    return std::nullopt;
  }
  const auto answer = rendered.rfind(kAnswer);
  if (answer == std::string::npos) return std::nullopt;
  const auto ids = tokenizer.encode(std::string_view(rendered).substr(answer + kAnswer.size()));
  const auto special =
      std::ranges::find_if(ids, [&](int32_t id) { return tokenizer.is_special(id); });
  return special == ids.end() ? std::nullopt : std::optional(*special);
}

// All files that a TextModel depends on.
std::string hash_of_files(const fs::path& folder) {
  Sha256 hash;
  for (const auto* name :
       {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json",
        "generation_config.json", "chat_template.jinja", "chat_template.json"}) {
    if (!fs::is_regular_file(folder / name)) continue;
    const MappedFile file(folder / name);
    hash.update(str(name, " ", file.text().size(), "\n"));
    hash.update(file.text());
  }
  return hash.hex_digest();
}

}  // namespace

TextModel TextModel::load(const fs::path& folder) {
  auto tokenizer = text::Tokenizer::load(folder);
  std::optional<text::ChatTemplate> chat_template;
  if (has_template(folder)) chat_template = text::ChatTemplate::load(folder);

  const auto generation = eos_ids(folder / "generation_config.json", tokenizer.vocab_size());
  const auto config = eos_ids(folder / "config.json", tokenizer.vocab_size());
  std::vector<int32_t> stop_ids;
  if (tokenizer.special().eos) add_once(stop_ids, *tokenizer.special().eos);
  for (const auto id : generation) add_once(stop_ids, id);
  if (stop_ids.empty()) {
    for (const auto id : config) add_once(stop_ids, id);
  }
  if (stop_ids.empty()) {
    throw UserError(str(folder.string(),
                        ": no file names the token that ends a text; set eos_token in "
                        "tokenizer_config.json or eos_token_id in generation_config.json"));
  }
  const auto eos = stop_ids.front();
  if (chat_template) {
    if (const auto id = end_of_turn(tokenizer, *chat_template)) add_once(stop_ids, *id);
  }
  return {.tokenizer = std::move(tokenizer),
          .chat_template = std::move(chat_template),
          .eos = eos,
          .stop_ids = std::move(stop_ids),
          .sha256 = hash_of_files(folder)};
}

std::vector<int32_t> TextModel::encode_string(std::string_view text) const {
  auto ids = tokenizer.prefix_ids();
  const auto body = tokenizer.encode(text);
  const bool written =
      body.size() >= ids.size() && std::equal(ids.begin(), ids.end(), body.begin());
  if (written) return body;
  ids.insert(ids.end(), body.begin(), body.end());
  return ids;
}

}  // namespace tunewright::data
