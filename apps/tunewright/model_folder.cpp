#include "tunewright/model_folder.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/text/tokenizer.h"

namespace tunewright::app {

ModelFacts check_model_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw UserError(str(folder.string(), ": there is no such folder"));
  const auto config_path = folder / "config.json";
  const auto config = read_json(config_path);
  if (!config.is_object() || !config.contains("model_type") || !config["model_type"].is_string()) {
    throw UserError(str(config_path.string(),
                        ": no text 'model_type', so this is no language model's configuration"));
  }
  ModelFacts facts{.model_type = config["model_type"].get<std::string>()};
  facts.vocab_size = text::Tokenizer::load(folder).vocab_size();
  const auto weights = io::Safetensors::open(folder);
  for (const auto& name : weights.names()) {
    const auto view = weights.get(name);
    facts.parameters += static_cast<int64_t>(view.bytes.size() / io::dtype_bytes(view.dtype));
    facts.bytes += static_cast<int64_t>(view.bytes.size());
  }
  if (facts.parameters == 0)
    throw UserError(str(folder.string(), ": its safetensors hold no weights"));
  return facts;
}

bool belongs_to_model(std::string_view name) {
  constexpr std::array kEndings = {".json", ".jinja", ".safetensors"};
  constexpr std::array kNames = {"tokenizer.model", "merges.txt",  "vocab.txt",
                                 "LICENSE",         "LICENSE.txt", "README.md"};
  if (name.starts_with(".") || name.starts_with("consolidated")) return false;
  return std::ranges::any_of(kEndings,
                             [&](const char* ending) { return name.ends_with(ending); }) ||
         std::ranges::find(kNames, name) != kNames.end();
}

void link_file(const fs::path& from, const fs::path& to) {
  // A link in a download cache would dangle once the cache is cleaned, so its target is taken.
  const auto source = fs::canonical(from);
  std::error_code code;
  fs::create_hard_link(source, to, code);
  if (code) fs::copy_file(source, to);
}

void link_model_files(const fs::path& from, const fs::path& to,
                      const std::set<std::string>& names) {
  for (const auto& entry : fs::directory_iterator(from)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file() || !belongs_to_model(name)) continue;
    if (!names.empty() && !names.contains(name)) continue;
    link_file(entry.path(), to / name);
  }
}

}  // namespace tunewright::app
