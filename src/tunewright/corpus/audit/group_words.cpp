#include "tunewright/corpus/audit/group_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

// Written for this purpose: each word is either one group's or names no gender in ordinary text, so
// that words like "may", "bill", "host" or "rose" are left out.
constexpr std::array kPairs = {
    std::pair{"he", "she"}, std::pair{"himself", "herself"}, std::pair{"man", "woman"},
    std::pair{"men", "women"}, std::pair{"boy", "girl"}, std::pair{"boys", "girls"},
    std::pair{"male", "female"}, std::pair{"males", "females"}, std::pair{"father", "mother"},
    std::pair{"fathers", "mothers"}, std::pair{"dad", "mom"}, std::pair{"dads", "moms"},
    std::pair{"daddy", "mommy"}, std::pair{"papa", "mama"}, std::pair{"son", "daughter"},
    std::pair{"sons", "daughters"}, std::pair{"brother", "sister"},
    std::pair{"brothers", "sisters"}, std::pair{"uncle", "aunt"}, std::pair{"uncles", "aunts"},
    std::pair{"nephew", "niece"}, std::pair{"nephews", "nieces"},
    std::pair{"grandfather", "grandmother"}, std::pair{"grandfathers", "grandmothers"},
    std::pair{"grandpa", "grandma"}, std::pair{"grandson", "granddaughter"},
    std::pair{"grandsons", "granddaughters"}, std::pair{"stepfather", "stepmother"},
    std::pair{"stepson", "stepdaughter"}, std::pair{"godfather", "godmother"},
    std::pair{"husband", "wife"}, std::pair{"husbands", "wives"},
    std::pair{"boyfriend", "girlfriend"}, std::pair{"boyfriends", "girlfriends"},
    std::pair{"widower", "widow"}, std::pair{"widowers", "widows"}, std::pair{"groom", "bride"},
    std::pair{"bachelor", "bachelorette"}, std::pair{"gentleman", "lady"},
    std::pair{"gentlemen", "ladies"}, std::pair{"sir", "madam"}, std::pair{"mr", "mrs"},
    std::pair{"lad", "lass"}, std::pair{"lads", "lasses"}, std::pair{"guy", "gal"},
    std::pair{"guys", "gals"}, std::pair{"king", "queen"}, std::pair{"kings", "queens"},
    std::pair{"prince", "princess"}, std::pair{"princes", "princesses"},
    std::pair{"duke", "duchess"}, std::pair{"emperor", "empress"}, std::pair{"monk", "nun"},
    std::pair{"monks", "nuns"}, std::pair{"wizard", "witch"}, std::pair{"hero", "heroine"},
    std::pair{"actor", "actress"}, std::pair{"actors", "actresses"},
    std::pair{"waiter", "waitress"}, std::pair{"waiters", "waitresses"},
    std::pair{"steward", "stewardess"}, std::pair{"landlord", "landlady"},
    std::pair{"businessman", "businesswoman"}, std::pair{"businessmen", "businesswomen"},
    std::pair{"salesman", "saleswoman"}, std::pair{"policeman", "policewoman"},
    std::pair{"policemen", "policewomen"}, std::pair{"fireman", "firewoman"},
    std::pair{"chairman", "chairwoman"}, std::pair{"spokesman", "spokeswoman"},
    std::pair{"congressman", "congresswoman"}, std::pair{"sportsman", "sportswoman"},
    std::pair{"horseman", "horsewoman"}, std::pair{"fatherhood", "motherhood"},
    std::pair{"manhood", "womanhood"}, std::pair{"boyhood", "girlhood"},
    std::pair{"masculine", "feminine"}, std::pair{"paternal", "maternal"},
    // First names, the common ones of the same decades beside each other.
    std::pair{"james", "mary"}, std::pair{"john", "patricia"}, std::pair{"robert", "jennifer"},
    std::pair{"michael", "linda"}, std::pair{"william", "elizabeth"}, std::pair{"david", "barbara"},
    std::pair{"richard", "susan"}, std::pair{"joseph", "jessica"}, std::pair{"thomas", "sarah"},
    std::pair{"charles", "karen"}, std::pair{"christopher", "nancy"}, std::pair{"daniel", "lisa"},
    std::pair{"matthew", "margaret"}, std::pair{"anthony", "sandra"}, std::pair{"andrew", "ashley"},
    std::pair{"steven", "emily"}, std::pair{"paul", "donna"}, std::pair{"joshua", "michelle"},
    std::pair{"kenneth", "carol"}, std::pair{"kevin", "amanda"}, std::pair{"brian", "melissa"},
    std::pair{"george", "deborah"}, std::pair{"edward", "stephanie"},
    std::pair{"ronald", "rebecca"}, std::pair{"timothy", "laura"}, std::pair{"jason", "helen"},
    std::pair{"jeffrey", "sharon"}, std::pair{"ryan", "cynthia"}, std::pair{"jacob", "kathleen"},
    std::pair{"nicholas", "amy"}, std::pair{"eric", "angela"}, std::pair{"jonathan", "anna"},
    std::pair{"stephen", "pamela"}, std::pair{"benjamin", "nicole"}, std::pair{"samuel", "emma"},
    std::pair{"peter", "julia"}, std::pair{"alexander", "sophia"}, std::pair{"henry", "olivia"},
    std::pair{"adam", "hannah"}, std::pair{"nathan", "rachel"}, std::pair{"oliver", "charlotte"},
    std::pair{"carlos", "maria"}, std::pair{"mohammed", "fatima"}, std::pair{"ahmed", "aisha"},
    std::pair{"ivan", "olga"}};

