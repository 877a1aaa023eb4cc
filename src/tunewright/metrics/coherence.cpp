#include "tunewright/metrics/coherence.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::metrics {
namespace {

// Words that link and point but name nothing; sorted.
constexpr std::array<std::string_view, 149> kFunctionWords = {
    "a",          "about",   "above",   "after",   "again",  "against",   "all",     "also",
    "although",   "am",      "an",      "and",     "any",    "are",       "as",      "at",
    "be",         "because", "been",    "before",  "being",  "below",     "between", "both",
    "but",        "by",      "can",     "cannot",  "could",  "did",       "do",      "does",
    "doing",      "don't",   "down",    "during",  "each",   "either",    "every",   "few",
    "for",        "from",    "further", "had",     "has",    "have",      "having",  "he",
    "her",        "here",    "hers",    "herself", "him",    "himself",   "his",     "how",
    "however",    "i",       "i'm",     "if",      "in",     "into",      "is",      "isn't",
    "it",         "it's",    "its",     "itself",  "just",   "many",      "may",     "me",
    "might",      "more",    "most",    "much",    "must",   "my",        "myself",  "neither",
    "no",         "nor",     "not",     "of",      "off",    "on",        "once",    "one",
    "only",       "or",      "other",   "our",     "ours",   "ourselves", "out",     "over",
    "own",        "same",    "shall",   "she",     "should", "since",     "so",      "some",
    "such",       "than",    "that",    "that's",  "the",    "their",     "theirs",  "them",
    "themselves", "then",    "there",   "these",   "they",   "this",      "those",   "though",
    "through",    "thus",    "to",      "too",     "under",  "until",     "up",      "upon",
    "very",       "was",     "we",      "were",    "what",   "when",      "where",   "whether",
    "which",      "while",   "who",     "whom",    "whose",  "why",       "will",    "with",
    "within",     "without", "would",   "yet",     "you"};

bool is_function_word(std::string_view word) {
  return std::ranges::binary_search(kFunctionWords, word) || word == "your" || word == "yours" ||
         word == "yourself" || word == "yourselves";
}

using Breaks = std::unique_ptr<icu::BreakIterator>;

Breaks breaks(bool of_sentences) {
  UErrorCode code = U_ZERO_ERROR;
  Breaks iterator(of_sentences
                      ? icu::BreakIterator::createSentenceInstance(icu::Locale::getRoot(), code)
                      : icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), code));
  TUNEWRIGHT_ASSERT(U_SUCCESS(code));
  return iterator;
}

// Each piece between two breaks of valid text; invalid UTF-8 counts as U+FFFD.
template <class Use>
void for_each_piece(icu::BreakIterator& iterator, std::string_view text, Use use) {
  const auto unicode =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
  iterator.setText(unicode);
  int32_t begin = iterator.first();
  for (int32_t end = iterator.next(); end != icu::BreakIterator::DONE;
       begin = end, end = iterator.next())
    use(unicode.tempSubStringBetween(begin, end));
}

bool has_letter(const icu::UnicodeString& text, bool or_digit) {
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    if (u_isalpha(text.char32At(i)) || (or_digit && u_isdigit(text.char32At(i)))) return true;
  }
  return false;
}

std::string utf8(const icu::UnicodeString& text) {
  std::string bytes;
  return text.toUTF8String(bytes);
}

// "dog's" speaks of the dog.
std::string without_possessive(std::string word) {
  for (const std::string_view ending : {"'s", "’s"}) {
    if (word.size() > ending.size() && word.ends_with(ending))
      return word.substr(0, word.size() - ending.size());
  }
  return word;
}

int64_t shared(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return std::ssize(both);
}

using Vectors = std::vector<std::vector<float>>;

void subtract_mean(Vectors& vectors) {
  if (vectors.empty()) return;
  std::vector<double> mean(vectors.front().size());
  for (const auto& vector : vectors) {
    TUNEWRIGHT_ASSERT(vector.size() == mean.size());
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += vector[i];
  }
  const auto count = static_cast<double>(vectors.size());
  for (auto& vector : vectors) {
    for (size_t i = 0; i < mean.size(); ++i) vector[i] -= static_cast<float>(mean[i] / count);
  }
}

// None where one of them has no direction.
std::optional<double> cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  const double size = std::sqrt(square_a) * std::sqrt(square_b);
  if (!(size > 0) || !std::isfinite(size)) return std::nullopt;
  return std::clamp(dot / size, -1.0, 1.0);
}

std::optional<double> neighbour_similarity(std::span<const std::vector<float>> vectors) {
  double sum = 0;
  int64_t pairs = 0;
  for (size_t i = 1; i < vectors.size(); ++i) {
    const auto similar = cosine(vectors[i - 1], vectors[i]);
    if (!similar) continue;
    sum += *similar;
    ++pairs;
  }
  return pairs > 0 ? std::optional(sum / static_cast<double>(pairs)) : std::nullopt;
}

