#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "tunewright/rows/source.h"

namespace tunewright::rows {

// A file to be read.
struct Found {
  std::filesystem::path path;
  SourceFormat format = SourceFormat::kAuto;  // kEmail in a maildir; kHuggingFace: a folder
};

struct FoundUses {
  std::function<void(const Found&)> found;
  std::function<void(const std::filesystem::path&, std::string reason)> failed;
};

// A file, what a folder holds at any depth, or what a glob fits (*, ?, [ab], ** for any number of
// folders), sorted bytewise by path.  Names that begin with a dot are passed over, unless the
// pattern begins with one there.  A path where nothing is, is a UserError.
void expand_path(const std::string& path, const FoundUses& uses);

// Whether `path` fits a glob: its last name does where the glob has no "/", else all of it.
bool fits_glob(std::string_view path, std::string_view glob);

// By include and exclude of the options.
bool is_wanted(std::string_view path, const SourceOptions& options);

}  // namespace tunewright::rows
