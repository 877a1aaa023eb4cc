#include "tunewright/rows/readers/mbox.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/email.h"
#include "tunewright/rows/readers/reader.h"

namespace tunewright::rows {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_time(std::string_view word) {
  const auto colon = word.find(':');
  return colon != std::string_view::npos && colon >= 1 && colon <= 2 && is_digit(word[0]) &&
         word.size() >= colon + 3 && is_digit(word[colon + 1]) && is_digit(word[colon + 2]);
}

bool is_year(std::string_view word) {
  return word.size() == 4 && (word.starts_with("19") || word.starts_with("20")) &&
         is_digit(word[2]) && is_digit(word[3]);
}

// ">From ", ">>From ": quoted so that it divides nothing.
bool is_quoted_from(std::string_view line) {
  const auto begin = line.find_first_not_of('>');
  return begin != std::string_view::npos && begin > 0 && line.substr(begin).starts_with("From ");
}

}  // namespace

bool is_mbox_separator(std::string_view line) {
  if (!line.starts_with("From ")) return false;
  bool time = false, year = false;
  for (const auto& word : split(line.substr(5), ' ')) {
    time |= is_time(word);
    year |= is_year(trim(word));
  }
  return time && year;
}

std::optional<MboxMails::Mail> MboxMails::next() {
  if (at_end_) return std::nullopt;
  if (!begun_) {
    auto line = lines_.next();
    while (line && !line->too_long && trim(line->text).empty()) line = lines_.next();
    if (!line) return std::nullopt;
    if (!is_mbox_separator(line->text))
      throw UserError(
          "not a mailbox: it does not begin with a \"From \" line with sender and date");
    begun_ = true;
  }
  Mail mail;
  while (const auto line = lines_.next()) {
    if (is_mbox_separator(line->text)) return mail;
    mail.too_long |= line->too_long;
    mail.text += is_quoted_from(line->text) ? line->text.substr(1) : line->text;
    mail.text += line->end;
    mail.too_long |= static_cast<int64_t>(mail.text.size()) > limit_;
    if (mail.too_long) mail.text.clear();
  }
  at_end_ = true;
  return mail;
}

void read_mbox(Input& input, Sink& sink) {
  const auto limit = sink.options().max_row_bytes;
  MboxMails mails(input.stream, limit);
  const auto options = mail_options(sink.options());
  while (const auto mail = mails.next()) {
    if (mail->too_long) {
      sink.set_aside(too_long_reason("the mail", limit));
      continue;
    }
    Json row;
    try {
      row = parse_mail(mail->text, options);
    } catch (const UserError& error) {
      sink.set_aside(error.what());
      continue;
    }
    row["path"] = sink.source();
    sink.row(std::move(row));
  }
}

}  // namespace tunewright::rows
