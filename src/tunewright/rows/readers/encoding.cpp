#include "tunewright/rows/readers/encoding.h"

#include <uchardet.h>
#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr size_t kSampleBytes = size_t{1} << 18;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The longer marks first: UTF-32's begins with that of UTF-16.
struct Mark {
  std::string_view bytes;
  const char* encoding;
};
constexpr std::array kMarks = {Mark{"\xEF\xBB\xBF", "UTF-8"},
                               Mark{std::string_view("\xFF\xFE\0\0", 4), "UTF-32LE"},
                               Mark{std::string_view("\0\0\xFE\xFF", 4), "UTF-32BE"},
                               Mark{"\xFF\xFE", "UTF-16LE"}, Mark{"\xFE\xFF", "UTF-16BE"}};

const Mark* mark_of(std::string_view text) {
  const auto* found =
      std::ranges::find_if(kMarks, [&](const Mark& mark) { return text.starts_with(mark.bytes); });
  return found == kMarks.end() ? nullptr : found;
}

// UTF-8 with a broken character here and there is still UTF-8: rows are set aside, not all turned
// into other letters.
bool is_nearly_utf8(std::string_view text) {
  size_t valid = 0, invalid = 0;
  while (const auto at = first_invalid_utf8(text)) {
    const auto good = text.substr(0, *at);
    valid += good.size() - character_count(good);
    ++invalid;
    text.remove_prefix(*at + 1);
  }
  valid += text.size() - character_count(text);
  return invalid == 0 || valid >= 10 * invalid;
}

// A text that was cut off inside its last character is no less UTF-8, where what comes before shows
// that it is.  Plain ASCII shows nothing: one byte behind it ("caf\xE9") may be a letter of another
// encoding, unless it would be Â or Ã, which end no word.
std::string_view without_half_character(std::string_view text) {
  const auto rest = text.substr(0, text.size() - unfinished_utf8(text));
  const auto half = text.substr(rest.size());
  const bool is_shown = half.size() > 1 || half == "\xC2" || half == "\xC3" ||
                        std::ranges::any_of(rest, [](char c) { return (c & 0x80) != 0; });
  return is_shown ? rest : text;
}

std::string guessed_by_uchardet(std::string_view sample) {
  const std::unique_ptr<uchardet, decltype(&uchardet_delete)> detector(uchardet_new(),
                                                                       &uchardet_delete);
  uchardet_handle_data(detector.get(), sample.data(), sample.size());
  uchardet_data_end(detector.get());
  return uchardet_get_charset(detector.get());
}

// Without a mark, UTF-16 of Western text has a NUL in every other byte.
const char* utf16_by_nuls(std::string_view sample) {
  if (sample.size() < 4) return nullptr;
  std::array<size_t, 2> nuls{};
  for (size_t i = 0; i < sample.size(); ++i) nuls[i % 2] += sample[i] == '\0' ? 1 : 0;
  const auto most = sample.size() * 2 / 5;
  if (nuls[1] > most && nuls[0] * 20 < nuls[1]) return "UTF-16LE";
  if (nuls[0] > most && nuls[1] * 20 < nuls[0]) return "UTF-16BE";
  return nullptr;
}

// Encodings of Latin letters, which a few letters do not tell apart.
bool is_latin(const std::string& encoding) {
  constexpr std::array kLatin = {"iso-8859-1",   "iso-8859-2",   "iso-8859-3",       "iso-8859-4",
                                 "iso-8859-9",   "iso-8859-10",  "iso-8859-13",      "iso-8859-14",
                                 "iso-8859-15",  "iso-8859-16",  "windows-1250",     "windows-1254",
                                 "windows-1257", "windows-1258", "mac-centraleurope"};
  return std::ranges::find(kLatin, to_lower(encoding)) != kLatin.end();
}

bool has_few_letters_beyond_ascii(std::string_view text) {
  constexpr int kFew = 30;
  return std::ranges::count_if(text, [](char c) { return (c & 0x80) != 0; }) < kFew;
}

bool is_utf8_name(const std::string& encoding) {
  const auto lower = to_lower(encoding);
  return lower == "utf-8" || lower == "utf8" || lower == "us-ascii" || lower == "ascii";
}

// The web's reading: what calls itself Latin-1 is windows-1252.
std::string as_the_web_reads(const std::string& encoding) {
  const auto lower = to_lower(encoding);
  return lower == "iso-8859-1" || lower == "latin1" || lower == "latin-1" ? "windows-1252"
                                                                          : encoding;
}

std::unique_ptr<UConverter, decltype(&ucnv_close)> open_converter(const std::string& encoding) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<UConverter, decltype(&ucnv_close)> converter(
      ucnv_open(as_the_web_reads(encoding).c_str(), &status), &ucnv_close);
  if (U_FAILURE(status) || !converter)
    throw UserError(str("unknown encoding '", excerpt(encoding, 40), "'"));
  return converter;
}

}  // namespace

