#include "tunewright/corpus/augment/edits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "tunewright/corpus/word_spans.h"

namespace tunewright::corpus {
namespace {

// Keys that touch each other, by letter.
constexpr std::array<std::string_view, 26> kNeighbours = {
    "qwsz",   "vghn",  "xdfv", "serfcx", "wsdr", "drtgvc", "ftyhbv", "gyujnb", "ujko",
    "huikmn", "jiolm", "kop",  "njk",    "bhjm", "iklp",   "ol",     "wa",     "edft",
    "awedxz", "rfgy",  "yhji", "cfgb",   "qase", "zsdc",   "tghu",   "asx"};

// What a synonym would only spoil, of three letters and more.
constexpr std::array<std::string_view, 146> kFunctionWords = {
    "about",    "after",   "against", "all",     "also",    "and",       "another",    "any",
    "anything", "are",     "around",  "away",    "because", "been",      "before",     "being",
    "below",    "between", "both",    "but",     "can",     "could",     "did",        "does",
    "down",     "during",  "each",    "even",    "ever",    "every",     "everything", "few",
    "for",      "from",    "further", "get",     "got",     "had",       "has",        "have",
    "having",   "her",     "here",    "herself", "him",     "himself",   "his",        "how",
    "into",     "its",     "itself",  "just",    "let",     "like",      "many",       "may",
    "might",    "more",    "most",    "much",    "must",    "myself",    "neither",    "never",
    "nobody",   "none",    "nor",     "not",     "nothing", "now",       "off",        "often",
    "once",     "one",     "only",    "other",   "our",     "ourselves", "out",        "over",
    "own",      "per",     "quite",   "rather",  "said",    "same",      "say",        "says",
    "shall",    "she",     "should",  "since",   "some",    "someone",   "something",  "still",
    "such",     "than",    "that",    "the",     "their",   "theirs",    "them",       "themselves",
    "then",     "there",   "these",   "they",    "this",    "those",     "though",     "through",
    "thus",     "too",     "two",     "under",   "until",   "upon",      "use",        "used",
    "using",    "very",    "via",     "was",     "well",    "were",      "what",       "when",
    "where",    "whether", "which",   "while",   "who",     "whom",      "whose",      "why",
    "will",     "with",    "within",  "without", "would",   "yet",       "you",        "your",
    "yours",    "yourself"};

size_t times(double rate, size_t words) {
  return std::max<size_t>(1, static_cast<size_t>(std::lround(rate * static_cast<double>(words))));
}

bool is_lower_ascii(std::string_view word) {
  return std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

std::string_view of(std::string_view text, const WordSpan& word) {
  return text.substr(word.begin, word.size);
}

// Up to `count` of the items, in their order.
template <class T>
std::vector<T> some_of(std::vector<T> items, size_t count, Random& random) {
  std::vector<size_t> places(items.size());
  std::iota(places.begin(), places.end(), 0);
  shuffle(places, random);
  places.resize(std::min(count, places.size()));
  std::ranges::sort(places);
  std::vector<T> chosen;
  for (const auto place : places) chosen.push_back(std::move(items[place]));
  return chosen;
}

// The word with one slip; ASCII letters, four and more.
std::string with_slip(std::string word, Random& random) {
  const auto at = 1 + random.below(word.size() - 1);
  const bool upper = word[at] >= 'A' && word[at] <= 'Z';
  const auto neighbours = kNeighbours[static_cast<size_t>((word[at] | 0x20) - 'a')];
  switch (random.below(4)) {
    case 0: {
      const char neighbour = neighbours[random.below(neighbours.size())];
      word[at] = upper ? static_cast<char>(neighbour - 'a' + 'A') : neighbour;
      break;
    }
    case 1:
      std::swap(word[at], word[at + 1 < word.size() ? at + 1 : at - 1]);
      break;
    case 2:
      word.erase(at, 1);
      break;
    default:
      word.insert(at, 1, word[at]);
  }
  return word;
}

std::optional<std::string> if_different(std::string_view text, std::string result) {
  return result == text ? std::nullopt : std::optional(std::move(result));
}

}  // namespace

std::optional<std::string> swap_words(std::string_view text, double rate, Random& random) {
  const auto spans = word_spans(text);
  if (spans.size() < 2) return std::nullopt;
  std::vector<std::string_view> words;
  for (const auto& span : spans) words.push_back(of(text, span));
  for (size_t i = times(rate, words.size()); i > 0; --i) {
    const auto a = random.below(words.size());
    const auto b = (a + 1 + random.below(words.size() - 1)) % words.size();
    std::swap(words[a], words[b]);
  }
  std::vector<Replacement> replacements;
  for (size_t i = 0; i < spans.size(); ++i)
    replacements.push_back({spans[i].begin, spans[i].size, std::string(words[i])});
  return if_different(text, with_replacements(text, replacements));
}

std::optional<std::string> delete_words(std::string_view text, double rate, Random& random) {
  const auto spans = word_spans(text);
  if (spans.size() < 2) return std::nullopt;
  std::vector<size_t> gone;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (random.uniform() < rate) gone.push_back(i);
  }
  if (gone.empty()) gone.push_back(random.below(spans.size()));
  if (gone.size() == spans.size()) gone.erase(gone.begin() + random.below(gone.size()));
  std::vector<Replacement> replacements;
  for (const auto i : gone) {
    auto begin = spans[i].begin;
    if (begin > 0 && text[begin - 1] == ' ') --begin;
    replacements.push_back({begin, spans[i].begin + spans[i].size - begin, ""});
  }
  return if_different(text, with_replacements(text, replacements));
}

std::optional<std::string> replace_by_synonyms(std::string_view text, double rate,
                                               const WordNet& wordnet, Random& random) {
  const auto spans = word_spans(text);
  std::vector<Replacement> possible;
  for (const auto& span : spans) {
    if (span.lower.size() < 3 || std::ranges::binary_search(kFunctionWords, span.lower)) continue;
    const auto synonyms = wordnet.synonyms(span.lower);
    if (synonyms.empty()) continue;
    possible.push_back({span.begin, span.size,
                        with_case_of(of(text, span), synonyms[random.below(synonyms.size())])});
  }
  if (possible.empty()) return std::nullopt;
  return if_different(
      text, with_replacements(text, some_of(possible, times(rate, spans.size()), random)));
}

std::optional<std::string> add_typos(std::string_view text, double rate, Random& random) {
  const auto spans = word_spans(text);
  std::vector<WordSpan> possible;
  for (const auto& span : spans) {
    if (span.size >= 4 && is_lower_ascii(span.lower) && span.lower.size() == span.size)
      possible.push_back(span);
  }
  if (possible.empty()) return std::nullopt;
  std::vector<Replacement> replacements;
  for (const auto& span : some_of(possible, times(rate, spans.size()), random))
    replacements.push_back({span.begin, span.size, with_slip(std::string(of(text, span)), random)});
  return if_different(text, with_replacements(text, replacements));
}

}  // namespace tunewright::corpus
