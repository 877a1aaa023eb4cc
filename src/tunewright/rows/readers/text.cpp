// Plain text and Markdown.
#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Of text that was turned into UTF-8: what the encoding does not have was replaced.
std::optional<std::string> problem_of(std::string_view text, const std::string& encoding) {
  if (encoding != "UTF-8" && text.find(kReplacement) != std::string_view::npos)
    return str("bytes that are no character of ", encoding);
  return text_problem(text);
}

struct Piece {
  std::string text;
  bool too_long = false;
};

void use_piece(Piece piece, const Utf8Stream& utf8, Sink& sink) {
  if (piece.too_long)
    return sink.set_aside(too_long_reason("the text", sink.options().max_row_bytes));
  if (const auto problem = problem_of(piece.text, utf8.encoding())) return sink.set_aside(*problem);
  sink.row({{"text", std::move(piece.text)}, {"path", sink.source()}});
}

void read_lines(Utf8Stream& utf8, Sink& sink) {
  StreamLines lines(utf8, sink.options().max_row_bytes);
  while (const auto line = lines.next()) {
    if (line->too_long || !trim(line->text).empty())
      use_piece({.text = std::string(line->text), .too_long = line->too_long}, utf8, sink);
  }
}

// Lines up to a blank one.
void read_paragraphs(Utf8Stream& utf8, Sink& sink) {
  const auto limit = sink.options().max_row_bytes;
  StreamLines lines(utf8, limit);
  Piece piece;
  const auto finish = [&] {
    if (piece.too_long || !piece.text.empty()) use_piece(std::move(piece), utf8, sink);
    piece = {};
  };
  while (const auto line = lines.next()) {
    if (!line->too_long && trim(line->text).empty()) {
      finish();
      continue;
    }
    piece.too_long |=
        line->too_long || static_cast<int64_t>(piece.text.size() + line->text.size()) > limit;
    if (piece.too_long) {
      piece.text.clear();
      continue;
    }
    if (!piece.text.empty()) piece.text += '\n';
    piece.text += line->text;
  }
  finish();
}

// What stands between two lines of "---" at the very top.
std::string_view front_matter(std::string_view text) {
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n")) return {};
  const auto end = text.find("\n---", 3);
  if (end == std::string_view::npos) return {};
  const auto line_end = text.find('\n', end + 1);
  return text.substr(0, line_end == std::string_view::npos ? text.size() : line_end + 1);
}

std::string unquoted(std::string_view text) {
  text = trim(text);
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

// "title:" of the front matter, else the first heading.
std::string markdown_title(std::string_view matter, std::string_view text) {
  for (const auto& line : split(matter, '\n')) {
    if (line.starts_with("title:")) return unquoted(std::string_view(line).substr(6));
  }
  bool in_code = false;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.starts_with("```") || line.starts_with("~~~")) in_code = !in_code;
    const auto level = line.find_first_not_of('#');
    const bool heading = level != std::string_view::npos && level >= 1 && level <= 6 &&
                         (line[level] == ' ' || line[level] == '\t');
    if (!in_code && heading) {
      auto title = trim(line.substr(level));
      const auto last = title.find_last_not_of('#');  // "## Title ##"
      if (last != std::string_view::npos && last + 1 < title.size() && title[last] == ' ')
        title = trim(title.substr(0, last));
      return std::string(title);
    }
  }
  return {};
}

}  // namespace

void read_text(Input& input, Sink& sink) {
  Utf8Stream utf8(input.stream, sink.options().encoding, [&] { sink.cut_off(); });
  if (utf8.encoding() != "UTF-8") sink.note(str("read as ", utf8.encoding()));
  switch (sink.options().unit) {
    case TextUnit::kFile:
      return use_piece({.text = read_all(utf8, sink.options().max_row_bytes)}, utf8, sink);
    case TextUnit::kParagraph:
      return read_paragraphs(utf8, sink);
    case TextUnit::kLine:
      return read_lines(utf8, sink);
  }
}

void read_markdown(Input& input, Sink& sink) {
  if (sink.options().unit != TextUnit::kFile) return read_text(input, sink);
  Utf8Stream utf8(input.stream, sink.options().encoding, [&] { sink.cut_off(); });
  const auto all = read_all(utf8, sink.options().max_row_bytes);
  if (const auto problem = problem_of(all, utf8.encoding())) return sink.set_aside(*problem);
  const auto matter = front_matter(all);
  const auto text = trim(std::string_view(all).substr(matter.size()));
  sink.row({{"title", markdown_title(matter, text)}, {"text", text}, {"path", sink.source()}});
}

}  // namespace tunewright::rows
