#include "tunewright/eval/label_reader.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

icu::UnicodeString lower_case(std::string_view text) {
  auto unicode = icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
  return unicode.toLower(icu::Locale::getRoot());
}

bool is_space(UChar32 c) { return u_isUWhiteSpace(c) || (c >= 0x1c && c <= 0x1f); }

template <class Use>
void for_each_character(const icu::UnicodeString& text, Use use) {
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) use(text.char32At(i));
}

std::string utf8(const icu::UnicodeString& text) {
  std::string bytes;
  return text.toUTF8String(bytes);
}

// Lower case; leading marks and spaces gone, every other run of them one space.  A run at the end
// stays as one space: it shows that the last word is complete.
std::string plain_form(std::string_view text) {
  icu::UnicodeString out;
  bool gap = false;
  for_each_character(lower_case(text), [&](UChar32 c) {
    if (is_space(c) || (u_ispunct(c) && c != '_' && c != '-') || c == '`' || c == '$') {
      gap = true;
      return;
    }
    if (gap && !out.isEmpty()) out.append(u' ');
    gap = false;
    out.append(c);
  });
  if (gap && !out.isEmpty()) out.append(u' ');
  return utf8(out);
}

std::string without_last_space(std::string text) {
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

LabelReader::LabelReader(std::vector<std::string> labels, std::string_view where)
    : labels_(std::move(labels)) {
  if (labels_.empty())
    throw UserError(str(where, ": labels: none given; write labels: [ham, spam]"));
  for (const auto& label : labels_) {
    auto plain = without_last_space(plain_form(label));
    if (plain.empty())
      throw UserError(str(where, ": labels: '", label, "' has no letter or digit in it"));
    if (std::find(plain_.begin(), plain_.end(), plain) != plain_.end()) {
      throw UserError(str(where, ": labels: '", label,
                          "' cannot be told from another label: upper and lower case "
                          "and punctuation make no difference"));
    }
    plain_.push_back(std::move(plain));
  }
}

std::optional<size_t> LabelReader::index_of(std::string_view label) const {
  const auto it = std::find(labels_.begin(), labels_.end(), trim(label));
  if (it == labels_.end()) return std::nullopt;
  return static_cast<size_t>(it - labels_.begin());
}

std::optional<size_t> LabelReader::read(std::string_view answer) const {
  const auto plain = plain_form(answer) + " ";
  std::optional<size_t> best;
  for (size_t i = 0; i < plain_.size(); ++i) {
    const bool begins = plain.starts_with(plain_[i] + " ");
    if (begins && (!best || plain_[i].size() > plain_[*best].size())) best = i;
  }
  return best;
}

bool LabelReader::settled(std::string_view answer) const {
  const auto plain = plain_form(answer);
  return std::none_of(plain_.begin(), plain_.end(), [&](const std::string& label) {
    return (label + " ").starts_with(plain) && plain.size() <= label.size();
  });
}

}  // namespace tunewright::eval
