#include "tunewright/eval/judge/opinion.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || byte >= 0x80 || c == '_';
}

// "**4**." -> "4": what stands around a choice.  A minus sign belongs to the number.
std::string_view bare(std::string_view token) {
  const auto is_mark = [](char c) { return !is_word_byte(c) && c != '-'; };
  while (!token.empty() && is_mark(token.front())) token.remove_prefix(1);
  while (!token.empty() && !is_word_byte(token.back())) token.remove_suffix(1);
  return token;
}

std::optional<size_t> choice_of(std::string_view token, std::span<const std::string> choices) {
  const auto it = std::ranges::find(choices, bare(token));
  if (it == choices.end()) return std::nullopt;
  return static_cast<size_t>(it - choices.begin());
}

// The first token of "10" may look like the choice 1.
bool begin_apart(std::span<const std::string> choices) {
  for (const auto& a : choices) {
    for (const auto& b : choices) {
      if (&a != &b && b.starts_with(a)) return false;
    }
  }
  return true;
}

std::optional<Opinion> read_logprobs(const ChatAnswer& answer,
                                     std::span<const std::string> choices) {
  if (!begin_apart(choices)) return std::nullopt;
  for (const auto& place : answer.top_logprobs) {
    if (place.empty()) continue;
    const auto& top = *std::ranges::max_element(place, {}, &TokenLogprob::logprob);
    if (!choice_of(top.token, choices)) continue;
    std::vector<double> shares(choices.size(), 0.0);
    for (const auto& [token, logprob] : place) {
      if (const auto choice = choice_of(token, choices)) shares[*choice] += std::exp(logprob);
    }
    std::vector<double> logprobs;
    for (const double share : shares) logprobs.push_back(std::log(share));
    auto opinion = opinion_of(logprobs);
    if (opinion.is_valid()) return opinion;
  }
  return std::nullopt;
}

// "4/5" and "4 out of 5" name the scale's end, not a second mark.
std::string without_scale_end(std::string text, std::string_view last) {
  for (const char* between : {"/", " / ", " out of "})
    text = replace_all(text, str(between, last), "");
  return text;
}

bool is_number(std::string_view choice) {
  return std::ranges::all_of(
      choice, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '-'; });
}

// The choice stands alone at `at`: a number between other words, a letter only where a mark or the
// end follows, for "A good answer" names no choice.
bool stands_alone(std::string_view text, size_t at, std::string_view choice) {
  const auto end = at + choice.size();
  if (at > 0 && (is_word_byte(text[at - 1]) || text[at - 1] == '-' || text[at - 1] == '.'))
    return false;
  if (end == text.size()) return true;
  if (is_word_byte(text[end])) return false;
  if (!is_number(choice)) {
    const auto rest = text.substr(end);
    if (rest.starts_with(" or ") || rest.starts_with(" and ")) return true;  // "A or B" names both
    return text[end] != ' ' && text[end] != '\'' && text[end] != '-';
  }
  const bool has_fraction = (text[end] == '.' || text[end] == ',') && end + 1 < text.size() &&
                            std::isdigit(static_cast<unsigned char>(text[end + 1])) != 0;
  return !has_fraction;
}

std::set<size_t> named_choices(std::string_view text, std::span<const std::string> choices) {
  std::set<size_t> named;
  for (size_t i = 0; i < choices.size(); ++i) {
    for (size_t at = text.find(choices[i]); at != std::string_view::npos;
         at = text.find(choices[i], at + 1)) {
      if (stands_alone(text, at, choices[i])) named.insert(i);
    }
  }
  return named;
}

}  // namespace

size_t Opinion::best() const {
  TUNEWRIGHT_ASSERT(is_valid());
  return static_cast<size_t>(std::ranges::max_element(probabilities) - probabilities.begin());
}

double Opinion::expected(std::span<const int64_t> marks) const {
  TUNEWRIGHT_ASSERT(is_valid() && marks.size() == probabilities.size());
  return std::inner_product(marks.begin(), marks.end(), probabilities.begin(), 0.0);
}

Opinion opinion_of(std::span<const double> logprobs) {
  double highest = -INFINITY;
  for (const double logprob : logprobs) {
    if (std::isnan(logprob))
      return {.kind = Opinion::Kind::kNoAnswer,
              .probabilities = {},
              .reason = "a log-probability is not a number"};
    highest = std::max(highest, logprob);
  }
  if (!std::isfinite(highest))
    return {
        .kind = Opinion::Kind::kNoAnswer, .probabilities = {}, .reason = "no choice is possible"};
  Opinion opinion{.kind = Opinion::Kind::kLogits, .probabilities = {}, .reason = {}};
  double sum = 0;
  for (const double logprob : logprobs)
    sum += opinion.probabilities.emplace_back(std::exp(logprob - highest));
  for (auto& probability : opinion.probabilities) probability /= sum;
  return opinion;
}

Opinion read_opinion(const ChatAnswer& answer, std::span<const std::string> choices) {
  if (auto opinion = read_logprobs(answer, choices)) return *opinion;
  if (answer.text.empty())
    return {.kind = Opinion::Kind::kNoAnswer, .probabilities = {}, .reason = "empty answer"};
  auto chosen = choice_of(answer.text, choices);
  if (!chosen) {
    const auto named = named_choices(without_scale_end(answer.text, choices.back()), choices);
    if (named.size() != 1) {
      return {.kind = Opinion::Kind::kNoAnswer,
              .probabilities = {},
              .reason = named.empty() ? "answer without a choice" : "answer with several choices"};
    }
    chosen = *named.begin();
  }
  Opinion opinion{.kind = Opinion::Kind::kText,
                  .probabilities = std::vector<double>(choices.size(), 0.0),
                  .reason = {}};
  opinion.probabilities[*chosen] = 1;
  return opinion;
}

}  // namespace tunewright::eval
