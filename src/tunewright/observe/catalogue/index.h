#pragma once
#include <filesystem>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/observe/catalogue/catalogue.h"

namespace tunewright::observe {

// The records of all runs below `root`, the newest first.  root/index.sqlite holds them, with the
// sizes and times of the files that they came from: a run whose files changed is read again, a run
// that is gone is left out, and an index that is missing or damaged is made anew.  Where it cannot
// be written, everything works without it.
std::vector<RunRecord> load_catalogue(const std::filesystem::path& root, Reporter& reporter);

}  // namespace tunewright::observe
