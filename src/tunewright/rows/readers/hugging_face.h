#pragma once
#include <filesystem>
#include <vector>

namespace tunewright::rows {

// The Arrow files of a folder that `save_to_disk` wrote, split by split, in their order.  A folder
// that lacks what its own lists name is a UserError without place.
std::vector<std::filesystem::path> hugging_face_files(const std::filesystem::path& folder);

}  // namespace tunewright::rows
