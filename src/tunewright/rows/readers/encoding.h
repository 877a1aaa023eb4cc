#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tunewright/rows/readers/stream.h"

namespace tunewright::rows {

// The encoding of a text by its first bytes: a byte order mark, UTF-8 where (nearly) all of it is
// that, be it cut off inside its last character, else what uchardet thinks, else windows-1252.
// `whole`: nothing follows the sample.
std::string detect_encoding(std::string_view sample, bool whole);

// Told once where UTF-8 ends inside a character.
using OnCutOff = std::function<void()>;

// `text` as UTF-8; bytes that the encoding does not have become U+FFFD.  An unknown encoding is a
// UserError.
std::string to_utf8(std::string_view text, const std::string& encoding,
                    const OnCutOff& on_cut_off = {});

// A stream of text as UTF-8, without byte order mark.  What is no character becomes U+FFFD; only
// invalid UTF-8 before the end passes as it is, so that its rows can be set aside.
class Utf8Stream : public ByteStream {
 public:
  // `encoding`: a name, or "auto".
  Utf8Stream(ByteStream& inner, const std::string& encoding, OnCutOff on_cut_off = {});
  ~Utf8Stream() override;
  size_t read(std::span<char> into) override;
  const std::string& encoding() const { return encoding_; }

 private:
  struct Converter;
  size_t convert(std::span<char> into);
  size_t pass(std::span<char> into);
  bool ends_with_half(std::string_view half);

  PeekStream inner_;
  std::string encoding_;
  OnCutOff on_cut_off_;
  std::string_view last_;                 // what still follows the bytes of `inner_`
  std::unique_ptr<Converter> converter_;  // none for UTF-8
};

}  // namespace tunewright::rows
