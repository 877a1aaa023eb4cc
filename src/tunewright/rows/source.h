#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"

// Reads rows from whatever an organisation has.  Everything streams: memory is bounded by one row
// (or one mail, page or document), never by the file.
namespace tunewright::rows {

enum class SourceFormat {
  kAuto,  // by the name, then by the first bytes
  kJsonLines,
  kJson,  // a list of objects, one object, or an object with a list (see SourceOptions::records)
  kCsv,
  kTsv,
  kParquet,
  kArrow,        // IPC file or stream
  kHuggingFace,  // a folder of save_to_disk, of one set or of several splits
  kText,
  kMarkdown,
  kHtml,
  kPdf,
  kEmail,
  kMbox,
  kMaildir,
  kConll,
  kSqlite,
  kPostgresql
};
inline constexpr std::array kSourceFormatNames = {
    std::pair{"auto", SourceFormat::kAuto},
    std::pair{"jsonl", SourceFormat::kJsonLines},
    std::pair{"json", SourceFormat::kJson},
    std::pair{"csv", SourceFormat::kCsv},
    std::pair{"tsv", SourceFormat::kTsv},
    std::pair{"parquet", SourceFormat::kParquet},
    std::pair{"arrow", SourceFormat::kArrow},
    std::pair{"huggingface", SourceFormat::kHuggingFace},
    std::pair{"text", SourceFormat::kText},
    std::pair{"markdown", SourceFormat::kMarkdown},
    std::pair{"html", SourceFormat::kHtml},
    std::pair{"pdf", SourceFormat::kPdf},
    std::pair{"email", SourceFormat::kEmail},
    std::pair{"mbox", SourceFormat::kMbox},
    std::pair{"maildir", SourceFormat::kMaildir},
    std::pair{"conll", SourceFormat::kConll},
    std::pair{"sqlite", SourceFormat::kSqlite},
    std::pair{"postgresql", SourceFormat::kPostgresql}};

// What one row of a text file is.
enum class TextUnit { kFile, kParagraph, kLine };
inline constexpr std::array kTextUnitNames = {std::pair{"file", TextUnit::kFile},
                                              std::pair{"paragraph", TextUnit::kParagraph},
                                              std::pair{"line", TextUnit::kLine}};

// The rows that come out.
enum class Target {
  kAuto,  // a row that training or evaluation knows stays; columns with telling names (question,
          // answer; sentence, category) are renamed; others stay, with a note
  kAsIs,
  kMessages,
  kPromptCompletion,
  kText,
  kClassification,
  kPreference,
  kUnpaired,
  kNer  // {"tokens","tags","text"}, tags in IOB2
};
inline constexpr std::array kTargetNames = {
    std::pair{"auto", Target::kAuto},
    std::pair{"as_is", Target::kAsIs},
    std::pair{"messages", Target::kMessages},
    std::pair{"prompt_completion", Target::kPromptCompletion},
    std::pair{"text", Target::kText},
    std::pair{"classification", Target::kClassification},
    std::pair{"preference", Target::kPreference},
    std::pair{"unpaired", Target::kUnpaired},
    std::pair{"ner", Target::kNer}};

// One entry of `sources:` in a recipe.
struct SourceOptions {
  std::string path;
  SourceFormat format = SourceFormat::kAuto;
  Target to = Target::kAuto;
  Json map = Json::object();     // see mapping.h
  Json values = Json::object();  // see mapping.h
  Json parse = Json::object();   // see mapping.h
  std::string query;
  std::string encoding = "auto";
  TextUnit unit = TextUnit::kFile;
  std::string records;
  std::string delimiter;
  bool header = true;
  std::vector<std::string> columns;
  int64_t token_column = -1;
  int64_t tag_column = -1;
  std::vector<std::string> include, exclude;
  int64_t limit = 0;
  int64_t max_row_bytes = int64_t{64} << 20;
  int64_t max_expansion = 250;
  std::string temporary_folder = "/tmp";
};
template <class V>
void fields(V& v, SourceOptions& o) {
  v("path", o.path,
    "File, folder, glob (**), archive, \"sqlite:FILE?QUERY\" or \"postgresql://HOST/DB\".");
  v.choice("format", o.format, kSourceFormatNames, "Of the files.");
  v.choice("to", o.to, kTargetNames, "Format of the rows that come out.");
  v("map", o.map, "Column: template, as {prompt: \"{subject}\", completion: \"{label|lower}\"}.");
  v("values", o.values, "Column: {value: other value}, before `map`; \"*\": any other value.");
  v("parse", o.parse, "Column: email, json, html or number, before `values`.");
  v("query", o.query, "SQL, for a database.");
  v("encoding", o.encoding, "Of text, CSV and HTML; auto detects it.");
  v.choice("unit", o.unit, kTextUnitNames, "One row of a text file.");
  v("records", o.records, "JSON: where the list of rows stands, as \"data.items\".");
  v("delimiter", o.delimiter, "CSV: one character; empty: found from the first lines.");
  v("header", o.header, "CSV: the first row holds the names of the columns.");
  v("columns", o.columns, "CSV: names of the columns, instead of a header's.");
  v("token_column", o.token_column, "CoNLL: from 0; -1: the first, or that of CoNLL-U.");
  v("tag_column", o.tag_column, "CoNLL: from 0; -1: the last, or that of CoNLL-U.");
  v("include", o.include, "Folders: only names that match one of these globs.");
  v("exclude", o.exclude, "Folders: no names that match one of these globs.");
  v("limit", o.limit, "Rows read at most; 0: all.");
  v("max_row_bytes", o.max_row_bytes, "A larger row, mail or document is set aside.");
  v("max_expansion", o.max_expansion, "Of compressed data, times; more is taken for a bomb.");
  v("temporary_folder", o.temporary_folder, "For what cannot be read as a stream.");
}

struct SourceRow {
  Json fields;         // an object
  std::string source;  // "mails/a.eml", "mails.zip/a.eml", "sqlite:shop.db"
  int64_t row = 0;     // of that source, from 0; rows that are set aside count too
  std::string line;    // the row's own bytes where it is a line of JSON and nothing changed it

