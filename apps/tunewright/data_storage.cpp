#include "tunewright/data_storage.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tunewright/base/version.h"

namespace tunewright::app {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> folder_in(const char* variable) {
  const char* value = std::getenv(variable);
  const fs::path folder = value == nullptr ? "" : value;
  return folder.is_absolute() ? std::optional(folder) : std::nullopt;
}

// None where the environment names no home.
std::optional<fs::path> user_cache_folder() {
  if (const auto folder = folder_in("XDG_CACHE_HOME")) return *folder / "tunewright" / "data";
  if (const auto home = folder_in("HOME")) return *home / ".cache" / "tunewright" / "data";
  return std::nullopt;
}

std::optional<fs::path> cache_folder(const std::string& option) {
  if (option == "off") return std::nullopt;
  return option == "auto" ? user_cache_folder() : fs::path(option);
}

}  // namespace

// The run's folder may not exist yet, and must not appear for a run that is refused.
std::filesystem::path existing_folder_above(const std::filesystem::path& path) {
  auto folder = fs::absolute(path);
  while (!fs::is_directory(folder) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

data::Storage storage_of(const RunConfig& config) {
  return {.cache = cache_folder(config.data.cache),
          .spill = existing_folder_above(config.output_dir),
          .program = program_sha256()};
}

}  // namespace tunewright::app