Coherence coherence_of_words(std::span<const std::string> text_sentences) {
  Coherence found{.sentences = std::ssize(text_sentences)};
  if (found.sentences < 2) return found;
  std::vector<std::vector<std::string>> words;
  for (const auto& sentence : text_sentences) words.push_back(content_words(sentence));
  found.transitions = entity_transitions(words);
  int64_t linked = 0;
  for (size_t i = 1; i < words.size(); ++i) linked += shared(words[i - 1], words[i]) > 0;
  found.linked = static_cast<double>(linked) / static_cast<double>(words.size() - 1);
  const auto& [kept, dropped, introduced, absent] = found.transitions;
  if (kept + dropped > 0)
    found.continuity = static_cast<double>(kept) / static_cast<double>(kept + dropped);
  return found;
}

using Share = std::optional<double> Coherence::*;

// Of each prediction: its value, and whether it has one.
RowStatistics statistics_of(std::span<const PredictionRow> rows, Share share) {
  std::vector<std::optional<double>> shares;
  for (const auto& row : rows) shares.push_back(coherence_of_words(sentences(row.text())).*share);
  return mean_of_rows(shares);
}

Score score_of(std::span<const PredictionRow> rows, Share share, const char* metric) {
  const auto statistics = statistics_of(rows, share);
  const auto sums = statistics.sums();
  const auto scored = static_cast<int64_t>(sums[1]);
  if (scored == 0)
    throw UserError(str(
        metric, ": is not defined, as no prediction has two sentences that speak of something"));
  return {.score = statistics.score(sums),
          .signature = "sentences:uax29|words:content_english|mean:rows",
          .details = {{"rows", scored}, {"too_short", std::ssize(rows) - scored}}};
}

}  // namespace

Score score_linked(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, &Coherence::linked, "coherence_linked");
}

Score score_continuity(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, &Coherence::continuity, "coherence_continuity");
}

RowStatistics linked_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return statistics_of(rows, &Coherence::linked);
}

RowStatistics continuity_statistics(std::span<const PredictionRow> rows,
                                    const MetricOptions& options) {
  return statistics_of(rows, &Coherence::continuity);
}

std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> found;
  const auto iterator = breaks(/*of_sentences=*/true);
  for_each_piece(*iterator, text, [&](const icu::UnicodeString& piece) {
    if (has_letter(piece, /*or_digit=*/true)) found.emplace_back(trim(utf8(piece)));
  });
  return found;
}

std::vector<std::string> content_words(std::string_view sentence) {
  std::set<std::string> words;
  const auto iterator = breaks(/*of_sentences=*/false);
  for_each_piece(*iterator, sentence, [&](icu::UnicodeString piece) {
    if (!has_letter(piece, /*or_digit=*/false)) return;
    auto word = utf8(piece.toLower(icu::Locale::getRoot()));
    word = replace_all(std::move(word), "’", "'");
    if (is_function_word(word)) return;
    word = without_possessive(std::move(word));
    if (!is_function_word(word)) words.insert(std::move(word));
  });
  return {words.begin(), words.end()};
}

EntityTransitions entity_transitions(std::span<const std::vector<std::string>> words_by_sentence) {
  std::set<std::string> entities;
  for (const auto& words : words_by_sentence) entities.insert(words.begin(), words.end());
  EntityTransitions counts;
  for (size_t i = 1; i < words_by_sentence.size(); ++i) {
    const auto& first = words_by_sentence[i - 1];
    const auto& second = words_by_sentence[i];
    const auto both = shared(first, second);
    counts.kept += both;
    counts.dropped += std::ssize(first) - both;
    counts.introduced += std::ssize(second) - both;
    counts.absent += std::ssize(entities) - std::ssize(first) - std::ssize(second) + both;
  }
  return counts;
}

std::vector<Coherence> coherence(std::span<const std::string> texts, const Embedder& embed) {
  std::vector<Coherence> found;
  std::vector<std::string> all;
  std::vector<size_t> begins = {0};
  for (const auto& text : texts) {
    const auto cut = sentences(text);
    found.push_back(coherence_of_words(cut));
    all.insert(all.end(), cut.begin(), cut.end());
    begins.push_back(all.size());
  }
  if (!embed || all.empty()) return found;
  auto vectors = embed(all);
  TUNEWRIGHT_ASSERT(vectors.size() == all.size());
  subtract_mean(vectors);
  for (size_t i = 0; i < texts.size(); ++i) {
    found[i].similarity =
        neighbour_similarity(std::span(vectors).subspan(begins[i], begins[i + 1] - begins[i]));
  }
  return found;
}

}  // namespace tunewright::metrics
