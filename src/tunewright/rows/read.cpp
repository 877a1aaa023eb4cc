#include <array>
#include <fstream>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/line_blocks.h"
#include "tunewright/rows/readers/utf8.h"
#include "tunewright/rows/rows.h"
#include "tunewright/rows/source.h"

namespace tunewright::rows {
namespace {

void check_utf8(std::string_view line, const RowPlace& place) {
  if (const auto at = first_invalid_utf8(line)) {
    throw UserError(str(describe(place), ": not valid UTF-8 at byte ", *at,
                        " of the line; convert the file to "
                        "UTF-8 (iconv -f latin1 -t utf-8)"));
  }
}

bool is_parquet(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 4> magic{};
  return stream.read(magic.data(), magic.size()) && std::string_view(magic.data(), 4) == "PAR1";
}

// A table, by its name (that of what is compressed) or its first bytes.
std::optional<SourceFormat> table_format(const fs::path& file) {
  auto name = to_lower(file.filename().string());
  for (const std::string_view packed : {".gz", ".zst", ".xz", ".bz2"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  for (const auto& [ending, format] : {std::pair{".csv", SourceFormat::kCsv},
                                       {".tsv", SourceFormat::kTsv},
                                       {".parquet", SourceFormat::kParquet},
                                       {".arrow", SourceFormat::kArrow},
                                       {".feather", SourceFormat::kArrow}}) {
    if (name.ends_with(ending)) return format;
  }
  if (fs::is_regular_file(file) && is_parquet(file)) return SourceFormat::kParquet;
  return std::nullopt;
}

// Tables have every column in every row, and every member in every structure; what is absent is
// null there.
Json without_nulls(Json value) {
  if (value.is_array()) {
    for (auto& one : value) one = without_nulls(std::move(one));
  }
  if (!value.is_object()) return value;
  Json kept = Json::object();
  for (auto& [key, member] : value.items()) {
    if (!member.is_null()) kept[key] = without_nulls(std::move(member));
  }
  return kept;
}

void for_each_table_row(const fs::path& file, SourceFormat format,
                        const std::function<void(RawRow&&)>& use) {
  for_each_source_row(
      {.path = file.string(), .format = format, .to = Target::kAsIs},
      [&](SourceRow&& row) {
        use({.place = {.file = file, .row = row.row},
             .text = dump_json(without_nulls(std::move(row.fields)))});
      },
      [&](SetAside&& row) {
        throw UserError(str(describe({.file = file, .row = row.row}), ": ", row.reason));
      });
}

}  // namespace

std::string describe(const RowPlace& place) {
  const auto row = str(place.file.string(), ": row ", place.row);
  return place.line > 0 ? str(row, " (line ", place.line, ")") : row;
}

void for_each_raw_row(const std::filesystem::path& file, const std::function<void(RawRow&&)>& use) {
  if (const auto format = table_format(file)) return for_each_table_row(file, *format, use);
  LineReader reader(file);
  RowPlace place{.file = file};
  while (auto line = reader.next()) {
    ++place.line;
    if (place.line == 1) line = checked_first_line(file, *line);
    if (trim(*line).empty()) continue;
    use({.place = place, .text = std::string(*line)});
    ++place.row;
  }
  if (place.row == 0)
    throw UserError(str(file.string(), ": has no rows; expected one JSON object a line"));
}

Json parse_row(const RawRow& raw) {
  const auto& [place, line] = raw;
  check_utf8(line, place);
  if (place.line == 1 && line.starts_with('[')) {
    throw UserError(str(describe(place),
                        ": the file is a JSON list; JSON Lines has one object a line "
                        "(jq -c '.[]' converts it)"));
  }
  auto row = parse_json(line, describe(place));
  if (!row.is_object()) {
    throw UserError(str(describe(place), ": expected a JSON object, got a ", type_name(row), " ",
                        excerpt(line, 40)));
  }
  return row;
}

void for_each_row(const std::filesystem::path& file,
                  const std::function<void(const RowPlace&, Json&&)>& use) {
  for_each_raw_row(file, [&](RawRow&& raw) { use(raw.place, parse_row(raw)); });
}

}  // namespace tunewright::rows