// Behind "her", these show that it is no possessive: "saw her and left", "gave her the book".
constexpr std::array<std::string_view, 47> kNoNouns = {
    "a",    "about", "after",   "again",  "all",  "am", "an",   "and", "are",  "as",  "at",  "away",
    "back", "be",    "because", "before", "but",  "by", "down", "for", "from", "had", "has", "he",
    "i",    "if",    "in",      "into",   "is",   "it", "of",   "off", "on",   "or",  "out", "she",
    "so",   "that",  "the",     "then",   "they", "to", "up",   "was", "when", "who", "with"};

}  // namespace

GroupWords GroupWords::english_gender() {
  GroupWords words;
  words.english_ = true;
  for (const auto& [male, female] : kPairs) words.add("male", male, "female", female);
  words.add_one("male", "him", "her");
  words.add_one("male", "his", "her");
  words.add_one("female", "her", "him");
  words.add_one("female", "hers", "his");
  words.add_one("female", "ms", "mr");
  words.add_one("female", "miss", "mr");
  words.add_one("female", "mum", "dad");
  words.add_one("female", "mums", "dads");
  return words;
}

GroupWords GroupWords::read(const std::filesystem::path& path) {
  GroupWords words;
  LineReader reader(path);
  for (int64_t number = 1; const auto line = reader.next(); ++number) {
    const auto text = trim(*line);
    if (text.empty() || text.front() == '#') continue;
    std::vector<std::string> parts;  // group, word, group, word
    for (const auto& side : split(text, '=')) {
      for (const auto& part : split(side, ':')) parts.push_back(std::string(trim(part)));
    }
    const bool whole = parts.size() == 4 && word_spans(parts[1]).size() == 1 &&
                       word_spans(parts[3]).size() == 1 && !parts[0].empty() && !parts[2].empty();
    if (!whole) {
      throw UserError(str(path.string(), ": line ", number,
                          ": expected `group: word = group: word`, got ", excerpt(text)));
    }
    words.add(parts[0], word_spans(parts[1]).front().lower, parts[2],
              word_spans(parts[3]).front().lower);
  }
  if (words.entries_.empty())
    throw UserError(str(path.string(), ": holds no pair; expected `group: word = group: word`"));
  return words;
}

void GroupWords::add(const std::string& group, const std::string& word,
                     const std::string& other_group, const std::string& other) {
  add_one(group, word, other);
  add_one(other_group, other, word);
}

void GroupWords::add_one(const std::string& group, const std::string& word,
                         const std::string& counterpart) {
  auto place = std::ranges::find(groups_, group) - groups_.begin();
  if (place == std::ssize(groups_)) groups_.push_back(group);
  entries_.try_emplace(word, Entry{static_cast<size_t>(place), counterpart});
}

std::optional<size_t> GroupWords::group_of(const std::string& lower) const {
  const auto it = entries_.find(lower);
  return it == entries_.end() ? std::nullopt : std::optional(it->second.group);
}

// "her book" is "his book" and "his book" is "her book", but "saw her." is "saw him." and "is his."
// is "is hers.".
std::string GroupWords::counterpart_at(std::string_view text, const std::vector<WordSpan>& words,
                                       size_t i) const {
  const auto& word = words[i].lower;
  if (english_ && (word == "her" || word == "his")) {
    const auto end = words[i].begin + words[i].size;
    const bool before_word = i + 1 < words.size() && words[i + 1].begin == end + 1 &&
                             text[end] == ' ' &&
                             std::ranges::find(kNoNouns, words[i + 1].lower) == kNoNouns.end();
    if (word == "her") return before_word ? "his" : "him";
    return before_word ? "her" : "hers";
  }
  return entries_.at(word).counterpart;
}

std::optional<std::string> GroupWords::swapped(std::string_view text) const {
  const auto words = word_spans(text);
  std::vector<Replacement> replacements;
  for (size_t i = 0; i < words.size(); ++i) {
    if (!group_of(words[i].lower)) continue;
    const auto original = text.substr(words[i].begin, words[i].size);
    replacements.push_back(
        {words[i].begin, words[i].size, with_case_of(original, counterpart_at(text, words, i))});
  }
  if (replacements.empty()) return std::nullopt;
  return with_replacements(text, replacements);
}

}  // namespace tunewright::corpus
