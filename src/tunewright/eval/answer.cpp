#include "tunewright/eval/answer.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

icu::UnicodeString lower_case(std::string_view text) {
  auto unicode = icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
  return unicode.toLower(icu::Locale::getRoot());
}

bool is_ascii_punctuation(UChar32 c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// What Python's \w takes, the reference's regular expression being Python's.
bool is_word(UChar32 c) {
  return c == '_' || (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0 ||
         u_getNumericValue(c) != U_NO_NUMERIC_VALUE;
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

bool is_article(const icu::UnicodeString& word) {
  return word == u"a" || word == u"an" || word == u"the";
}

// Each whole word that is an article becomes a space.
icu::UnicodeString without_articles(const icu::UnicodeString& text) {
  icu::UnicodeString out, word;
  const auto end_word = [&] {
    if (is_article(word)) {
      out.append(u' ');
    } else {
      out.append(word);
    }
    word.remove();
  };
  for_each_character(text, [&](UChar32 c) {
    if (is_word(c)) {
      word.append(c);
    } else {
      end_word();
      out.append(c);
    }
  });
  end_word();
  return out;
}

std::vector<std::string> words_of(const icu::UnicodeString& text) {
  std::vector<std::string> words;
  icu::UnicodeString word;
  const auto end_word = [&] {
    if (!word.isEmpty()) words.push_back(utf8(word));
    word.remove();
  };
  for_each_character(text, [&](UChar32 c) {
    if (is_space(c)) {
      end_word();
    } else {
      word.append(c);
    }
  });
  end_word();
  return words;
}

std::vector<std::string> normalised_words(std::string_view text) {
  icu::UnicodeString kept;
  for_each_character(lower_case(text), [&](UChar32 c) {
    if (!is_ascii_punctuation(c)) kept.append(c);
  });
  return words_of(without_articles(kept));
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

std::string normalise_answer(std::string_view text) { return join(normalised_words(text), " "); }

bool exact_match(std::string_view answer, std::string_view reference) {
  return normalise_answer(answer) == normalise_answer(reference);
}

bool exact_match_raw(std::string_view answer, std::string_view reference) {
  return trim(answer) == trim(reference);
}

double token_f1(std::string_view answer, std::string_view reference) {
  const auto given = normalised_words(answer), wanted = normalised_words(reference);
  if (given.empty() || wanted.empty()) return given.empty() && wanted.empty() ? 1.0 : 0.0;
  std::map<std::string, int64_t> left;
  for (const auto& word : wanted) ++left[word];
  int64_t common = 0;
  for (const auto& word : given) common += left[word]-- > 0;
  return 2.0 * static_cast<double>(common) / static_cast<double>(given.size() + wanted.size());
}

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
