#include "tunewright/rows/readers/detect.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

using enum SourceFormat;

constexpr std::array kExtensions = {
    std::pair{".jsonl", kJsonLines},   std::pair{".ndjson", kJsonLines},
    std::pair{".json", kJson},         std::pair{".csv", kCsv},
    std::pair{".tsv", kTsv},           std::pair{".tab", kTsv},
    std::pair{".parquet", kParquet},   std::pair{".pq", kParquet},
    std::pair{".arrow", kArrow},       std::pair{".feather", kArrow},
    std::pair{".ipc", kArrow},         std::pair{".txt", kText},
    std::pair{".text", kText},         std::pair{".md", kMarkdown},
    std::pair{".markdown", kMarkdown}, std::pair{".html", kHtml},
    std::pair{".htm", kHtml},          std::pair{".xhtml", kHtml},
    std::pair{".pdf", kPdf},           std::pair{".eml", kEmail},
    std::pair{".mbox", kMbox},         std::pair{".mbx", kMbox},
    std::pair{".conll", kConll},       std::pair{".conllu", kConll},
    std::pair{".iob", kConll},         std::pair{".iob2", kConll},
    std::pair{".bio", kConll},         std::pair{".sqlite", kSqlite},
    std::pair{".sqlite3", kSqlite}};

// Zip archives that are documents: their parts are no rows.
constexpr std::array kDocuments = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub"};

constexpr std::array kMailHeaders = {
    "received",     "from",       "to",           "subject",      "date",
    "return-path",  "message-id", "mime-version", "delivered-to", "reply-to",
    "content-type", "sender",     "x-mailer",     "in-reply-to",  "cc"};

std::string extension_of(std::string_view name) {
  return to_lower(std::filesystem::path(name).extension().string());
}

bool is_mail_header(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  return std::ranges::find(kMailHeaders, to_lower(line.substr(0, colon))) != kMailHeaders.end();
}

// The first line is a header, and two of those before the first blank line are well known.
bool looks_like_mail(std::string_view begin) {
  int known = 0;
  for (bool first = true; !begin.empty(); first = false) {
    const auto line = begin.substr(0, begin.find('\n'));
    begin.remove_prefix(std::min(begin.size(), line.size() + 1));
    if (trim(line).empty()) break;
    const bool continues = line.front() == ' ' || line.front() == '\t';
    const auto name = line.substr(0, line.find(':'));
    const bool is_header = name.size() < line.size() && name.find(' ') == std::string_view::npos;
    if (first && !is_header) return false;
    if (!continues && !is_header) break;
    known += is_mail_header(line) ? 1 : 0;
  }
  return known >= 2;
}

bool looks_like_html(std::string_view begin) {
  const auto head = to_lower(trim(begin.substr(0, 1024)));
  const std::string_view text(head);
  const bool is_xhtml = text.starts_with("<?xml") && text.find("<html") != std::string_view::npos;
  return text.starts_with("<!doctype html") || text.starts_with("<html") || is_xhtml;
}

bool is_one_object_a_line(std::string_view begin) {
  const auto end = begin.find('\n');
  if (end == std::string_view::npos) return false;
  return Json::accept(begin.substr(0, end)) && trim(begin.substr(end)).starts_with('{');
}

SourceFormat json_format(std::string_view begin) {
  return is_one_object_a_line(begin) ? kJsonLines : kJson;
}

SourceFormat format_by_bytes(std::string_view begin) {
  constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);
  if (begin.starts_with("PAR1")) return kParquet;
  if (begin.starts_with("ARROW1")) return kArrow;
  if (begin.starts_with(kSqliteMagic)) return kSqlite;
  if (begin.substr(0, 1024).find("%PDF-") != std::string_view::npos) return kPdf;
  if (begin.starts_with("From ")) {
    const auto line_end = begin.find('\n');
    if (line_end != std::string_view::npos && looks_like_mail(begin.substr(line_end + 1)))
      return kMbox;
  }
  if (looks_like_mail(begin)) return kEmail;
  if (looks_like_html(begin)) return kHtml;
  const auto text = trim(begin);
  if (text.starts_with('{') || text.starts_with("[{")) return json_format(text);
  return kText;
}

// Text in any encoding has few control characters.
bool looks_binary(std::string_view begin) {
  const auto text = to_utf8(begin, "auto");
  const auto controls = std::ranges::count_if(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && (c < '\t' || c > '\r') && c != '\x1B';
  });
  return text.find('\0') != std::string::npos ||
         controls > static_cast<std::ptrdiff_t>(text.size() / 50);
}

}  // namespace

SourceFormat detect_source_format(std::string_view name, std::string_view begin) {
  const auto extension = extension_of(name);
  if (begin.starts_with(std::string_view("SQLite format 3\0", 16))) return kSqlite;
  for (const auto& [known, format] : kExtensions) {
    if (extension != known) continue;
    return format == kJson ? json_format(trim(begin)) : format;
  }
  if (std::ranges::find(kDocuments, extension) != kDocuments.end())
    throw UserError(str(extension, " is not read; save it as PDF, HTML, text or CSV"));
  const auto format = format_by_bytes(begin);
  if (format == kText && looks_binary(begin))
    throw UserError("binary data of no known format; set the source's format, or exclude it");
  return format;
}

bool is_container(std::string_view name, std::string_view begin) {
  if (std::ranges::find(kDocuments, extension_of(name)) != kDocuments.end()) return false;
  const auto at = [&](size_t offset, std::string_view magic) {
    return begin.size() >= offset && begin.substr(offset).starts_with(magic);
  };
  return at(0, "PK\x03\x04") || at(0, "PK\x05\x06") || at(0, "\x1F\x8B") ||
         at(0, "\x28\xB5\x2F\xFD") || at(0, "BZh") ||
         at(0, std::string_view("\xFD"
                                "7zXZ\0",
                                6)) ||
         at(0, "7z\xBC\xAF\x27\x1C") || at(257, "ustar");
}

std::string source_format_name(SourceFormat format) {
  for (const auto& [name, value] : kSourceFormatNames) {
    if (value == format) return name;
  }
  TUNEWRIGHT_ASSERT(!"a source format without a name");
}

}  // namespace tunewright::rows
