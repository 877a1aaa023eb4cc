#pragma once
#include <filesystem>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/corpus/build/input.h"

namespace tunewright::corpus {

struct ManifestInput {
  const Json& recipe;
  const Input& input;
  const std::filesystem::path& folder;  // of what was written
  int64_t workers = 1;
};

// The recipe with all defaults; hashes of what went in and of what came out, of the recipe and of
// the program.  A file that is not what it was when the build began is a UserError.
Json build_manifest(const ManifestInput& input, Reporter& reporter);

}  // namespace tunewright::corpus
