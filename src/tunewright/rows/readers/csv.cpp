#include "tunewright/rows/readers/csv.h"

#include <algorithm>
#include <array>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;
constexpr size_t kSampleBytes = size_t{1} << 16;
constexpr std::array kDelimiters = {',', ';', '\t', '|'};

// A text in memory as a stream.
class TextStream : public ByteStream {
 public:
  explicit TextStream(std::string_view left) : left_(left) {}
  size_t read(std::span<char> into) override {
    const auto count = left_.copy(into.data(), into.size());
    left_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view left_;
};

// Columns by a header's names: what is empty or stands twice gets a name of its own.
std::vector<std::string> column_names(std::vector<std::string> names, Sink& sink) {
  std::map<std::string, int64_t> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    auto& name = names[i];
    if (trim(name).empty()) name = str("column_", i + 1);
    if (const auto times = ++seen[name]; times > 1) {
      const auto other = str(name, "_", times);
      sink.note(str("column '", name, "' stands twice; the later one is '", other, "'"));
      name = other;
    }
  }
  return names;
}

std::vector<std::string> numbered_columns(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 1; i <= count; ++i) names.push_back(str("column_", i));
  return names;
}

Json row_of(const std::vector<std::string>& columns, std::vector<std::string> fields) {
  Json row = Json::object();
  for (size_t i = 0; i < columns.size(); ++i) row[columns[i]] = std::move(fields[i]);
  return row;
}

std::optional<std::string> problem_of(const CsvRecords::Record& record,
                                      const std::vector<std::string>& columns) {
  if (!record.problem.empty()) return record.problem;
  if (record.fields.size() != columns.size())
    return str("has ", record.fields.size(), " fields, the table has ", columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    if (const auto problem = text_problem(record.fields[i]))
      return str("column '", excerpt(columns[i], 30), "': ", *problem);
  }
  return std::nullopt;
}

// The names of the columns; the first record is put back where it is none of a header.
std::vector<std::string> begin_table(CsvRecords& records, std::optional<CsvRecords::Record>& first,
                                     Sink& sink) {
  const auto& options = sink.options();
  first = records.next();
  if (!first) throw UserError("has no rows");
  auto columns = options.columns;
  if (options.header) {
    if (!first->problem.empty()) throw UserError(str("the header: ", first->problem));
    for (const auto& name : first->fields) {
      if (const auto problem = text_problem(name)) throw UserError(str("the header: ", *problem));
    }
    if (columns.empty()) columns = column_names(first->fields, sink);
    first = records.next();
  } else if (columns.empty()) {
    columns = numbered_columns(first->fields.size());
  }
  return columns;
}

void read_delimited(Input& input, Sink& sink, char delimiter) {
  const auto& options = sink.options();
  Utf8Stream utf8(input.stream, options.encoding, [&] { sink.cut_off(); });
  if (utf8.encoding() != "UTF-8") sink.note(str("read as ", utf8.encoding()));
  PeekStream stream(utf8);
  if (delimiter == 0) {
    const auto begin = stream.peek(kSampleBytes);
    delimiter = detect_delimiter(begin, begin.size() < kSampleBytes);
    if (delimiter != ',')
      sink.note(str("columns are divided by ",
                    delimiter == '\t' ? std::string("tabs") : str("'", delimiter, "'")));
  }
  CsvRecords records(stream, delimiter, options.max_row_bytes);
  std::optional<CsvRecords::Record> record;
  const auto columns = begin_table(records, record, sink);
  for (; record; record = records.next()) {
    if (const auto problem = problem_of(*record, columns)) {
      sink.set_aside(str("line ", record->line, ": ", *problem));
    } else {
      sink.row(row_of(columns, std::move(record->fields)));
    }
  }
}

char delimiter_of(const SourceOptions& options, char otherwise) {
  if (options.delimiter.empty()) return otherwise;
  if (options.delimiter == "\\t") return '\t';
  if (options.delimiter.size() != 1 ||
      std::string_view("\"\r\n").find(options.delimiter[0]) != std::string_view::npos) {
    throw UserError(
        str("delimiter: expected one ASCII character, got '", excerpt(options.delimiter, 20), "'"));
  }
  return options.delimiter[0];
}

}  // namespace

