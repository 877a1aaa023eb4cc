#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tunewright/rows/readers/stream.h"

namespace tunewright::rows {

// Whether a line is the one before a mail: "From ", a sender, and a date with time and year.  Prose
// that begins a line with "From " has no such date.
bool is_mbox_separator(std::string_view line);

// Cuts a mailbox into mails, ">From " at the beginning of a line undone.
class MboxMails {
 public:
  MboxMails(ByteStream& stream, int64_t limit) : lines_(stream, limit), limit_(limit) {}

  struct Mail {
    std::string text;  // without its separator; empty where it was too long
    bool too_long = false;
  };
  // A stream that does not begin with a separator is a UserError without place.
  std::optional<Mail> next();

 private:
  StreamLines lines_;
  int64_t limit_;
  bool begun_ = false, at_end_ = false;
};

}  // namespace tunewright::rows
