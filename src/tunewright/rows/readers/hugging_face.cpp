#include "tunewright/rows/readers/hugging_face.h"

#include "tunewright/base/error.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"

namespace tunewright::rows {
namespace {

namespace fs = std::filesystem;

// A name from the folder's own lists; it must stay in the folder.
fs::path part_of(const fs::path& folder, const Json& name, const char* list) {
  if (!name.is_string())
    throw UserError(str(list, ": expected names, got ", excerpt(dump_json(name))));
  const fs::path part(name.get<std::string>());
  const bool leaves = part.is_absolute() || part.has_parent_path() || part == "..";
  if (leaves || !fs::exists(folder / part))
    throw UserError(str(list, " names '", excerpt(part.string()), "', which is not in the folder"));
  return folder / part;
}

void add_split(const fs::path& folder, std::vector<fs::path>& files) {
  const auto state = read_json(folder / "state.json");
  if (!state.is_object() || !state.contains("_data_files") || !state["_data_files"].is_array())
    throw UserError("state.json has no list _data_files");
  if (state.contains("_indices_data_files") && !state["_indices_data_files"].is_null())
    throw UserError("is a selection by indices; save it anew after flatten_indices()");
  for (const auto& file : state["_data_files"]) {
    if (!file.is_object()) throw UserError("state.json: _data_files holds no file names");
    files.push_back(part_of(folder, file.value("filename", Json()), "state.json"));
  }
}

}  // namespace

std::vector<fs::path> hugging_face_files(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder / "dataset_dict.json")) {
    add_split(folder, files);
    return files;
  }
  const auto dict = read_json(folder / "dataset_dict.json");
  if (!dict.is_object() || !dict.contains("splits") || !dict["splits"].is_array())
    throw UserError("dataset_dict.json has no list of splits");
  for (const auto& split : dict["splits"])
    add_split(part_of(folder, split, "dataset_dict.json"), files);
  return files;
}

}  // namespace tunewright::rows
