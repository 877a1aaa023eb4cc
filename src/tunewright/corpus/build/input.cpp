#include "tunewright/corpus/build/input.h"

#include <algorithm>
#include <array>
#include <exception>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/expand.h"
#include "tunewright/rows/readers/reader.h"

namespace tunewright::corpus {
namespace {

// Small files are read together until they make a unit of this size; a larger one is read by every
// job of an array, each working on its own shards of it.
constexpr int64_t kUnitBytes = int64_t{64} << 20;

constexpr std::array<std::string_view, 11> kPackedExtensions = {
    ".gz", ".zst", ".bz2", ".xz", ".zip", ".tar", ".tgz", ".7z", ".lz4", ".parquet", ".arrow"};

// Whether the file may hold far more rows than its size says.
bool is_packed(const fs::path& path) {
  return std::ranges::find(kPackedExtensions, to_lower(path.extension().string())) !=
         kPackedExtensions.end();
}

bool is_database(const rows::SourceOptions& options) {
  return options.path.starts_with("postgresql://") || options.path.starts_with("postgres://") ||
         options.path.starts_with("sqlite:");
}

// "sqlite:shop.db?SELECT …" -> "shop.db"; empty where there is no file.
std::string file_of_database(const std::string& path) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!path.starts_with(kScheme)) return "";
  return path.substr(kScheme.size(), path.find('?') - std::min(path.find('?'), kScheme.size()));
}

int64_t modified(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return error ? 0 : static_cast<int64_t>(time.time_since_epoch().count());
}

class Finder {
 public:
  explicit Finder(const Recipe& recipe)
      : recipe_(recipe), output_(fs::weakly_canonical(recipe.output_dir)) {}

  Input find() && {
    for (source_ = 0; source_ < recipe_.sources.size(); ++source_) {
      const auto& options = recipe_.sources[source_];
      if (is_database(options)) {
        add_file(file_of_database(options.path));
        add_alone(options);
      } else if (options.limit > 0) {  // counts over all of its files
        expand([&](const rows::Found& found) { add_files(found.path); });
        add_alone(options);
      } else {
        expand([&](const rows::Found& found) { add(found, options); });
      }
      open_unit_ = false;
    }
    if (input_.units.empty()) fail();
    if (!failed_.empty()) input_.units.push_back({.reads = {}, .failed = std::move(failed_)});
    return std::move(input_);
  }

 private:
  [[noreturn]] void fail() const {
    throw UserError(str("sources: no file to read in ", recipe_.sources.front().path,
                        failed_.empty() ? "" : ": " + failed_.front().reason));
  }

  void expand(const std::function<void(const rows::Found&)>& found) {
    const auto& options = recipe_.sources[source_];
    const auto is_wanted = [&](const rows::Found& file) {
      const auto path = file.path.string();
      return path == options.path || file.format == rows::SourceFormat::kHuggingFace ||
             rows::is_wanted(path, options);
    };
    const auto failed = [&](const fs::path& path, std::string reason) {
      failed_.push_back({path.string(), 0, std::move(reason)});
    };
    rows::expand_path(options.path, {.found =
                                         [&](const rows::Found& file) {
                                           if (is_wanted(file)) found(file);
                                         },
                                     .failed = failed});
  }

  void add(const rows::Found& found, rows::SourceOptions options) {
    const auto bytes = add_files(found.path);
    options.path = found.path.string();
    if (options.format == rows::SourceFormat::kAuto) options.format = found.format;
    if (is_packed(found.path) || bytes > kUnitBytes || fs::is_directory(found.path)) {
      add_alone(options);
      input_.units.back().bytes = bytes;
      return;
    }
    if (!open_unit_ || input_.units.back().bytes + bytes > kUnitBytes) {
      input_.units.push_back({.source = source_, .options = options, .reads = {}});
      open_unit_ = true;
    }
    input_.units.back().bytes += bytes;
    input_.units.back().reads.push_back(std::move(options));
  }

  void add_alone(const rows::SourceOptions& options) {
    input_.units.push_back(
        {.source = source_, .options = options, .reads = {options}, .is_whole = false});
    open_unit_ = false;
  }

  // A file, or a folder that is read as one thing.
  int64_t add_files(const fs::path& path) {
    if (!fs::is_directory(path)) return add_file(path);
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    int64_t bytes = 0;
    for (const auto& file : files) bytes += add_file(file);
    return bytes;
  }

  int64_t add_file(const fs::path& path) {
    if (path.empty()) return 0;
    std::error_code error;
    const auto size = fs::file_size(path, error);
    const auto bytes = error ? 0 : static_cast<int64_t>(size);
    const auto inside = fs::weakly_canonical(path, error).lexically_relative(output_);
    if (!inside.empty() && *inside.begin() != "..") {
      throw UserError(str("output_dir ", recipe_.output_dir, ": holds ", path.string(),
                          ", which is read; choose another folder, or a path of sources that "
                          "leaves it out"));
    }
    input_.files.push_back({source_, path.string(), bytes, modified(path)});
    input_.bytes += bytes;
    return bytes;
  }

  const Recipe& recipe_;
  fs::path output_;
  Input input_;
  std::vector<rows::SetAside> failed_;
  size_t source_ = 0;
  bool open_unit_ = false;
};

// Goes through a reader's code, which takes UserErrors for faults of a file.
struct Passing {};

// What is called while reading may fail for reasons of its own: those are kept, and thrown when the
// reader has ended.
class Guard {
 public:
  template <class Call>
  void run(const Call& call) {
    if (failure_) throw Passing{};
    try {
      call();
    } catch (...) {
      failure_ = std::current_exception();
      throw Passing{};
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

}  // namespace

Input find_input(const Recipe& recipe) { return Finder(recipe).find(); }

UnitReport read_unit(const Unit& unit, const rows::UseRow& use,
                     const rows::UseSetAside& set_aside) {
  UnitReport total;
  Guard guard;
  for (auto failed : unit.failed) set_aside(std::move(failed));
  for (const auto& options : unit.reads) {
    bool told = false;  // something of this file was set aside
    std::string failure;
    try {
      const auto report = rows::for_each_source_row(
          options, [&](rows::SourceRow&& row) { guard.run([&] { use(std::move(row)); }); },
          [&](rows::SetAside&& aside) {
            told = true;
            guard.run([&] { set_aside(std::move(aside)); });
          });
      total.files += report.files;
      total.cut_off += report.cut_off;
      for (const auto& [format, files] : report.formats) total.formats[format] += files;
      std::ranges::copy(report.notes, std::back_inserter(total.notes));
    } catch (const Passing&) {
      guard.rethrow();
    } catch (const UserError& error) {
      failure = full_message(error);
    }
    guard.rethrow();
    if (!failure.empty() && !told) {
      const auto name = is_database(options) ? rows::without_password(options.path) : options.path;
      set_aside({name, 0, std::move(failure)});
    }
  }
  return total;
}

}  // namespace tunewright::corpus
