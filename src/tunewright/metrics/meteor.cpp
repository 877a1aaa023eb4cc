#include "tunewright/metrics/meteor.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>

#include "tunewright/base/error.h"
#include "tunewright/metrics/bleu.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/porter_stemmer.h"
#include "tunewright/metrics/wordnet.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

constexpr const char* kDebianWordNet = "/usr/share/wordnet";

void check(const MeteorOptions& options) {
  const bool fits = options.alpha > 0 && options.alpha < 1 && options.beta >= 0 &&
                    options.gamma >= 0 && options.gamma <= 1;
  if (!fits) {
    throw UserError(
        str("meteor: expected alpha between 0 and 1, beta of 0 or more, gamma from 0 to "
            "1; got ",
            options.alpha, ", ", options.beta, ", ", options.gamma));
  }
}

std::unique_ptr<const WordNet> open_wordnet(const MeteorOptions& options) {
  if (options.wordnet && options.wordnet->empty()) return nullptr;
  if (!options.wordnet && !fs::exists(fs::path(kDebianWordNet) / "index.noun")) return nullptr;
  return std::make_unique<const WordNet>(options.wordnet.value_or(kDebianWordNet));
}

// A word that has no counterpart yet.
struct Open {
  size_t place = 0;
  std::string word;
};

// Which word of the reference each word of the text has for its counterpart.
class Aligner {
 public:
  explicit Aligner(const MeteorOptions& options) : wordnet_(open_wordnet(options)) {}

  bool knows_synonyms() const { return wordnet_ != nullptr; }

  std::vector<std::optional<size_t>> align(std::vector<Open> own, std::vector<Open> wanted) {
    std::vector<std::optional<size_t>> counterparts(own.size());
    const auto itself = [](const std::string& word, auto use) { use(word); };
    match(own, wanted, counterparts, itself);
    for (auto* side : {&own, &wanted}) {
      for (auto& open : *side) open.word = stem(open.word);
    }
    match(own, wanted, counterparts, itself);
    // As in NLTK, synonyms are looked up for the stems.
    if (wordnet_) {
      match(own, wanted, counterparts, [&](const std::string& word, auto use) {
        use(word);
        for (const auto& synonym : synonyms(word)) use(synonym);
      });
    }
    return counterparts;
  }

 private:
  // From the last word to the first, each takes the last open word that is one of its `forms`.
  template <class Forms>
  static void match(std::vector<Open>& own, std::vector<Open>& wanted,
                    std::vector<std::optional<size_t>>& counterparts, Forms forms) {
    std::unordered_map<std::string_view, std::vector<size_t>> places;
    for (size_t j = 0; j < wanted.size(); ++j) places[wanted[j].word].push_back(j);
    std::vector<bool> taken(wanted.size());
    for (size_t i = own.size(); i-- > 0;) {
      std::vector<size_t>* best = nullptr;
      forms(own[i].word, [&](const std::string& form) {
        const auto it = places.find(form);
        if (it == places.end() || it->second.empty()) return;
        if (best == nullptr || it->second.back() > best->back()) best = &it->second;
      });
      if (best == nullptr) continue;
      counterparts[own[i].place] = wanted[best->back()].place;
      taken[best->back()] = true;
      best->pop_back();
    }
    std::erase_if(own, [&](const Open& open) { return counterparts[open.place].has_value(); });
    size_t j = 0;
    std::erase_if(wanted, [&](const Open&) { return taken[j++]; });
  }

  const std::string& stem(const std::string& word) {
    const auto [it, is_new] = stems_.try_emplace(word);
    if (is_new) it->second = porter_stem(word);
    return it->second;
  }
  const std::set<std::string>& synonyms(const std::string& word) {
    const auto [it, is_new] = synonyms_.try_emplace(word);
    if (is_new) it->second = wordnet_->synonyms(word);
    return it->second;
  }

  std::unique_ptr<const WordNet> wordnet_;
  std::unordered_map<std::string, std::string> stems_;
  std::unordered_map<std::string, std::set<std::string>> synonyms_;
};

std::vector<Open> words_of(std::string_view text, const MeteorOptions& options) {
  std::vector<Open> words;
  const auto gapped = with_word_gaps(options.tokenize, python::strip(text, python::Side::Right));
  for (const auto word : split_words(gapped)) words.push_back({words.size(), python::lower(word)});
  return words;
}

double score_alignment(const std::vector<std::optional<size_t>>& counterparts, size_t wanted,
                       const MeteorOptions& options) {
  double matches = 0, chunks = 0;
  std::optional<size_t> before;  // counterpart of the word just before
  for (const auto& counterpart : counterparts) {
    if (counterpart) {
      matches += 1;
      chunks += !before || *counterpart != *before + 1;
    }
    before = counterpart;
  }
  if (matches == 0) return 0;
  const double precision = matches / static_cast<double>(counterparts.size());
  const double recall = matches / static_cast<double>(wanted);
  const double mean =
      precision * recall / (options.alpha * precision + (1 - options.alpha) * recall);
  return (1 - options.gamma * std::pow(chunks / matches, options.beta)) * mean;
}

RowStatistics statistics_of(std::span<const PredictionRow> rows, const MeteorOptions& options,
                            Aligner& aligner) {
  std::vector<std::optional<double>> figures;
  for (const auto& row : rows) {
    const auto own = words_of(row.text(), options);
    double best = 0;
    for (const auto& reference : row.references) {
      auto wanted = words_of(reference, options);
      const auto size = wanted.size();
      best = std::max(best, score_alignment(aligner.align(own, std::move(wanted)), size, options));
    }
    figures.emplace_back(best);
  }
  return mean_of_rows(figures);
}

}  // namespace

RowStatistics meteor_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  check(options.meteor);
  Aligner aligner(options.meteor);
  return statistics_of(rows, options.meteor, aligner);
}

Score score_meteor(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto& meteor = options.meteor;
  check(meteor);
  Aligner aligner(meteor);
  const auto statistics = statistics_of(rows, meteor, aligner);
  return {.score = statistics.score(statistics.sums()),
          .signature = str("nrefs:", reference_count(rows), "|refs:best|tok:",
                           name_of(meteor.tokenize), "|case:lc|stages:exact,stem",
                           aligner.knows_synonyms() ? ",wordnet" : "", "|alpha:", meteor.alpha,
                           "|beta:", meteor.beta, "|gamma:", meteor.gamma, "|version:nltk-3.10")};
}

}  // namespace tunewright::metrics
