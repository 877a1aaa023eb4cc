#include "tunewright/metrics/porter_stemmer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

// Forms that the rules get wrong.
constexpr std::array kIrregular = {
    std::pair{"sky", "sky"},          std::pair{"skies", "sky"},
    std::pair{"dying", "die"},        std::pair{"lying", "lie"},
    std::pair{"tying", "tie"},        std::pair{"news", "news"},
    std::pair{"innings", "inning"},   std::pair{"inning", "inning"},
    std::pair{"outings", "outing"},   std::pair{"outing", "outing"},
    std::pair{"cannings", "canning"}, std::pair{"canning", "canning"},
    std::pair{"howe", "howe"},        std::pair{"proceed", "proceed"},
    std::pair{"exceed", "exceed"},    std::pair{"succeed", "succeed"}};

bool is_plain_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

// A y is a consonant at the beginning and after a vowel.
std::vector<bool> consonants(std::string_view word) {
  std::vector<bool> flags(word.size());
  for (size_t i = 0; i < word.size(); ++i)
    flags[i] = word[i] == 'y' ? i == 0 || !flags[i - 1] : !is_plain_vowel(word[i]);
  return flags;
}

bool is_consonant_at_end(std::string_view word) { return consonants(word).back(); }

// How often a vowel is followed by a consonant: the m of Porter's paper.
int64_t measure(std::string_view stem) {
  const auto flags = consonants(stem);
  int64_t count = 0;
  for (size_t i = 1; i < flags.size(); ++i) count += !flags[i - 1] && flags[i];
  return count;
}

bool has_vowel(std::string_view stem) {
  const auto flags = consonants(stem);
  return std::find(flags.begin(), flags.end(), false) != flags.end();
}

bool ends_with_double_consonant(std::string_view word) {
  const auto size = word.size();
  return size >= 2 && word[size - 1] == word[size - 2] && is_consonant_at_end(word);
}

// *o of the paper; NLTK adds words of a vowel and a consonant.
bool ends_consonant_vowel_consonant(std::string_view word) {
  const auto flags = consonants(word);
  const auto size = word.size();
  if (size == 2) return !flags[0] && flags[1];
  return size >= 3 && flags[size - 3] && !flags[size - 2] && flags[size - 1] &&
         word.back() != 'w' && word.back() != 'x' && word.back() != 'y';
}

std::string_view without(std::string_view word, size_t letters) {
  return word.substr(0, word.size() - letters);
}

std::string replaced(std::string_view word, std::string_view suffix, std::string_view by) {
  return std::string(without(word, suffix.size())).append(by);
}

struct Rule {
  std::string_view suffix, by;
};

// The first rule whose suffix is there decides, whether its stem is long enough or not.
std::string apply(std::string word, std::span<const Rule> rules, int64_t least_measure) {
  for (const auto& [suffix, by] : rules) {
    if (!word.ends_with(suffix)) continue;
    const bool long_enough = measure(without(word, suffix.size())) >= least_measure;
    return long_enough ? replaced(word, suffix, by) : word;
  }
  return word;
}

std::string step_1a(std::string word) {
  if (word.ends_with("ies")) return replaced(word, "ies", word.size() == 4 ? "ie" : "i");
  if (word.ends_with("sses")) return replaced(word, "sses", "ss");
  if (word.ends_with("ss") || !word.ends_with('s')) return word;
  return replaced(word, "s", "");
}

// After -ed or -ing is gone.
std::string mended(std::string stem) {
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return stem + "e";
  if (ends_with_double_consonant(stem)) {
    const char last = stem.back();
    if (last != 'l' && last != 's' && last != 'z') stem.pop_back();
    return stem;
  }
  return measure(stem) == 1 && ends_consonant_vowel_consonant(stem) ? stem + "e" : stem;
}

std::string step_1b(std::string word) {
  if (word.ends_with("ied")) return replaced(word, "ied", word.size() == 4 ? "ie" : "i");
  if (word.ends_with("eed"))
    return measure(without(word, 3)) > 0 ? replaced(word, "eed", "ee") : word;
  for (const std::string_view suffix : {"ed", "ing"}) {
    if (word.ends_with(suffix) && has_vowel(without(word, suffix.size())))
      return mended(replaced(word, suffix, ""));
  }
  return word;
}

