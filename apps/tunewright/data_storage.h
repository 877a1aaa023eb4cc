#pragma once
#include <filesystem>

#include "tunewright/data/dataset.h"
#include "tunewright/run_config.h"

namespace tunewright::app {

// Where prepared rows are kept, by data.cache: auto is $XDG_CACHE_HOME/tunewright/data, or
// ~/.cache/tunewright/data.  Without a cache they lie in an unnamed file on the disk of output_dir.
data::Storage storage_of(const RunConfig& config);

// `path`, or the nearest folder above it that is there.
std::filesystem::path existing_folder_above(const std::filesystem::path& path);

}  // namespace tunewright::app