  // The row as a line of JSON.
  std::string json_line() const { return line.empty() ? dump_json(fields) : line; }
};

// What could not be used.  Where a file breaks off, `row` is the first row that is missing.
struct SetAside {
  std::string source;
  int64_t row = 0;
  std::string reason;
};

struct SourceReport {
  int64_t files = 0;  // sources that gave a row
  int64_t rows = 0, set_aside = 0;
  int64_t cut_off = 0;                     // sources that end inside a character
  std::map<std::string, int64_t> formats;  // files by what they were read as ("csv": 3)
  std::vector<std::string> notes;          // what detection chose, each once
};

using UseRow = std::function<void(SourceRow&&)>;
using UseSetAside = std::function<void(SetAside&&)>;

// Reads `options.path`, calling `use` for each row in an order that depends on nothing but the
// input: paths sorted bytewise, members of an archive as they lie in it.  Files whose names begin
// with a dot are passed over in folders.
//
// Rows by format: tables and JSON as their columns; text {"text","path"}; Markdown, HTML and PDF
// {"title","text","path"}; mail {"subject","from","to","date","body","text","path"}, where text is
// the subject, a blank line and the body, and date is ISO 8601; CoNLL {"tokens","tags","text"}.
//
// What `use` and `set_aside` throw ends the reading and comes out as it is.
//
// A path where nothing is, a wrong option, and an input that gives not one row are UserErrors; the
// last one names the first reason for setting something aside.
SourceReport for_each_source_row(const SourceOptions& options, const UseRow& use,
                                 const UseSetAside& set_aside);

}  // namespace tunewright::rows
