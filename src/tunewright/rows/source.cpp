#include "tunewright/rows/source.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/mapping.h"
#include "tunewright/rows/readers/container.h"
#include "tunewright/rows/readers/detect.h"
#include "tunewright/rows/readers/expand.h"
#include "tunewright/rows/readers/hugging_face.h"
#include "tunewright/rows/readers/reader.h"

namespace tunewright::rows {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxContainers = 4;  // inside each other
constexpr size_t kMaxNotes = 100;

using Read = void (*)(Input&, Sink&);
constexpr std::array kReaders = {std::pair{SourceFormat::kJsonLines, &read_json_lines},
                                 std::pair{SourceFormat::kJson, &read_json},
                                 std::pair{SourceFormat::kCsv, &read_csv},
                                 std::pair{SourceFormat::kTsv, &read_tsv},
                                 std::pair{SourceFormat::kParquet, &read_parquet},
                                 std::pair{SourceFormat::kArrow, &read_arrow},
                                 std::pair{SourceFormat::kHuggingFace, &read_arrow},
                                 std::pair{SourceFormat::kText, &read_text},
                                 std::pair{SourceFormat::kMarkdown, &read_markdown},
                                 std::pair{SourceFormat::kHtml, &read_html},
                                 std::pair{SourceFormat::kPdf, &read_pdf},
                                 std::pair{SourceFormat::kEmail, &read_email},
                                 std::pair{SourceFormat::kMaildir, &read_email},
                                 std::pair{SourceFormat::kMbox, &read_mbox},
                                 std::pair{SourceFormat::kConll, &read_conll},
                                 std::pair{SourceFormat::kSqlite, &read_sqlite}};

Read reader_of(SourceFormat format) {
  for (const auto& [known, read] : kReaders) {
    if (known == format) return read;
  }
  throw UserError(str("format ", source_format_name(format), " is no format of files"));
}

// Thrown to leave readers of any depth: `limit` rows are read, or who takes the rows has failed.
struct Enough {};

class SourceReader {
 public:
  SourceReader(const SourceOptions& options, const UseRow& use, const UseSetAside& set_aside)
      : options_(options), mapping_(options), use_(use), set_aside_(set_aside) {
    targets_ = {.use = [this](SourceRow&& row) { use_row(std::move(row)); },
                .set_aside = [this](SetAside&& what) { put_aside(std::move(what)); },
                .note = [this](const std::string& text) { note(text); },
                .cut_off = [this] { ++report_.cut_off; }};
  }

  SourceReport read() {
    try {
      read_all_of_it();
    } catch (const Enough&) {
    }
    if (failure_) std::rethrow_exception(failure_);
    if (report_.rows == 0) {
      throw UserError(str(without_password(options_.path), ": gave no rows",
                          first_reason_.empty() ? std::string() : ": " + first_reason_));
    }
    return std::move(report_);
  }

 private:
  void read_all_of_it() {
    const std::string_view path = options_.path;
    const bool is_postgresql = path.starts_with("postgresql://") || path.starts_with("postgres://");
    if (path.empty()) throw UserError("path: is missing; name a file, a folder or a glob");
    if (is_postgresql) {
      read_database("postgresql", without_password(options_.path),
                    [&](Sink& sink) { read_postgresql(options_.path, sink); });
    } else if (path.starts_with("sqlite:")) {
      read_sqlite_url(options_.path.substr(7));
    } else {
      expand_path(options_.path,
                  {.found = [this](const Found& found) { read_found(found); },
                   .failed =
                       [this](const fs::path& where, std::string reason) {
                         put_aside({.source = where.string(), .reason = std::move(reason)});
                       }});
    }
  }

  // "sqlite:FILE?QUERY"
  void read_sqlite_url(const std::string& rest) {
    const auto mark = rest.find('?');
    options_.format = SourceFormat::kSqlite;
    if (mark != std::string::npos) options_.query = rest.substr(mark + 1);
    const auto file = rest.substr(0, mark);
    if (!fs::exists(file)) throw UserError(str(file, ": there is no such file"));
    read_file(file, "sqlite:" + file);
  }

  template <class ReadInto>
  void read_database(const std::string& format, const std::string& name, const ReadInto& read) {
    guarded(format, name, [&](Sink& sink) { read(sink); });
  }

  void read_found(const Found& found) {
    if (found.format == SourceFormat::kHuggingFace) {
      read_hugging_face(found.path);
      return;
    }
    const auto name = found.path.string();
    if (name != options_.path && !is_wanted(name, options_)) return;
    format_of_place_ = found.format;
    read_file(found.path, name);
    format_of_place_ = SourceFormat::kAuto;
  }

  void read_hugging_face(const fs::path& folder) {
    std::vector<fs::path> files;
    try {
      files = hugging_face_files(folder);
    } catch (const UserError& error) {
      return put_aside({.source = folder.string(), .reason = full_message(error)});
    }
    format_of_place_ = SourceFormat::kHuggingFace;
    for (const auto& file : files) read_file(file, file.string());
    format_of_place_ = SourceFormat::kAuto;
  }