std::string detect_encoding(std::string_view sample, bool whole) {
  if (const auto* mark = mark_of(sample)) return mark->encoding;
  if (const auto* utf16 = utf16_by_nuls(sample)) return utf16;
  const auto text = sample.substr(0, sample.size() - (whole ? 0 : unfinished_utf8(sample)));
  if (is_nearly_utf8(whole ? without_half_character(text) : text)) return "UTF-8";
  auto guess = guessed_by_uchardet(text);
  UErrorCode status = U_ZERO_ERROR;
  const bool known = !guess.empty() && ucnv_countAliases(guess.c_str(), &status) > 0 &&
                     U_SUCCESS(status) && !is_utf8_name(guess);
  if (!known || (is_latin(guess) && has_few_letters_beyond_ascii(text))) return "windows-1252";
  return as_the_web_reads(guess);
}

std::string to_utf8(std::string_view text, const std::string& encoding,
                    const OnCutOff& on_cut_off) {
  class TextStream : public ByteStream {
   public:
    explicit TextStream(std::string_view left) : left_(left) {}
    size_t read(std::span<char> into) override {
      const auto count = left_.copy(into.data(), into.size());
      left_.remove_prefix(count);
      return count;
    }

   private:
    std::string_view left_;
  } stream(text);
  Utf8Stream utf8(stream, encoding, on_cut_off);
  return read_all(utf8, INT64_MAX);
}

struct Utf8Stream::Converter {
  explicit Converter(const std::string& encoding)
      : from(open_converter(encoding)), to(open_converter("UTF-8")) {}

  std::unique_ptr<UConverter, decltype(&ucnv_close)> from, to;
  std::string raw;
  size_t used = 0;  // of raw
  std::array<UChar, 4096> pivot{};
  UChar* pivot_read = pivot.data();
  UChar* pivot_write = pivot.data();
  bool at_end = false, reset = true, done = false;
};

Utf8Stream::Utf8Stream(ByteStream& inner, const std::string& encoding, OnCutOff on_cut_off)
    : inner_(inner), on_cut_off_(std::move(on_cut_off)) {
  const auto sample = inner_.peek(kSampleBytes);
  const auto* mark = mark_of(sample);
  encoding_ = encoding == "auto" ? detect_encoding(sample, sample.size() < kSampleBytes) : encoding;
  const bool has_mark = mark != nullptr && to_lower(encoding_) == to_lower(mark->encoding);
  if (has_mark) {
    std::array<char, 4> bytes{};
    inner_.read(std::span(bytes).first(mark->bytes.size()));
  }
  if (is_utf8_name(encoding_)) {
    encoding_ = "UTF-8";
  } else {
    converter_ = std::make_unique<Converter>(encoding_);
  }
}

Utf8Stream::~Utf8Stream() = default;

size_t Utf8Stream::read(std::span<char> into) { return converter_ ? convert(into) : pass(into); }

// Takes the rest of `half`, which begins a character, where the stream ends inside that.
bool Utf8Stream::ends_with_half(std::string_view half) {
  std::array<char, 3> rest{};  // more never follow in one character
  const auto next = inner_.peek(rest.size());
  const auto all = str(half, next);
  if (unfinished_utf8(all) != all.size()) return false;
  inner_.read(std::span(rest).first(next.size()));
  return true;
}

size_t Utf8Stream::pass(std::span<char> into) {
  if (last_.empty()) {
    const auto got = inner_.read(into);
    const std::string_view text(into.data(), got);
    const auto whole = got - unfinished_utf8(text);
    if (whole == got || !ends_with_half(text.substr(whole))) return got;
    last_ = kReplacement;
    if (on_cut_off_) on_cut_off_();
    if (whole > 0) return whole;
  }
  const auto count = last_.copy(into.data(), into.size());
  last_.remove_prefix(count);
  return count;
}

size_t Utf8Stream::convert(std::span<char> into) {
  auto& c = *converter_;
  char* target = into.data();
  while (target == into.data() && !c.done) {
    if (c.used == c.raw.size() && !c.at_end) {
      c.raw.resize(size_t{1} << 16);
      c.raw.resize(inner_.read(c.raw));
      c.used = 0;
      c.at_end = c.raw.empty();
    }
    const char* source = c.raw.data() + c.used;
    UErrorCode status = U_ZERO_ERROR;
    ucnv_convertEx(c.to.get(), c.from.get(), &target, into.data() + into.size(), &source,
                   c.raw.data() + c.raw.size(), c.pivot.data(), &c.pivot_read, &c.pivot_write,
                   c.pivot.data() + c.pivot.size(), c.reset, c.at_end, &status);
    c.reset = false;
    c.used = static_cast<size_t>(source - c.raw.data());
    if (status == U_BUFFER_OVERFLOW_ERROR) break;
    if (U_FAILURE(status))
      throw UserError(str("cannot be read as ", encoding_, ": ", u_errorName(status)));
    c.done = c.at_end;
  }
  return static_cast<size_t>(target - into.data());
}

}  // namespace tunewright::rows
