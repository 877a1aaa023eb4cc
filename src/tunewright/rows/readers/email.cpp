#include "tunewright/rows/readers/email.h"

#include <gmime/gmime.h>

#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/html.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

struct FreeOptions {
  void operator()(GMimeParserOptions* options) const { g_mime_parser_options_free(options); }
};

std::string text_of(const char* text) { return text == nullptr ? "" : repaired_utf8(text); }

// What mails say for what they mean: subsets that senders do not keep to.
std::string meant_charset(std::string_view declared) {
  auto charset = to_lower(trim(declared));
  const bool is_chinese = charset == "gb2312" || charset == "gbk" || charset == "x-gbk";
  return is_chinese ? std::string("gb18030") : charset;
}

// The declared charset where the bytes bear it out; else UTF-8, or what they look like.
std::string body_in_utf8(std::string_view bytes, const char* declared) {
  const auto charset = meant_charset(declared == nullptr ? "" : declared);
  if (!charset.empty() && charset != "us-ascii" && charset != "ascii") {
    try {
      auto text = charset == "utf-8" ? std::string(bytes) : to_utf8(bytes, charset);
      const bool fits = charset == "utf-8" ? !first_invalid_utf8(text)
                                           : text.find(kReplacement) == std::string::npos;
      if (fits) return text;
    } catch (const UserError&) {  // an encoding that nobody knows
    }
  }
  return to_utf8(bytes, detect_encoding(bytes, true));
}

std::string unix_lines(const std::string& text) {
  return replace_all(replace_all(text, "\r\n", "\n"), "\r", "\n");
}

// Transfer encoding undone.
std::string content_of(GMimePart* part) {
  auto* content = g_mime_part_get_content(part);  // borrowed
  if (content == nullptr) return {};
  const Owned<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, stream.get());
  const auto* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  return {reinterpret_cast<const char*>(bytes->data), bytes->len};
}

struct TextPart {
  bool is_html = false;
  std::string text;
};

TextPart text_part(GMimePart* part, GMimeContentType* type) {
  const auto text =
      body_in_utf8(content_of(part), g_mime_content_type_get_parameter(type, "charset"));
  return {.is_html = g_mime_content_type_is_type(type, "text", "html") != 0,
          .text = unix_lines(repaired_utf8(text))};
}

bool is_attachment(GMimeObject* part) {
  const auto* disposition = g_mime_object_get_disposition(part);
  return disposition != nullptr && to_lower(disposition) == "attachment";
}

// Text parts in their order, without attachments and mails within the mail.
std::vector<TextPart> text_parts(GMimeObject* root) {
  std::vector<TextPart> parts;
  std::vector<GMimeObject*> todo{root};
  while (!todo.empty()) {
    auto* part = todo.back();
    todo.pop_back();
    if (part == nullptr) continue;
    if (GMIME_IS_MULTIPART(part)) {
      auto* multipart = GMIME_MULTIPART(part);
      for (int i = g_mime_multipart_get_count(multipart); i-- > 0;)
        todo.push_back(g_mime_multipart_get_part(multipart, i));
    } else if (GMIME_IS_PART(part) && !is_attachment(part)) {
      auto* type = g_mime_object_get_content_type(part);
      if (type == nullptr || g_mime_content_type_is_type(type, "text", "*") != 0)
        parts.push_back(text_part(GMIME_PART(part), type));
    }
  }
  return parts;
}

// Some senders call a page plain text.
bool looks_like_page(std::string_view text) {
  const auto begin = to_lower(trim(text).substr(0, 16));
  constexpr std::array kTags = {"<!doctype", "<html", "<body", "<table"};
  for (const auto* tag : kTags) {
    if (begin.starts_with(tag)) return true;
  }
  return false;
}

std::string readable(const TextPart& part) {
  if (part.is_html || looks_like_page(part.text)) return html_text(part.text, true).text;
  return std::string(trim(part.text));
}

std::string body_of(GMimeObject* root) {
  const auto parts = text_parts(root);
  for (const auto& part : parts) {
    if (!part.is_html && !trim(part.text).empty()) return readable(part);
  }
  return parts.empty() ? "" : readable(parts.front());
}

std::string date_of(GMimeMessage* message) {
  auto* date = g_mime_message_get_date(message);  // borrowed
  if (date == nullptr) return {};
  const std::unique_ptr<char, decltype(&g_free)> text(
      g_date_time_format(date, "%Y-%m-%dT%H:%M:%S%:z"), &g_free);
  return text_of(text.get());
}

Json all_headers(GMimeHeaderList* list) {
  Json headers = Json::object();
  for (int i = 0; i < g_mime_header_list_get_count(list); ++i) {
    auto* header = g_mime_header_list_get_header_at(list, i);
    const auto name = to_lower(text_of(g_mime_header_get_name(header)));
    if (!headers.contains(name)) headers[name] = text_of(g_mime_header_get_value(header));
  }
  return headers;
}

std::string header_of(GMimeMessage* message, const char* name) {
  return std::string(trim(text_of(g_mime_object_get_header(GMIME_OBJECT(message), name))));
}

std::string_view without_from_line(std::string_view mail) {
  if (mail.starts_with("\xEF\xBB\xBF")) mail.remove_prefix(3);
  if (!mail.starts_with("From ")) return mail;
  const auto end = mail.find('\n');
  return end == std::string_view::npos ? std::string_view() : mail.substr(end + 1);
}

Owned<GMimeMessage> parse_message(std::string_view mail) {
  static std::once_flag begun;
  std::call_once(begun, [] { g_mime_init(); });
  const Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(mail.data(), mail.size()));
  const Owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const std::unique_ptr<GMimeParserOptions, FreeOptions> options(g_mime_parser_options_new());
  std::array<const char*, 3> charsets = {"utf-8", "windows-1252", nullptr};
  g_mime_parser_options_set_fallback_charsets(options.get(), charsets.data());
  return Owned<GMimeMessage>(g_mime_parser_construct_message(parser.get(), options.get()));
}

}  // namespace

MailOptions mail_options(const SourceOptions& options) {
  return {.headers = dump_json(options.map).find("headers.") != std::string::npos};
}

Json parse_mail(std::string_view mail, const MailOptions& options) {
  mail = without_from_line(mail);
  const auto message = parse_message(mail);
  auto* headers = message ? g_mime_object_get_header_list(GMIME_OBJECT(message.get())) : nullptr;
  if (headers == nullptr || g_mime_header_list_get_count(headers) == 0)
    throw UserError("not a mail: it does not begin with headers");
  auto subject = header_of(message.get(), "Subject");
  auto body = body_of(g_mime_message_get_mime_part(message.get()));
  if (body.find('\0') != std::string::npos) throw UserError("a NUL byte in the mail's text");
  auto text = subject.empty() ? body : body.empty() ? subject : str(subject, "\n\n", body);
  Json row = {{"subject", std::move(subject)},
              {"from", header_of(message.get(), "From")},
              {"to", header_of(message.get(), "To")},
              {"date", date_of(message.get())},
              {"body", std::move(body)},
              {"text", std::move(text)}};
  if (options.headers) row["headers"] = all_headers(headers);
  return row;
}

void read_email(Input& input, Sink& sink) {
  const auto mail = read_all(input.stream, sink.options().max_row_bytes);
  auto row = parse_mail(mail, mail_options(sink.options()));
  row["path"] = sink.source();
  sink.row(std::move(row));
}

}  // namespace tunewright::rows
