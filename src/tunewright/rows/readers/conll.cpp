// CoNLL: a token a line in columns, a blank line between sentences.
#include "tunewright/rows/readers/conll.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr size_t kConllUColumns = 10;

struct Sentence {
  std::vector<std::string> tokens, tags;
  size_t bytes = 0;
  std::string problem;

  bool is_empty() const { return tokens.empty() && problem.empty(); }
};

// Cells at -1 count from what is usual; others from 0.
size_t column_of(int64_t option, size_t usual) {
  return option < 0 ? usual : static_cast<size_t>(option);
}

void add_line(Sentence& sentence, std::string_view line, const SourceOptions& options) {
  const auto cells = conll_cells(line);
  const bool is_conll_u =
      cells.size() == kConllUColumns && line.find('\t') != std::string_view::npos;
  // CoNLL-U's ranges ("1-2") and empty nodes ("1.1") are no tokens of their own.
  if (is_conll_u && cells[0].find_first_not_of("0123456789") != std::string::npos) return;
  const auto token = column_of(options.token_column, is_conll_u ? 1 : 0);
  const auto tag = column_of(options.tag_column, is_conll_u ? 3 : cells.size() - 1);
  if (token >= cells.size() || tag >= cells.size() || token == tag) {
    sentence.problem = str("a line with ", cells.size(), " columns: '", excerpt(line, 40), "'");
    return;
  }
  sentence.bytes += line.size();
  sentence.tokens.push_back(cells[token]);
  sentence.tags.push_back(cells[tag]);
}

void finish(Sentence& sentence, Sink& sink) {
  if (sentence.is_empty()) return;
  auto text = join(sentence.tokens, " ");
  auto problem = sentence.problem;
  if (problem.empty()) problem = text_problem(text).value_or("");
  if (problem.empty()) problem = text_problem(join(sentence.tags, " ")).value_or("");
  if (static_cast<int64_t>(sentence.bytes) > sink.options().max_row_bytes)
    problem = too_long_reason("the sentence", sink.options().max_row_bytes);
  if (problem.empty()) {
    sink.row({{"tokens", std::move(sentence.tokens)},
              {"tags", std::move(sentence.tags)},
              {"text", std::move(text)}});
  } else {
    sink.set_aside(std::move(problem));
  }
  sentence = {};
}

}  // namespace

std::vector<std::string> conll_cells(std::string_view line) {
  if (line.find('\t') != std::string_view::npos) return split(line, '\t');
  std::vector<std::string> cells;
  for (const auto& cell : split(line, ' ')) {
    if (!cell.empty()) cells.push_back(cell);
  }
  return cells;
}

void read_conll(Input& input, Sink& sink) {
  Utf8Stream utf8(input.stream, sink.options().encoding, [&] { sink.cut_off(); });
  if (utf8.encoding() != "UTF-8") sink.note(str("read as ", utf8.encoding()));
  StreamLines lines(utf8, sink.options().max_row_bytes);
  Sentence sentence;
  while (const auto line = lines.next()) {
    const bool is_comment = sentence.is_empty() && line->text.starts_with("# ");
    if (line->too_long) {
      sentence.problem = too_long_reason("the line", sink.options().max_row_bytes);
    } else if (trim(line->text).empty() || line->text.starts_with("-DOCSTART-")) {
      finish(sentence, sink);
    } else if (!is_comment && sentence.problem.empty()) {
      if (static_cast<int64_t>(sentence.bytes) > sink.options().max_row_bytes) continue;
      add_line(sentence, line->text, sink.options());
    }
  }
  finish(sentence, sink);
}

}  // namespace tunewright::rows
