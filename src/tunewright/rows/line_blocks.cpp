#include "tunewright/rows/line_blocks.h"

#include <algorithm>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/container.h"
#include "tunewright/rows/readers/stream.h"

namespace tunewright::rows {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kParquetMagic = "PAR1";

// Where the last line that ends behind `from` ends; 0: there is none.
size_t end_of_lines(const std::vector<char>& bytes, size_t from) {
  const auto last = std::string_view(bytes.data(), bytes.size()).substr(from).rfind('\n');
  return last == std::string_view::npos ? 0 : from + last + 1;
}

bool is_blank(std::string_view line) {
  return line.empty() || (static_cast<unsigned char>(line.front()) <= ' ' && trim(line).empty());
}

void add_lines(const std::filesystem::path& file, bool first, LineBlock& block) {
  std::string_view rest(block.bytes.data(), block.bytes.size());
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (std::exchange(first, false)) line = checked_first_line(file, line);
    if (!is_blank(line)) block.lines.push_back(line);
  }
}

constexpr size_t kMostLineBytes = size_t{256} << 20;

struct BlockReader {
  const std::filesystem::path& file;
  size_t block_bytes;
  const std::function<void(LineBlock&&)>& use;

  // How many rows there were.
  int64_t read(ByteStream& stream) const {
    int64_t rows = 0;
    std::vector<char> rest;  // the beginning of a line
    bool at_end = false;
    for (bool first = true; !at_end || !rest.empty(); first = false) {
      LineBlock block{.bytes = std::move(rest), .lines = {}, .first_row = rows};
      size_t end = 0;
      while (end == 0 && !at_end) {  // more than once where a line is longer
        const auto had = block.bytes.size();
        if (had >= kMostLineBytes) fail_too_long(rows);
        const auto more = std::min(std::max(block_bytes, had), kMostLineBytes + block_bytes - had);
        block.bytes.resize(had + more);
        const auto got = fill(stream, std::span(block.bytes).subspan(had));
        block.bytes.resize(had + got);
        at_end = got < more;
        end = end_of_lines(block.bytes, had);
      }
      if (at_end) end = block.bytes.size();
      rest.assign(block.bytes.begin() + static_cast<ptrdiff_t>(end), block.bytes.end());
      block.bytes.resize(end);
      add_lines(file, first, block);
      rows += std::ssize(block.lines);
      if (!block.lines.empty()) use(std::move(block));
    }
    return rows;
  }

 private:
  [[noreturn]] void fail_too_long(int64_t row) const {
    throw UserError(str(file.string(), ": row ", row, ": a line of more than ",
                        human_bytes(kMostLineBytes),
                        "; `tunewright data build` sets such rows aside"));
  }

  // Fewer bytes than there is room for: the end.
  size_t fill(ByteStream& stream, std::span<char> into) const {
    size_t filled = 0;
    try {
      while (filled < into.size()) {
        const auto got = stream.read(into.subspan(filled));
        if (got == 0) break;
        filled += got;
      }
    } catch (const UserError&) {
      std::throw_with_nested(UserError(file.string()));
    }
    return filled;
  }
};

// gzip, zstd, xz or bzip2, by how they begin.
bool is_compressed(std::string_view begin) {
  return begin.starts_with("\x1F\x8B") || begin.starts_with("\x28\xB5\x2F\xFD") ||
         begin.starts_with(
             "\xFD"
             "7zXZ") ||
         begin.starts_with("BZh");
}

int64_t read_compressed(const BlockReader& reader, PeekStream& stream) {
  const SourceOptions options;
  const auto name = reader.file.string();
  ExpansionBudget budget(static_cast<int64_t>(fs::file_size(reader.file)), options.max_expansion);
  Input container{.name = name, .path = reader.file, .stream = stream};
  int64_t rows = 0;
  bool is_open = false;  // what fails later says itself where
  try {
    read_container(container, options, budget,
                   {.member =
                        [&](Input& member) {
                          is_open = true;
                          rows += reader.read(member.stream);
                        },
                    .failed =
                        [&](const std::string& why) {
                          throw UserError(is_open ? str(name, ": ", why) : why);
                        }});
  } catch (const UserError&) {
    if (is_open) throw;
    std::throw_with_nested(UserError(name));
  }
  return rows;
}

}  // namespace

std::string_view checked_first_line(const std::filesystem::path& file, std::string_view line) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.starts_with(kParquetMagic)) {
    throw UserError(
        str(file.string(), ": is a Parquet file; `tunewright data build` makes JSON Lines of it"));
  }
  return line;
}

void for_each_line_block(const std::filesystem::path& file, size_t block_bytes,
                         const std::function<void(LineBlock&&)>& use) {
  if (fs::is_directory(file)) throw UserError(str(file.string(), ": is a folder, not a file"));
  FileStream bytes(file);
  PeekStream stream(bytes);
  const BlockReader reader{.file = file, .block_bytes = block_bytes, .use = use};
  const auto rows =
      is_compressed(stream.peek(6)) ? read_compressed(reader, stream) : reader.read(stream);
  if (rows == 0)
    throw UserError(str(file.string(), ": has no rows; expected one JSON object a line"));
}

}  // namespace tunewright::rows
