#include <cmath>

#include "tunewright/base/fields.h"
#include "tunewright/eval/judge/judge.h"

namespace tunewright::eval {
namespace {

Json interval_json(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->value)) return nullptr;
  const auto number = [](double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
  };
  return {{"value", number(interval->value)},
          {"low", number(interval->low)},
          {"high", number(interval->high)}};
}

// Invalid answers as a share of the questions that were put; null where none was.
Json rate(int64_t part, int64_t whole) {
  return whole > 0 ? Json(static_cast<double>(part) / static_cast<double>(whole)) : Json(nullptr);
}

Json marks_json(const Marks& marks, const std::optional<Interval>& score) {
  return {{"score", interval_json(score)},
          {"valid", marks.valid()},
          {"invalid", marks.invalid},
          {"invalid_rate", rate(marks.invalid, marks.valid() + marks.invalid)},
          {"over_budget", marks.over_budget},
          {"read_from_text", marks.from_text},
          {"reasons", marks.reasons}};
}

Json pairs_json(const Pairs& pairs) {
  return {{"win_rate", interval_json(pairs.win_rate)},
          {"wins", pairs.wins},
          {"losses", pairs.losses},
          {"ties", pairs.ties},
          {"identical", pairs.identical},
          {"contradicted", pairs.contradicted},
          // Of the pairs that were asked about: the same place won in both orders.
          {"position_bias_rate", rate(pairs.contradicted, pairs.valid() - pairs.identical)},
          {"first_chosen_rate", rate(pairs.first_chosen, pairs.decided)},
          {"invalid", pairs.invalid},
          {"invalid_rate", rate(pairs.invalid, pairs.valid() + pairs.invalid)},
          {"over_budget", pairs.over_budget},
          {"reasons", pairs.reasons}};
}

Json kappa_json(const std::optional<Kappa>& kappa, bool in_order) {
  if (!kappa) return nullptr;
  const auto number = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  Json json = {{"rows", kappa->rows}, {"agreed", kappa->agreed}, {"kappa", number(kappa->plain)}};
  if (in_order) json["weighted_kappa"] = number(kappa->weighted);
  return json;
}

Json task_json(const JudgedResult& result) {
  Json json = {{"task", result.task},
               {"rows", result.rows},
               {"model", marks_json(result.model, result.score)}};
  if (result.baseline) {
    json["baseline"] = marks_json(*result.baseline, result.baseline_score);
    json["difference"] = interval_json(result.difference);
  }
  if (result.pairs) json["pairwise"] = pairs_json(*result.pairs);
  Json agreements = Json::array();
  for (const auto& agreement : result.agreements) {
    agreements.push_back({{"with", agreement.with},
                          {"score", kappa_json(agreement.score, true)},
                          {"preference", kappa_json(agreement.preference, false)}});
  }
  json["agreement"] = std::move(agreements);
  return json;
}

}  // namespace

Json to_json(const JudgeReport& report) {
  Json tasks = Json::array();
  for (const auto& task : report.tasks) tasks.push_back(task_json(task));
  const auto& usage = report.usage;
  const auto& options = report.options;
  const double cost = (options.price_in * static_cast<double>(usage.tokens_in) +
                       options.price_out * static_cast<double>(usage.tokens_out)) *
                      1e-6;
  return {{"judge", report.judge},
          {"second", report.second.empty() ? Json(nullptr) : Json(report.second)},
          {"rubric", options.rubric},
          {"scale", options.scale},
          {"tasks", std::move(tasks)},
          {"requests", usage.requests},
          {"cached", usage.cached},
          {"tokens_in", usage.tokens_in},
          {"tokens_out", usage.tokens_out},
          {"cost", options.price_in + options.price_out > 0 ? Json(cost) : Json(nullptr)}};
}

}  // namespace tunewright::eval
