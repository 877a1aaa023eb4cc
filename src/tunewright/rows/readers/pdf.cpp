// PDF, by poppler's programs.
#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/run_program.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

ProgramResult run_poppler(std::vector<std::string> words, const SourceOptions& options) {
  try {
    return run_program(words, {.output_bytes = options.max_row_bytes});
  } catch (const UserError& error) {
    throw UserError(str(error.what(), "; PDF files are read by Debian's poppler-utils"));
  }
}

// The last line says most.
std::string last_line(const std::string& text) {
  const auto trimmed = trim(text);
  return std::string(trimmed.substr(trimmed.rfind('\n') + 1));
}

std::string title_of(const std::string& path, const SourceOptions& options) {
  const auto info = run_poppler({"pdfinfo", "-enc", "UTF-8", path}, options);
  for (const auto& line : split(info.output, '\n')) {
    if (line.starts_with("Title:")) return repaired_utf8(trim(std::string_view(line).substr(6)));
  }
  return {};
}

}  // namespace

void read_pdf(Input& input, Sink& sink) {
  const LocalFile file(input, sink.options());
  const auto path = std::filesystem::absolute(file.path()).string();
  const auto result = run_poppler({"pdftotext", "-enc", "UTF-8", path, "-"}, sink.options());
  if (result.status != 0)
    throw UserError(str("pdftotext cannot read it: ", last_line(result.error_output)));
  // A page ends with a form feed.
  const auto text = std::string(trim(replace_all(result.output, "\f", "\n")));
  if (text.empty())
    throw UserError("holds no text (scanned pages?); run OCR over it first, as ocrmypdf does");
  if (const auto problem = text_problem(text)) throw UserError(*problem);
  sink.row({{"title", title_of(path, sink.options())}, {"text", text}, {"path", sink.source()}});
}

}  // namespace tunewright::rows
