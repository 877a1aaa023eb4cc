#include "tunewright/corpus/pii/model_names.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/name_words.h"

namespace tunewright::corpus::pii {
namespace {

constexpr int kMostWords = 6;           // of a name
constexpr size_t kContextBytes = 200;   // before and behind a name
constexpr size_t kMostCandidates = 32;  // that the model is asked about at once

constexpr std::array kLabels = {std::pair{"PERSON", std::optional(Entity::kPerson)},
                                std::pair{"LOCATION", std::optional(Entity::kLocation)},
                                std::pair{"OTHER", std::optional<Entity>()}};

// Where a capitalised word goes on behind `end` ("Mary Ann", "Jean-Luc", "O'Brien"); `end`:
// nowhere.
size_t next_word(std::string_view text, size_t end) {
  if (end >= text.size() || !one_of(" -'", text[end]) || !is_word_at(text, end + 1)) return end;
  return has_capital(text.substr(end + 1)) ? end + 1 : end;
}

// Runs of capitalised words.
std::vector<Finding> candidates_in(std::string_view text) {
  std::vector<Finding> candidates;
  for (size_t i = 0; i < text.size();) {
    if (!is_word_at(text, i)) {
      i = gap_end(text, i);
      continue;
    }
    size_t end = name_word_end(text, i);
    if (has_capital(text.substr(i))) {
      for (int words = 1; words < kMostWords; ++words) {
        const auto next = next_word(text, end);
        if (next == end) break;
        end = name_word_end(text, next);
      }
      candidates.push_back({.begin = i, .end = end});
    }
    i = end;
  }
  return candidates;
}

bool begins_character(std::string_view text, size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

// The words around a candidate.
std::string_view context_of(std::string_view text, const Finding& candidate) {
  size_t begin = candidate.begin - std::min(candidate.begin, kContextBytes);
  size_t end = std::min(text.size(), candidate.end + kContextBytes);
  while (!begins_character(text, begin)) ++begin;
  while (!begins_character(text, end)) --end;
  return text.substr(begin, end - begin);
}

}  // namespace

ModelNames::ModelNames(std::shared_ptr<const Scorer> scorer, const Json& labels)
    : scorer_(std::move(scorer)) {
  constexpr const char* kExpected =
      "labels: expected what the model calls each, as {PERSON: a person, OTHER: a thing}, got ";
  if (!labels.is_object()) throw UserError(str(kExpected, excerpt(dump_json(labels))));
  std::vector<std::string> known;
  for (const auto& [name, entity] : kLabels) {
    known.emplace_back(name);
    if (!labels.contains(name)) continue;
    const Json& given = labels[name];
    for (const auto& words : given.is_array() ? given : Json::array({given})) {
      if (!words.is_string() || words == "")
        throw UserError(str(kExpected, excerpt(dump_json(labels))));
      labels_.push_back({entity, words.get<std::string>()});
    }
  }
  for (const auto& [name, words] : labels.items()) {
    if (std::ranges::find(known, name) == known.end())
      throw UserError(str("labels: '", excerpt(name), "' is none", suggestion(name, known)));
  }
  const auto is_name = [](const Label& label) { return label.entity.has_value(); };
  if (std::ranges::none_of(labels_, is_name) || std::ranges::all_of(labels_, is_name))
    throw UserError("labels: PERSON or LOCATION is needed, and OTHER for what is neither");
}

std::vector<Finding> ModelNames::find(std::string_view text) const {
  std::vector<Finding> findings;
  const auto candidates = candidates_in(text);
  for (size_t i = 0; i < candidates.size(); i += kMostCandidates) {
    const auto end = std::min(candidates.size(), i + kMostCandidates);
    auto found = judge(text, {candidates.begin() + static_cast<ptrdiff_t>(i),
                              candidates.begin() + static_cast<ptrdiff_t>(end)});
    std::ranges::move(found, std::back_inserter(findings));
  }
  return findings;
}

std::vector<Finding> ModelNames::judge(std::string_view text,
                                       std::vector<Finding> candidates) const {
  std::vector<std::string> questions;
  for (const auto& candidate : candidates) {
    const auto name = text.substr(candidate.begin, candidate.end - candidate.begin);
    for (const auto& label : labels_) {
      questions.push_back(
          str(context_of(text, candidate), "\n\n\"", name, "\" is the name of ", label.words, "."));
    }
  }
  const std::vector<std::string_view> views(questions.begin(), questions.end());
  const auto losses = scorer_->losses(views);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const auto* own = losses.data() + i * labels_.size();
    double least = std::numeric_limits<double>::infinity(), total = 0;
    for (size_t k = 0; k < labels_.size(); ++k) least = std::min(least, own[k].sum);
    std::array<double, kEntityCount> likely{};  // times the same factor
    for (size_t k = 0; k < labels_.size(); ++k) {
      const auto share = std::exp(least - own[k].sum);
      total += share;
      if (const auto& entity = labels_[k].entity) likely[index_of(*entity)] += share;
    }
    const bool is_person = likely[index_of(Entity::kPerson)] >= likely[index_of(Entity::kLocation)];
    candidates[i].entity = is_person ? Entity::kPerson : Entity::kLocation;
    candidates[i].score = likely[index_of(candidates[i].entity)] / total;
  }
  return candidates;
}

}  // namespace tunewright::corpus::pii
