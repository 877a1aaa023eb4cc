#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tunewright {

struct ArchiveEntry {
  std::string name;  // with forward slashes, as the archive has it
  int64_t bytes = 0;
};

// The plain files of a zip, wheel or tar archive.  A name that is absolute or climbs out ("..") is
// a UserError.
std::vector<ArchiveEntry> list_archive(const std::filesystem::path& archive);

// Writes each entry for which `place` gives a path; an empty path skips it.
void extract_archive(const std::filesystem::path& archive,
                     const std::function<std::filesystem::path(const ArchiveEntry&)>& place);

}  // namespace tunewright
