#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/rows.h"

namespace tunewright::rows {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kParquetMagic = "PAR1";

// Bytes of the UTF-8 character that starts at `i`; 0 where none does.
size_t character_bytes(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || i + size > text.size()) return 0;
  for (size_t k = 1; k < size; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool too_large = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : size;
}

void check_utf8(std::string_view line, const RowPlace& place) {
  for (size_t i = 0; i < line.size();) {
    const size_t size = character_bytes(line, i);
    if (size == 0) {
      throw UserError(str(describe(place), ": not valid UTF-8 at byte ", i,
                          " of the line; convert the file to "
                          "UTF-8 (iconv -f latin1 -t utf-8)"));
    }
    i += size;
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
    if (place.line == 1 && line->starts_with(kByteOrderMark))
      line->remove_prefix(kByteOrderMark.size());
    if (place.line == 1 && line->starts_with(kParquetMagic)) {
      throw UserError(str(file.string(),
                          ": is a Parquet file; convert it to JSON Lines first "
                          "(pandas: read_parquet(…).to_json(…, orient='records', lines=True))"));
    }
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
