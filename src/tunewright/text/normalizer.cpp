#include "tunewright/text/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/byte_level.h"
#include "tunewright/text/regex.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

enum class Form { kNfc, kNfd, kNfkc, kNfkd };

// The Unicode crate of `tokenizers` has the data of Unicode 9: later characters pass unchanged.
std::unique_ptr<const icu::FilteredNormalizer2> make_normalizer2(Form form) {
  static const auto known = [] {
    UErrorCode status = U_ZERO_ERROR;
    auto set = std::make_unique<icu::UnicodeSet>(icu::UnicodeString("[:age=9.0:]"), status);
    if (U_FAILURE(status)) throw InternalError(str("ICU: ", u_errorName(status)));
    set->freeze();
    return set;
  }();
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* plain = form == Form::kNfc    ? icu::Normalizer2::getNFCInstance(status)
                                  : form == Form::kNfd  ? icu::Normalizer2::getNFDInstance(status)
                                  : form == Form::kNfkc ? icu::Normalizer2::getNFKCInstance(status)
                                                        : icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status)) throw InternalError(str("ICU: ", u_errorName(status)));
  return std::make_unique<icu::FilteredNormalizer2>(*plain, *known);
}

class UnicodeForm : public Normalizer {
 public:
  explicit UnicodeForm(Form form) : normalizer_(make_normalizer2(form)) {}

  void apply(AlignedText& text) const override {
    const auto source = text.view();
    if (is_ascii(source)) return;
    std::string result;
    icu::StringByteSink<std::string> sink(&result, static_cast<int32_t>(source.size()));
    icu::Edits edits;
    UErrorCode status = U_ZERO_ERROR;
    normalizer_->normalizeUTF8(0,
                               icu::StringPiece(source.data(), static_cast<int32_t>(source.size())),
                               sink, &edits, status);
    if (U_FAILURE(status)) throw InternalError(str("ICU: ", u_errorName(status)));
    if (edits.hasChanges()) text = rewrite(text, result, edits);
  }

 private:
  static AlignedText rewrite(const AlignedText& text, std::string_view result,
                             const icu::Edits& edits) {
    Rewriter out(text);
    UErrorCode status = U_ZERO_ERROR;
    auto edit = edits.getFineChangesIterator();
    while (edit.next(status)) {
      out.keep(static_cast<size_t>(edit.sourceIndex()) - out.position());
      out.replace(static_cast<size_t>(edit.oldLength()),
                  result.substr(static_cast<size_t>(edit.destinationIndex()),
                                static_cast<size_t>(edit.newLength())));
    }
    return out.finish();
  }

  std::unique_ptr<const icu::FilteredNormalizer2> normalizer_;
};

// Rewrites each character by itself: `change(character, spelling, out)` returns whether it differs.
template <class Change>
void rewrite_characters(AlignedText& text, Change change) {
  const auto source = text.view();
  Rewriter out(text);
  std::string with;
  for (size_t at = 0; at < source.size();) {
    const auto c = code_point_at(source, at);
    with.clear();
    if (change(c.value, with)) {
      out.replace(c.size, with);
    } else {
      out.keep(c.size);
    }
    at += c.size;
  }
  text = out.finish();
}

class Lowercase : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    rewrite_characters(text, [](char32_t c, std::string& with) {
      append_lowercase(with, c);
      return true;
    });
  }
};

class StripAccents : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    rewrite_characters(text, [](char32_t c, std::string&) { return is_combining_mark(c); });
  }
};

// The clean-up of Google's NMT: control characters go, odd spaces become plain ones.
class Nmt : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    rewrite_characters(text, [](char32_t c, std::string& with) {
      if (is_removed(c)) return true;
      if (!is_space(c)) return false;
      with += ' ';
      return true;
    });
  }

 private:
  static bool is_removed(char32_t c) {
    return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
  }
  static bool is_space(char32_t c) {
    constexpr std::array<char32_t, 10> kSpaces = {0x9,    0xA,    0xC,    0xD,    0x1680,
                                                  0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD};
    return (c >= 0x200B && c <= 0x200F) ||
           std::find(kSpaces.begin(), kSpaces.end(), c) != kSpaces.end();
  }
};

class ByteLevelNormalizer : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    const auto source = text.view();
    Rewriter out(text);
    for (const char c : source) out.replace(1, byte_spellings()[static_cast<uint8_t>(c)]);
    text = out.finish();
  }
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string text) : text_(std::move(text)) {}
  void apply(AlignedText& text) const override {
    if (text.view().empty()) return;
    Rewriter out(text);
    out.replace(0, text_);
    text = out.finish();
  }

 private:
  std::string text_;
};

class Replace : public Normalizer {
 public:
  Replace(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(AlignedText& text) const override {
    std::vector<Part> parts;
    pattern_.cut(text.view(), parts);
    Rewriter out(text);
    for (const auto& part : parts) {
      if (part.is_match) {
        out.replace(part.end - part.begin, content_);
      } else {
        out.keep(part.end - part.begin);
      }
    }
    text = out.finish();
  }

 private:
  Pattern pattern_;
  std::string content_;
};

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text) const override {
    const auto source = text.view();
    size_t begin = 0, end = source.size();
    while (left_ && begin < end) {
      const auto c = code_point_at(source, begin);
      if (!is_whitespace(c.value)) break;
      begin += c.size;
    }
    while (right_ && end > begin) {
      const auto c = code_point_before(source, end);
      if (!is_whitespace(c.value)) break;
      end -= c.size;
    }
    if (begin == 0 && end == source.size()) return;
    Rewriter out(text);
    out.replace(begin, "");
    out.keep(end - begin);
    out.replace(source.size() - end, "");
    text = out.finish();
  }

 private:
  bool left_, right_;
};

class Sequence : public Normalizer {
 public:
  explicit Sequence(const JsonNode& node) {
    for (const auto& item : node.items()) steps_.push_back(parse_normalizer(item));
  }
  void apply(AlignedText& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> steps_;
};

}  // namespace

std::unique_ptr<const Normalizer> parse_normalizer(const JsonNode& node) {
  static const std::vector<std::string> kNames = {
      "NFC",     "NFD",   "NFKC",         "NFKD", "Lowercase", "Prepend",
      "Replace", "Strip", "StripAccents", "Nmt",  "ByteLevel", "Sequence"};
  switch (node.at("type").choice("the normalizer", kNames)) {
    case 0:
      return std::make_unique<UnicodeForm>(Form::kNfc);
    case 1:
      return std::make_unique<UnicodeForm>(Form::kNfd);
    case 2:
      return std::make_unique<UnicodeForm>(Form::kNfkc);
    case 3:
      return std::make_unique<UnicodeForm>(Form::kNfkd);
    case 4:
      return std::make_unique<Lowercase>();
    case 5:
      return std::make_unique<Prepend>(node.at("prepend").as_string());
    case 6:
      return std::make_unique<Replace>(Pattern::parse(node.at("pattern")),
                                       node.at("content").as_string());
    case 7:
      return std::make_unique<Strip>(node.at("strip_left").as_bool(),
                                     node.at("strip_right").as_bool());
    case 8:
      return std::make_unique<StripAccents>();
    case 9:
      return std::make_unique<Nmt>();
    case 10:
      return std::make_unique<ByteLevelNormalizer>();
    default:
      return std::make_unique<Sequence>(node.at("normalizers"));
  }
}

}  // namespace tunewright::text
