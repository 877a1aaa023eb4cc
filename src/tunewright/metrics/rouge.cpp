#include "tunewright/metrics/rouge.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "tunewright/base/error.h"
#include "tunewright/metrics/bleu.h"
#include "tunewright/metrics/ngrams.h"
#include "tunewright/metrics/options.h"
#include "tunewright/metrics/porter_stemmer.h"
#include "tunewright/metrics/subsequence.h"

namespace tunewright::metrics {
namespace {

using Words = std::vector<uint32_t>;

struct Overlap {
  double precision = 0, recall = 0, f1 = 0;
};

Overlap overlap(int64_t shared, size_t own, size_t wanted) {
  Overlap result{.precision = static_cast<double>(shared) / static_cast<double>(own),
                 .recall = static_cast<double>(shared) / static_cast<double>(wanted)};
  if (result.precision + result.recall > 0)
    result.f1 = 2 * result.precision * result.recall / (result.precision + result.recall);
  return result;
}

// Cuts texts into words as rouge-score does, and numbers them (by their stems).
class RougeWords {
 public:
  explicit RougeWords(bool use_stemmer) : use_stemmer_(use_stemmer) {}

  Words of(std::string_view text) {
    Words words;
    std::string word;
    const auto end_word = [&] {
      if (!word.empty()) words.push_back(number(word));
      word.clear();
    };
    for (size_t i = 0; i < text.size(); ++i) {
      const auto letter = lower_letter(text, i);
      if (letter != 0) {
        word += letter;
      } else {
        end_word();
      }
    }
    end_word();
    return words;
  }

 private:
  // 0: no part of a word.  Two characters beyond ASCII have a lower case in it: the Kelvin sign,
  // and the dotted I, whose dot then ends the word.
  static char lower_letter(std::string_view text, size_t& at) {
    const char c = text[at];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return c;
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    const auto rest = text.substr(at);
    if (rest.starts_with("\u212a")) {
      at += 2;
      return 'k';
    }
    return rest.starts_with("\u0130") ? 'i' : '\0';  // the next byte is no letter
  }

  uint32_t number(const std::string& word) {
    const auto known = numbers_.find(word);
    if (known != numbers_.end()) return known->second;
    const auto stem = use_stemmer_ && word.size() > 3 ? porter_stem(word) : word;
    const auto of_stem = static_cast<uint32_t>(stems_.size());
    const auto value = stems_.try_emplace(stem, of_stem).first->second;
    numbers_.emplace(word, value);
    return value;
  }

  bool use_stemmer_;
  std::unordered_map<std::string, uint32_t> numbers_, stems_;
};

// Compares a text with a reference; made once a metric, called for every pair.
class Comparison {
 public:
  explicit Comparison(const RougeOptions& options) : words_(options.use_stemmer) {}
  virtual ~Comparison() = default;
  virtual Overlap compare(const PredictionRow& row, const std::string& reference) = 0;

 protected:
  RougeWords words_;
};

class NgramComparison : public Comparison {
 public:
  NgramComparison(const RougeOptions& options, size_t order)
      : Comparison(options), order_(order), numbers_(order) {}

  Overlap compare(const PredictionRow& row, const std::string& reference) override {
    numbers_.clear();
    bag_.clear();
    const auto wanted = numbers_.of(words_.of(reference));
    const auto own = numbers_.of(words_.of(row.text()));
    bag_.raise_to(wanted.at(order_));
    return overlap(bag_.matches(own.at(order_)), std::max<size_t>(own.at(order_).size(), 1),
                   std::max<size_t>(wanted.at(order_).size(), 1));
  }

