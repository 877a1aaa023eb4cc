#include "tunewright/rows/readers/expand.h"

#include <fnmatch.h>

#include <algorithm>
#include <span>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::rows {
namespace {

namespace fs = std::filesystem;
using Names = std::span<const std::string>;

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

bool fits_name(const std::string& name, const std::string& glob) {
  return ::fnmatch(glob.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

bool fits_names(Names names, Names globs) {
  if (globs.empty()) return names.empty();
  if (globs.front() == "**") {
    for (size_t skipped = 0; skipped <= names.size(); ++skipped) {
      if (globs.size() == 1 && skipped == names.size()) return skipped > 0;
      if (globs.size() > 1 && fits_names(names.subspan(skipped), globs.subspan(1))) return true;
      if (skipped < names.size() && names[skipped].starts_with('.')) return false;
    }
    return false;
  }
  return !names.empty() && fits_name(names.front(), globs.front()) &&
         fits_names(names.subspan(1), globs.subspan(1));
}

// Whether something below the folder `names` may fit.
bool may_hold(Names names, Names globs) {
  for (size_t i = 0; i < globs.size(); ++i) {
    if (globs[i] == "**") return true;
    if (i == names.size()) return true;
    if (!fits_name(names[i], globs[i])) return false;
  }
  return false;
}

bool is_hugging_face(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "dataset_dict.json", error) ||
         (fs::exists(folder / "state.json", error) &&
          fs::exists(folder / "dataset_info.json", error));
}

bool is_maildir(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder / "cur", error) && fs::is_directory(folder / "new", error);
}

struct Entry {
  fs::path path;
  std::string key;  // by which it is sorted: folders as "name/", so that whole paths are in order
  bool is_folder = false;
};

class Walk {
 public:
  Walk(std::vector<std::string> globs, const FoundUses& uses)
      : globs_(std::move(globs)), uses_(uses) {}

  void folder(const fs::path& path, SourceFormat format = SourceFormat::kAuto) {
    if (names_.empty() && globs_.empty() && is_hugging_face(path)) {
      uses_.found({path, SourceFormat::kHuggingFace});
      return;
    }
    const bool maildir = is_maildir(path);
    for (const auto& entry : entries_of(path)) {
      if (maildir && entry.path.filename() == "tmp") continue;
      names_.push_back(entry.path.filename().string());
      visit(entry, maildir && entry.is_folder ? SourceFormat::kEmail : format);
      names_.pop_back();
    }
  }

 private:
  void visit(const Entry& entry, SourceFormat format) {
    if (globs_.empty() && names_.back().starts_with('.')) return;
    if (!entry.is_folder) {
      if (globs_.empty() || fits_names(names_, globs_)) uses_.found({entry.path, format});
    } else if (is_hugging_face(entry.path) && (globs_.empty() || fits_names(names_, globs_))) {
      uses_.found({entry.path, SourceFormat::kHuggingFace});
    } else if (globs_.empty() || (may_hold(names_, globs_) && !is_hidden_by_any_depth())) {
      folder(entry.path, format);
    }
  }

  // "**" passes hidden folders over.
  bool is_hidden_by_any_depth() const {
    const auto depth = names_.size() - 1;
    const bool is_literal = depth < globs_.size() && globs_[depth].starts_with('.');
    return names_.back().starts_with('.') && !is_literal;
  }

  std::vector<Entry> entries_of(const fs::path& path) {
    std::vector<Entry> entries;
    std::error_code error;
    for (auto it = fs::directory_iterator(path, error); !error && it != fs::directory_iterator();
         it.increment(error)) {
      std::error_code ignored;
      const bool is_folder = it->is_directory(ignored) && !it->is_symlink(ignored);
      auto name = it->path().filename().string();
      if (!is_folder && it->is_directory(ignored)) continue;  // links to folders may go in circles
      entries.push_back({it->path().lexically_normal(), is_folder ? name + "/" : name, is_folder});
    }
    if (error) uses_.failed(path, str("cannot read this folder: ", error.message()));
    std::ranges::sort(entries, {}, &Entry::key);
    return entries;
  }

  std::vector<std::string> globs_;  // below the folder where the walk begins; empty: all
  std::vector<std::string> names_;
  const FoundUses& uses_;
};

// "mails/**/*.eml" begins at "mails".
void expand_glob(const std::string& path, const FoundUses& uses) {
  auto globs = split(path, '/');
  fs::path begin = path.starts_with('/') ? "/" : "";
  size_t literal = 0;
  while (literal < globs.size() && !has_wildcard(globs[literal])) begin /= globs[literal++];
  globs.erase(globs.begin(), globs.begin() + static_cast<std::ptrdiff_t>(literal));
  std::erase(globs, "");
  const auto folder = begin.empty() ? fs::path(".") : begin;
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw UserError(str(path, ": the folder ", folder.string(), " is not there"));
  Walk(globs, uses).folder(folder);
}

}  // namespace

void expand_path(const std::string& path, const FoundUses& uses) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (fs::is_directory(status)) {
    Walk({}, uses).folder(path);
  } else if (fs::exists(status)) {
    uses.found({path});
  } else if (has_wildcard(path)) {
    expand_glob(path, uses);
  } else {
    throw UserError(str(path, ": there is no such file or folder",
                        error ? str(" (", error.message(), ")") : ""));
  }
}

bool fits_glob(std::string_view path, std::string_view glob) {
  const auto names = split(path, '/');
  const auto globs = split(glob, '/');
  return globs.size() == 1 ? fits_name(names.back(), globs.front()) : fits_names(names, globs);
}

bool is_wanted(std::string_view path, const SourceOptions& options) {
  const auto fits = [&](const std::string& glob) { return fits_glob(path, glob); };
  return (options.include.empty() || std::ranges::any_of(options.include, fits)) &&
         std::ranges::none_of(options.exclude, fits);
}

}  // namespace tunewright::rows
