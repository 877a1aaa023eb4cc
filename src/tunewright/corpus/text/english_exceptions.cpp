#include "tunewright/corpus/text/english_exceptions.h"

#include <algorithm>

#include "tunewright/base/str.h"
#include "tunewright/corpus/text/english_words.h"

namespace tunewright::corpus {
namespace {

using Strings = std::vector<std::string>;

// Words that would be exceptions by the rules below, but are words of their own.
constexpr std::string_view kOrdinary[] = {"Ill",   "ill",   "Its",   "its",  "Hell", "hell",
                                          "Shell", "shell", "Shed",  "shed", "were", "Were",
                                          "Well",  "well",  "Whore", "whore"};

// Kept whole, separated by spaces.
constexpr const char* kWhole[] = {
    // Emoticons.
    R"(:) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;))",
    R"(;-) (; (-; :( :-( :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-|)",
    R"(]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :() >:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x)",
    R"(:D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v V.V)",
    R"(v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^))",
    R"((-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*>)",
    R"(' \") <space> '' C++ \t \n — ä. ö. ü.)",
    R"(a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z.)",
    // Clipped words.
    "em 'em ll 'll nuff 'nuff 'S 's ‘S ‘s and/or w/o 're 'Cause 'cause 'cos 'Cos 'coz 'Coz 'cuz",
    "'Cuz 'bout ma'am Ma'am o'clock O'clock lovin' Lovin' lovin Lovin havin' Havin' havin Havin 'd",
    "doin doin' Doin Doin' goin goin' Goin Goin' nothin nothin' Nothin Nothin' nuthin nuthin'",
    "Nuthin Nuthin' ol ol' Ol Ol' somethin somethin' Somethin Somethin'",
    // Abbreviations.
    "Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. "
    "Ind.",
    "Jan. Jul. Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y.",
    "Neb. Nebr. Nev. Nov. Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn. Va. Wash. Wis. a.m. Adm. Bros.",
    "co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mo.",
    "Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s."};

// Cut at the bars.
constexpr const char* kCut[] = {
    "y'|all y|all how|'d|'y How|'d|'y not|'ve not|ve Not|'ve Not|ve can|not Can|not gon|na Gon|na",
    "got|ta Got|ta let|'s Let|'s c'm|on C'm|on °|c|. °|f|. °|k|. °|C|. °|F|. °|K|."};

// Each stem with each ending, in lower case and capitalised; an ending's pieces are cut at bars.
struct Family {
  const char* stems;
  const char* endings;
};
constexpr Family kFamilies[] = {
    {"i", "'m m 'm|a m|a"},
    {"i you he she it we they who what when where why how there that this these those",
     "'ll ll 'll|'ve ll|ve 'd d 'd|'ve d|ve"},
    {"i you we they who what when where why how there this these those", "'ve ve"},
    {"you we they who what when where why how there this these those", "'re re"},
    {"he she it who what when where why how there that this", "'s s"},
    {"ca could do does did had may might must need ought sha should wo would",
     "n't nt n't|'ve nt|ve"},
    {"could might must should would", "'ve ve"},
    {"ai are is was were have has dare", "n't nt"},
};

std::string capitalised(std::string word) {
  if (word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

bool is_ordinary(std::string_view word) {
  return std::find(std::begin(kOrdinary), std::end(kOrdinary), word) != std::end(kOrdinary);
}

}  // namespace

const EnglishExceptions& EnglishExceptions::get() {
  static const EnglishExceptions exceptions;
  return exceptions;
}

EnglishExceptions::EnglishExceptions() {
  for (const auto& [stems, endings] : kFamilies) {
    for (const auto& stem : split(stems, ' ')) {
      for (const auto& ending : split(endings, ' ')) {
        add(str(stem, "|", ending));
        add(str(capitalised(stem), "|", ending));
      }
    }
  }
  for (int hour = 1; hour <= 12; ++hour)
    for (const auto* period : {"a.m.", "am", "p.m.", "pm"}) add(str(hour, "|", period));
  for (const auto* line : kCut)
    for (const auto& word : split(line, ' ')) add(word);
  for (const auto* line : kWhole)
    for (const auto& word : split(line, ' ')) add(word, '\0');
  for (const auto* space : {" ", "\t", "\n", "\u00a0"}) add(space, '\0');
  find_sequences();
}

void EnglishExceptions::add(std::string_view pieces, char separator) {
  const auto parts = separator == '\0' ? Strings{std::string(pieces)} : split(pieces, separator);
  const auto word = join(parts, "");
  if (is_ordinary(word)) return;
  // With typographic apostrophes too.
  const auto curled = [](std::string text) { return replace_all(std::move(text), "'", "’"); };
  for (const bool curl : {false, true}) {
    std::vector<uint8_t> sizes;
    for (const auto& part : parts)
      sizes.push_back(static_cast<uint8_t>(curl ? curled(part).size() : part.size()));
    auto key = curl ? curled(word) : word;
    longest_ = std::max(longest_, key.size());
    pieces_[std::move(key)] = std::move(sizes);
  }
}

std::span<const uint8_t> EnglishExceptions::pieces(std::string_view word) const {
  if (word.size() > longest_) return {};
  const auto it = pieces_.find(word);
  return it == pieces_.end() ? std::span<const uint8_t>{} : std::span(it->second);
}

void EnglishExceptions::find_sequences() {
  EnglishWords words;
  for (const auto& [word, sizes] : pieces_) {
    words.cut(word, /*with_exceptions=*/false);
    std::vector<std::string> tokens;
    for (const auto& token : words.tokens_) tokens.emplace_back(token.text);
    if (tokens.size() > 1) sequences_[tokens.front()].push_back(std::move(tokens));
  }
}

const EnglishExceptions::Sequences* EnglishExceptions::sequences_from(
    std::string_view token) const {
  const auto it = sequences_.find(token);
  return it == sequences_.end() ? nullptr : &it->second;
}

}  // namespace tunewright::corpus
