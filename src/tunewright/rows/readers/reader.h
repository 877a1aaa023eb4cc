#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tunewright/base/json.h"
#include "tunewright/rows/readers/stream.h"
#include "tunewright/rows/source.h"

// What the readers of single formats share.
namespace tunewright::rows {

// Takes the rows of one source and numbers them.
class Sink {
 public:
  struct Targets {
    std::function<void(SourceRow&&)> use;
    std::function<void(SetAside&&)> set_aside;
    std::function<void(std::string)> note;
    std::function<void()> cut_off;
  };
  Sink(const SourceOptions& options, std::string source, const Targets& targets)
      : options_(options), source_(std::move(source)), targets_(targets) {}

  const SourceOptions& options() const { return options_; }
  const std::string& source() const { return source_; }
  int64_t rows() const { return row_; }

  // `line`: the row's own bytes, where it is a line of JSON.
  void row(Json fields, std::string line = {});
  void set_aside(std::string reason);
  void note(const std::string& text);  // "mails.csv: read as windows-1252"
  void cut_off();                      // ends inside a character, in whose place U+FFFD stands

 private:
  const SourceOptions& options_;
  std::string source_;
  const Targets& targets_;
  int64_t row_ = 0;
};

// A file, or what lies in a container.
struct Input {
  std::string name;            // with its folders, as rows name it
  std::filesystem::path path;  // empty inside a container
  PeekStream& stream;
};

// `input` as a file on disk: itself, or a copy that goes with the object.
class LocalFile {
 public:
  LocalFile(Input& input, const SourceOptions& options);
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;
  ~LocalFile();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool is_copy_ = false;
};

// Readers.  Each gives rows and sets rows aside; what ends the whole file is a UserError without
// place.
void read_json_lines(Input& input, Sink& sink);
void read_json(Input& input, Sink& sink);
void read_csv(Input& input, Sink& sink);
void read_tsv(Input& input, Sink& sink);
void read_text(Input& input, Sink& sink);
void read_markdown(Input& input, Sink& sink);
void read_html(Input& input, Sink& sink);
void read_pdf(Input& input, Sink& sink);
void read_email(Input& input, Sink& sink);
void read_mbox(Input& input, Sink& sink);
void read_conll(Input& input, Sink& sink);
void read_parquet(Input& input, Sink& sink);
void read_arrow(Input& input, Sink& sink);
void read_sqlite(Input& input, Sink& sink);
// `url` as "postgresql://user@host/name"; without a query a UserError.
void read_postgresql(const std::string& url, Sink& sink);
// "postgresql://user@host/name" without password and parameters, for messages.
std::string without_password(const std::string& url);

// A table's column of bytes: text where it is that, else base64.
Json bytes_value(std::string_view bytes);

}  // namespace tunewright::rows