bool CsvRecords::fill() {
  if (at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  // As much again as there is: a long record is looked at a few times, not once a block.
  const auto before = buffer_.size();
  buffer_.resize(before + std::max(kBlockBytes, before));
  const auto got = stream_.read(std::span(buffer_).subspan(before));
  buffer_.resize(before + got);
  at_end_ = got == 0;
  return true;
}

// Reads one record from begin_; sets end_ behind its line end.
CsvRecords::Scan CsvRecords::scan(std::vector<std::string>& fields) {
  fields.clear();
  if (begin_ == buffer_.size()) return Scan::kNeedsMore;
  std::string field;
  auto state = State::kFieldStart;
  for (size_t i = begin_; i < buffer_.size(); ++i) {
    const char c = buffer_[i];
    if (state == State::kQuoted) {
      const auto quote = std::min(buffer_.find('"', i), buffer_.size());
      field.append(buffer_, i, quote - i);
      i = quote;
      if (quote < buffer_.size()) state = State::kQuoteInQuoted;
    } else if (c == '\n' || c == '\r') {
      if (c == '\r' && i + 1 == buffer_.size() && !at_end_) return Scan::kNeedsMore;
      end_ = i + (c == '\r' && i + 1 < buffer_.size() && buffer_[i + 1] == '\n' ? 2 : 1);
      if (i == begin_) return Scan::kBlank;
      fields.push_back(std::move(field));
      return Scan::kRecord;
    } else if (c == delimiter_) {
      fields.push_back(std::move(field));
      field.clear();
      state = State::kFieldStart;
    } else if (c == '"' && state == State::kQuoteInQuoted) {
      field += '"';
      state = State::kQuoted;
    } else if (c == '"' && state == State::kFieldStart) {
      state = State::kQuoted;
    } else {
      field += c;
      state = State::kPlain;
    }
  }
  if (!at_end_ || state == State::kQuoted) return Scan::kNeedsMore;
  fields.push_back(std::move(field));
  end_ = buffer_.size();
  return Scan::kRecord;
}

void CsvRecords::drop(size_t bytes) {
  const auto dropped = std::string_view(buffer_).substr(begin_, bytes);
  for (size_t i = 0; i < dropped.size(); ++i) {
    const bool is_end =
        dropped[i] == '\n' || (dropped[i] == '\r' && !dropped.substr(i + 1).starts_with('\n'));
    line_ += is_end ? 1 : 0;
  }
  begin_ += bytes;
}

CsvRecords::Record CsvRecords::skip_line(std::string problem) {
  Record record{.problem = std::move(problem), .line = line_};
  for (;;) {
    const auto at = buffer_.find_first_of("\r\n", begin_);
    if (at != std::string::npos) {
      drop(at + 1 - begin_ + (buffer_.compare(at, 2, "\r\n") == 0 ? 1 : 0));
      return record;
    }
    drop(buffer_.size() - begin_);
    fill();
    if (at_end_) return record;
  }
}

std::optional<CsvRecords::Record> CsvRecords::next() {
  Record record;
  for (;;) {
    const auto found = scan(record.fields);
    if (found == Scan::kBlank || found == Scan::kRecord) {
      record.line = line_;
      const bool too_long = static_cast<int64_t>(end_ - begin_) > limit_;
      drop(end_ - begin_);
      if (found == Scan::kBlank) continue;
      if (too_long) record = {.problem = too_long_reason("the row", limit_), .line = record.line};
      return record;
    }
    if (static_cast<int64_t>(buffer_.size() - begin_) > limit_)
      return skip_line(too_long_reason("the row", limit_) + " (or a quote is never closed)");
    if (fill()) continue;
    if (begin_ == buffer_.size()) return std::nullopt;
    return skip_line("a quote that opens here is never closed");
  }
}

char detect_delimiter(std::string_view begin, bool whole) {
  char best = ',';
  size_t best_columns = 1;
  for (const char delimiter : kDelimiters) {
    TextStream text(begin);
    CsvRecords records(text, delimiter, INT64_MAX);
    std::vector<size_t> columns;
    while (const auto record = records.next()) {
      if (record->problem.empty()) columns.push_back(record->fields.size());
      if (columns.size() == 20) break;
    }
    if (!whole && columns.size() > 1 && columns.size() < 20) columns.pop_back();
    if (columns.empty()) continue;
    const auto same = std::ranges::count(columns, columns.front());
    const bool steady = same * 10 >= static_cast<std::ptrdiff_t>(columns.size()) * 8;
    if (steady && columns.front() > best_columns) {
      best = delimiter;
      best_columns = columns.front();
    }
  }
  return best;
}

void read_csv(Input& input, Sink& sink) {
  read_delimited(input, sink, delimiter_of(sink.options(), '\0'));
}

void read_tsv(Input& input, Sink& sink) {
  read_delimited(input, sink, delimiter_of(sink.options(), '\t'));
}

}  // namespace tunewright::rows
