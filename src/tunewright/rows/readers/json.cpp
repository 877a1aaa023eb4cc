// JSON Lines, and JSON that holds a list of rows.
#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/json_values.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

// UTF-8 by its standard; other encodings only where a mark or the option says so.
std::string json_encoding(PeekStream& stream, const SourceOptions& options) {
  if (options.encoding != "auto") return options.encoding;
  const auto encoding = detect_encoding(stream.peek(4), true);
  return encoding.starts_with("UTF-16") || encoding.starts_with("UTF-32") ? encoding : "UTF-8";
}

void use_json(std::string_view text, Sink& sink, bool keep_line) {
  if (const auto at = first_invalid_utf8(text))
    return sink.set_aside(
        str("not valid UTF-8 at byte ", *at,
            " of the row; convert it (iconv -f latin1 -t utf-8), or set encoding"));
  Json row;
  try {
    row = parse_json(text, "the row");
  } catch (const UserError& error) {
    return sink.set_aside(error.what());
  }
  if (!row.is_object())
    return sink.set_aside(
        str("expected a JSON object, got a ", type_name(row), " ", excerpt(text, 40)));
  sink.row(std::move(row), keep_line ? std::string(text) : std::string());
}

// The keys on the way to the list: "data.items".
std::vector<std::string> path_of(const std::string& records) {
  return records.empty() ? std::vector<std::string>() : split(records, '.');
}

}  // namespace

void read_json_lines(Input& input, Sink& sink) {
  Utf8Stream utf8(input.stream, json_encoding(input.stream, sink.options()),
                  [&] { sink.cut_off(); });
  StreamLines lines(utf8, sink.options().max_row_bytes);
  while (const auto line = lines.next()) {
    if (line->too_long) {
      sink.set_aside(too_long_reason("the line", sink.options().max_row_bytes));
    } else if (!trim(line->text).empty()) {
      use_json(line->text, sink, true);
    }
  }
}

void read_json(Input& input, Sink& sink) {
  Utf8Stream utf8(input.stream, json_encoding(input.stream, sink.options()),
                  [&] { sink.cut_off(); });
  JsonValues values(utf8, path_of(sink.options().records), sink.options().max_row_bytes);
  while (const auto value = values.next()) {
    if (value->too_long) {
      sink.set_aside(too_long_reason("the row", sink.options().max_row_bytes));
    } else {
      use_json(value->text, sink, false);
    }
  }
}

}  // namespace tunewright::rows
