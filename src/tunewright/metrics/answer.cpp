#include "tunewright/metrics/answer.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

namespace python = text::python;

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

bool is_article(std::u32string_view word) {
  return word == U"a" || word == U"an" || word == U"the";
}

// The words between white space; an article between characters that are no part of a word is white
// space too.
std::vector<std::string> normalised_words(std::string_view text) {
  std::vector<std::string> words;
  std::u32string word, run;  // a word so far; its last run of word characters
  const auto end_run = [&] {
    if (!is_article(run)) {
      word += run;
    } else if (!word.empty()) {
      words.push_back(python::encode(word));
      word.clear();
    }
    run.clear();
  };
  const auto end_word = [&] {
    end_run();
    if (!word.empty()) words.push_back(python::encode(word));
    word.clear();
  };
  for (const auto c : python::decode(python::lower(text))) {
    if (is_ascii_punctuation(c)) continue;
    if (python::is_space(c)) {
      end_word();
    } else if (python::is_word(c)) {
      run += c;
    } else {
      end_run();
      word += c;
    }
  }
  end_word();
  return words;
}

double f1_of_words(const std::vector<std::string>& given, const std::vector<std::string>& wanted) {
  if (given.empty() || wanted.empty()) return given.empty() && wanted.empty() ? 1.0 : 0.0;
  std::unordered_map<std::string_view, int64_t> left;
  for (const auto& word : wanted) ++left[word];
  int64_t common = 0;
  for (const auto& word : given) {
    const auto it = left.find(word);
    common += it != left.end() && it->second-- > 0;
  }
  return 2.0 * static_cast<double>(common) / static_cast<double>(given.size() + wanted.size());
}

using Words = std::vector<std::string>;

// The best of each row over its references, as `form` makes them comparable.
template <class Form>
RowStatistics best_of(Rows rows, Form form, double (*compare)(const Words&, const Words&)) {
  std::vector<std::optional<double>> figures;
  for (const auto& row : rows) {
    const auto given = form(row.text());
    double best = 0;
    for (const auto& reference : row.references)
      best = std::max(best, compare(given, form(reference)));
    figures.emplace_back(best);
  }
  return mean_of_rows(figures);
}

double same_words(const Words& given, const Words& wanted) { return given == wanted ? 1 : 0; }

// As it stands but for white space around it.
Words whole(std::string_view text) {
  return {std::string(python::strip(text, python::Side::Both))};
}

Score mean_score(const RowStatistics& statistics, std::string signature) {
  return {.score = statistics.score(statistics.sums()), .signature = std::move(signature)};
}

}  // namespace

std::string normalise_answer(std::string_view text) { return join(normalised_words(text), " "); }

bool exact_match(std::string_view answer, std::string_view reference) {
  return normalised_words(answer) == normalised_words(reference);
}

double token_f1(std::string_view answer, std::string_view reference) {
  return f1_of_words(normalised_words(answer), normalised_words(reference));
}

RowStatistics exact_match_statistics(Rows rows, const MetricOptions& options) {
  return best_of(rows, normalised_words, same_words);
}

RowStatistics token_f1_statistics(Rows rows, const MetricOptions& options) {
  return best_of(rows, normalised_words, f1_of_words);
}

RowStatistics exact_match_raw_statistics(Rows rows, const MetricOptions& options) {
  return best_of(rows, whole, same_words);
}

Score score_exact_match_raw(Rows rows, const MetricOptions& options) {
  return mean_score(exact_match_raw_statistics(rows, options), "norm:strip|refs:best");
}

Score score_exact_match(Rows rows, const MetricOptions& options) {
  return mean_score(exact_match_statistics(rows, options), "norm:squad|refs:best");
}

Score score_token_f1(Rows rows, const MetricOptions& options) {
  return mean_score(token_f1_statistics(rows, options), "norm:squad|refs:best");
}

}  // namespace tunewright::metrics
