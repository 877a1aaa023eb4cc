#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/line_blocks.h"
#include "tunewright/rows/readers/utf8.h"
#include "tunewright/rows/rows.h"

namespace tunewright::rows {
namespace {

void check_utf8(std::string_view line, const RowPlace& place) {
  if (const auto at = first_invalid_utf8(line)) {
    throw UserError(str(describe(place), ": not valid UTF-8 at byte ", *at,
                        " of the line; convert the file to "
                        "UTF-8 (iconv -f latin1 -t utf-8)"));
  }
}

}  // namespace

std::string describe(const RowPlace& place) {
  return str(place.file.string(), ": row ", place.row, " (line ", place.line, ")");
}

void for_each_raw_row(const std::filesystem::path& file, const std::function<void(RawRow&&)>& use) {
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