  void read_file(const fs::path& path, const std::string& name) {
    std::optional<FileStream> file;
    try {
      file.emplace(path);
    } catch (const UserError& error) {
      return put_aside({.source = name, .reason = error.what()});
    }
    std::error_code error;
    const auto bytes = fs::file_size(path, error);
    ExpansionBudget budget(error ? 0 : static_cast<int64_t>(bytes), options_.max_expansion);
    PeekStream stream(*file);
    Input input{.name = name, .path = path, .stream = stream};
    read_input(input, budget, 0);
  }

  void read_input(Input& input, ExpansionBudget& budget, int depth) {
    const auto format = wanted_format();
    std::optional<Read> read;
    try {
      const auto begin = std::string(input.stream.peek(kDetectBytes));
      if (is_container(input.name, begin)) {
        if (depth == kMaxContainers)
          throw UserError(str("archives inside archives, deeper than ", kMaxContainers));
        return read_container(input, options_, budget, container_uses(input.name, budget, depth));
      }
      if (begin.empty()) throw UserError("is empty");
      const auto chosen =
          format == SourceFormat::kAuto ? detect_source_format(input.name, begin) : format;
      read = reader_of(chosen);
      current_format_ = source_format_name(chosen);
    } catch (const UserError& error) {
      return put_aside({.source = input.name, .reason = error.what()});
    }
    guarded(current_format_, input.name, [&](Sink& sink) { (*read)(input, sink); });
  }

  SourceFormat wanted_format() const {
    return options_.format == SourceFormat::kAuto ? format_of_place_ : options_.format;
  }

  ContainerUses container_uses(const std::string& name, ExpansionBudget& budget, int depth) {
    return {
        .member = [this, &budget, depth](Input& member) { read_input(member, budget, depth + 1); },
        .failed =
            [this, name](std::string reason) {
              put_aside({.source = name, .reason = std::move(reason)});
            }};
  }

  // What ends a source early sets its rest aside.
  template <class ReadInto>
  void guarded(const std::string& format, const std::string& name, const ReadInto& read) {
    Sink sink(options_, name, targets_);
    const auto rows_before = report_.rows;
    guess_.reset();
    try {
      read(sink);
    } catch (const UserError& error) {
      put_aside({.source = name, .row = sink.rows(), .reason = full_message(error)});
    } catch (const Enough&) {
      count_file(format, rows_before);
      throw;
    }
    count_file(format, rows_before);
  }

  void count_file(const std::string& format, int64_t rows_before) {
    if (report_.rows == rows_before) return;
    ++report_.files;
    ++report_.formats[format];
  }

  void use_row(SourceRow&& row) {
    try {
      turn(row);
    } catch (const UserError& error) {
      return put_aside(
          {.source = std::move(row.source), .row = row.row, .reason = full_message(error)});
    }
    ++report_.rows;
    hand_over([&] { use_(std::move(row)); });
    if (options_.limit > 0 && report_.rows == options_.limit) throw Enough{};
  }

  void turn(SourceRow& row) {
    if (!mapping_.is_identity()) {
      row.fields = mapping_.apply(std::move(row.fields), row.source);
      row.line.clear();
    }
    if (options_.to == Target::kAsIs) return;
    // A source has one kind of rows: what its first shows is done to all.
    if (!guess_) {
      guess_ = guess_target(row.fields, options_.to);
      if (!guess_->note.empty()) note(guess_->note);
    }
    if (!guess_->turn) return;
    row.fields = guess_->turn(std::move(row.fields));
    row.line.clear();
  }

  void put_aside(SetAside&& what) {
    ++report_.set_aside;
    if (first_reason_.empty()) {
      const bool is_all = what.source == without_password(options_.path);
      first_reason_ = is_all ? what.reason : str(what.source, ": ", what.reason);
    }
    hand_over([&] { set_aside_(std::move(what)); });
  }

  // What the taker throws (a full disk) is no fault of the source.
  template <class Give>
  void hand_over(const Give& give) {
    try {
      give();
    } catch (...) {
      failure_ = std::current_exception();
      throw Enough{};
    }
  }

  void note(const std::string& text) {
    if (notes_.size() < kMaxNotes && notes_.insert(text).second) report_.notes.push_back(text);
  }

  SourceOptions options_;
  Mapping mapping_;
  const UseRow& use_;
  const UseSetAside& set_aside_;
  Sink::Targets targets_;
  SourceFormat format_of_place_ = SourceFormat::kAuto;  // by the folder: a maildir, a saved set
  std::string current_format_;
  std::optional<Guess> guess_;
  SourceReport report_;
  std::string first_reason_;
  std::exception_ptr failure_;
  std::set<std::string> notes_;
};

}  // namespace

SourceReport for_each_source_row(const SourceOptions& options, const UseRow& use,
                                 const UseSetAside& set_aside) {
  return SourceReader(options, use, set_aside).read();
}

}  // namespace tunewright::rows
