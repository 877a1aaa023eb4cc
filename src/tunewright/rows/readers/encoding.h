#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "tunewright/rows/readers/stream.h"

namespace tunewright::rows {

// The encoding of a text by its first bytes: a byte order mark, UTF-8 where (nearly) all of it is
// that, else what uchardet thinks, else windows-1252.  `whole`: nothing follows the sample.
std::string detect_encoding(std::string_view sample, bool whole);

// `text` as UTF-8; bytes that the encoding does not have become U+FFFD.  An unknown encoding is a
// UserError.
std::string to_utf8(std::string_view text, const std::string& encoding);

// A stream of text as UTF-8, without byte order mark.  Invalid UTF-8 passes as it is; in any other
// encoding it becomes U+FFFD.
class Utf8Stream : public ByteStream {
 public:
  // `encoding`: a name, or "auto".
  Utf8Stream(ByteStream& inner, const std::string& encoding);
  ~Utf8Stream() override;
  size_t read(std::span<char> into) override;
  const std::string& encoding() const { return encoding_; }

 private:
  struct Converter;
  size_t convert(std::span<char> into);

  PeekStream inner_;
  std::string encoding_;
  std::unique_ptr<Converter> converter_;  // none for UTF-8
};

}  // namespace tunewright::rows