 private:
  size_t order_;
  NgramNumbers numbers_;
  NgramBag bag_;
};

class TextComparison : public Comparison {
 public:
  using Comparison::Comparison;
  Overlap compare(const PredictionRow& row, const std::string& reference) override {
    const auto wanted = words_.of(reference), own = words_.of(row.text());
    if (wanted.empty() || own.empty()) return {};
    return overlap(common_subsequence_length(wanted, own), own.size(), wanted.size());
  }
};

class LineComparison : public Comparison {
 public:
  using Comparison::Comparison;
  Overlap compare(const PredictionRow& row, const std::string& reference) override {
    const auto wanted = lines(reference), own = lines(row.text());
    auto wanted_left = counts(wanted), own_left = counts(own);
    const auto wanted_size = size(wanted), own_size = size(own);
    if (wanted_size == 0 || own_size == 0) return {};
    int64_t hits = 0;
    for (const auto& line : wanted) {
      for (const auto place : places_in_any(line, own, row)) {
        auto& mine = own_left[line[place]];
        auto& theirs = wanted_left[line[place]];
        if (mine <= 0 || theirs <= 0) continue;  // each word counts once
        ++hits;
        --mine;
        --theirs;
      }
    }
    return overlap(hits, own_size, wanted_size);
  }

 private:
  std::vector<Words> lines(std::string_view text) {
    std::vector<Words> lines;
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      lines.push_back(words_.of(line));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return lines;
  }
  static size_t size(const std::vector<Words>& lines) {
    size_t sum = 0;
    for (const auto& line : lines) sum += line.size();
    return sum;
  }
  static std::unordered_map<uint32_t, int64_t> counts(const std::vector<Words>& lines) {
    std::unordered_map<uint32_t, int64_t> counts;
    for (const auto& line : lines) {
      for (const auto word : line) ++counts[word];
    }
    return counts;
  }
  // The union of its longest common subsequences with each of the lines.
  static std::set<size_t> places_in_any(const Words& line, const std::vector<Words>& others,
                                        const PredictionRow& row) {
    std::set<size_t> places;
    for (const auto& other : others) {
      if ((line.size() + 1) * (other.size() + 1) > kMaxTableCells) {
        throw UserError(str(row.where, ": rougeLsum compares line with line; a line of ",
                            other.size(), " words and one of ", line.size(),
                            " are more than it can hold; break them up, or use rougeL"));
      }
      const auto common = common_subsequence(line, other);
      places.insert(common.begin(), common.end());
    }
    return places;
  }
};

// Precision, recall and F1 of the reference with the best F1, and a 1 to count rows by.
RowStatistics statistics_of(std::span<const PredictionRow> rows, Comparison& comparison) {
  RowStatistics statistics{.width = 4};
  for (const auto& row : rows) {
    Overlap best{.f1 = -1};
    for (const auto& reference : row.references) {
      const auto result = comparison.compare(row, reference);
      if (result.f1 > best.f1) best = result;
    }
    statistics.values.insert(statistics.values.end(), {best.f1, best.precision, best.recall, 1});
  }
  statistics.score = [](std::span<const double> sums) { return sums[0] / sums[3]; };
  return statistics;
}

Score score_of(std::span<const PredictionRow> rows, const RowStatistics& statistics,
               const RougeOptions& options) {
  const auto sums = statistics.sums();
  return {.score = statistics.score(sums),
          .signature = str("nrefs:", reference_count(rows), "|refs:best|stemmer:",
                           options.use_stemmer ? "porter" : "no", "|version:rouge-score-0.1.2"),
          .details = {{"precision", sums[1] / sums[3]}, {"recall", sums[2] / sums[3]}}};
}

}  // namespace

RowStatistics rouge1_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  NgramComparison comparison(options.rouge, 1);
  return statistics_of(rows, comparison);
}
RowStatistics rouge2_statistics(std::span<const PredictionRow> rows, const MetricOptions& options) {
  NgramComparison comparison(options.rouge, 2);
  return statistics_of(rows, comparison);
}
RowStatistics rouge_l_statistics(std::span<const PredictionRow> rows,
                                 const MetricOptions& options) {
  TextComparison comparison(options.rouge);
  return statistics_of(rows, comparison);
}
RowStatistics rouge_lsum_statistics(std::span<const PredictionRow> rows,
                                    const MetricOptions& options) {
  LineComparison comparison(options.rouge);
  return statistics_of(rows, comparison);
}

Score score_rouge1(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, rouge1_statistics(rows, options), options.rouge);
}
Score score_rouge2(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, rouge2_statistics(rows, options), options.rouge);
}
Score score_rouge_l(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, rouge_l_statistics(rows, options), options.rouge);
}
Score score_rouge_lsum(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return score_of(rows, rouge_lsum_statistics(rows, options), options.rouge);
}

}  // namespace tunewright::metrics