std::string step_1c(std::string word) {
  const bool changes =
      word.size() > 2 && word.back() == 'y' && is_consonant_at_end(without(word, 1));
  return changes ? replaced(word, "y", "i") : word;
}

std::string step_2(std::string word) {
  static constexpr std::array kRules = {
      Rule{"ational", "ate"}, Rule{"tional", "tion"}, Rule{"enci", "ence"},
      Rule{"anci", "ance"},   Rule{"izer", "ize"},    Rule{"bli", "ble"},
      Rule{"alli", "al"},     Rule{"entli", "ent"},   Rule{"eli", "e"},
      Rule{"ousli", "ous"},   Rule{"ization", "ize"}, Rule{"ation", "ate"},
      Rule{"ator", "ate"},    Rule{"alism", "al"},    Rule{"iveness", "ive"},
      Rule{"fulness", "ful"}, Rule{"ousness", "ous"}, Rule{"aliti", "al"},
      Rule{"iviti", "ive"},   Rule{"biliti", "ble"},  Rule{"fulli", "ful"}};
  while (word.ends_with("alli") && measure(without(word, 4)) > 0)
    word = replaced(word, "alli", "al");
  if (word.ends_with("logi"))  // the l counts as the stem's, for geo- and theo-
    return measure(without(word, 3)) > 0 ? replaced(word, "logi", "log") : word;
  return apply(std::move(word), kRules, 1);
}

std::string step_3(std::string word) {
  static constexpr std::array kRules = {
      Rule{"icate", "ic"}, Rule{"ative", ""}, Rule{"alize", "al"}, Rule{"iciti", "ic"},
      Rule{"ical", "ic"},  Rule{"ful", ""},   Rule{"ness", ""}};
  return apply(std::move(word), kRules, 1);
}

std::string step_4(std::string word) {
  static constexpr std::array kRules = {
      Rule{"al", ""},   Rule{"ance", ""}, Rule{"ence", ""}, Rule{"er", ""},    Rule{"ic", ""},
      Rule{"able", ""}, Rule{"ible", ""}, Rule{"ant", ""},  Rule{"ement", ""}, Rule{"ment", ""},
      Rule{"ent", ""},  Rule{"ou", ""},   Rule{"ism", ""},  Rule{"ate", ""},   Rule{"iti", ""},
      Rule{"ous", ""},  Rule{"ive", ""},  Rule{"ize", ""}};
  if (!word.ends_with("ion")) return apply(std::move(word), kRules, 2);
  const auto stem = without(word, 3);
  const bool goes = measure(stem) > 1 && (stem.back() == 's' || stem.back() == 't');
  return goes ? std::string(stem) : word;
}

std::string step_5(std::string word) {
  if (word.ends_with('e')) {
    const auto stem = without(word, 1);
    const auto m = measure(stem);
    if (m > 1 || (m == 1 && !ends_consonant_vowel_consonant(stem))) word.pop_back();
  }
  if (word.ends_with("ll") && measure(without(word, 1)) > 1) word.pop_back();
  return word;
}

// One byte a letter.
std::string stem_of_letters(std::string word) {
  for (const auto& [form, stem] : kIrregular) {
    if (word == form) return stem;
  }
  if (word.size() <= 2) return word;
  return step_5(step_4(step_3(step_2(step_1c(step_1b(step_1a(std::move(word))))))));
}

// Letters beyond ASCII go through as bytes of their own.  They are never changed, only cut off at
// the end: each is still where it was.
std::string stem_of_points(std::string_view word) {
  const auto points = text::python::decode(word);
  std::u32string known;
  std::string letters;
  for (const auto point : points) {
    if (point < 0x80) {
      letters += static_cast<char>(point);
      continue;
    }
    if (known.find(point) == std::u32string::npos) known += point;
    letters += static_cast<char>(0x80 | (known.find(point) & 0x7f));
  }
  const auto stem = stem_of_letters(std::move(letters));
  std::string out;
  for (size_t i = 0; i < stem.size(); ++i)
    text::python::append(out, (stem[i] & 0x80) != 0 ? points[i] : static_cast<char32_t>(stem[i]));
  return out;
}

}  // namespace

std::string porter_stem(std::string word) {
  return text::python::is_ascii(word) ? stem_of_letters(std::move(word)) : stem_of_points(word);
}

}  // namespace tunewright::metrics
