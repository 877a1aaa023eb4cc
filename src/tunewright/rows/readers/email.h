#pragma once
#include <string>
#include <string_view>

#include "tunewright/base/json.h"
#include "tunewright/rows/source.h"

namespace tunewright::rows {

struct MailOptions {
  bool headers = false;  // all headers too, as an object by lower-case name; the first of a name
};

// Whether templates of the source ask for headers.
MailOptions mail_options(const SourceOptions& options);

// A mail as it travels, with or without mbox's "From " line: {"subject","from","to","date","body",
// "text"}.  Encoded words, transfer encodings and charsets are undone; what a mail says of its
// charset is believed where the bytes bear it out.  The body is the first plain text that is no
// attachment, else the first HTML as text.  `date` is ISO 8601 with the sender's offset, or empty.
// What is no mail, or holds a NUL byte, is a UserError without place.  Thread-safe.
Json parse_mail(std::string_view mail, const MailOptions& options);

}  // namespace tunewright::rows
