#include "tunewright/metrics/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tunewright/base/str.h"

namespace tunewright::metrics {
namespace {

constexpr std::array kVerdicts = {Verdict::kBetter, Verdict::kWorse, Verdict::kNoDifference};

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

bool any(const Judgement& judgement, Verdict verdict) {
  return std::ranges::any_of(judgement.figures,
                             [&](const auto& figure) { return figure.verdict == verdict; });
}

Verdict overall(const Judgement& judgement) {
  if (any(judgement, Verdict::kWorse)) return Verdict::kWorse;
  return any(judgement, Verdict::kBetter) ? Verdict::kBetter : Verdict::kNoDifference;
}

std::string reason(const Judgement& judgement) {
  if (judgement.figures.empty()) return "nothing was compared";
  std::vector<std::string> parts;
  for (const auto verdict : kVerdicts) {
    std::vector<std::string> names;
    for (const auto& figure : judgement.figures) {
      if (figure.verdict == verdict) names.push_back(figure.name);
    }
    if (!names.empty()) parts.push_back(str(name_of(verdict), " in ", join(names, ", ")));
  }
  return join(parts, "; ");
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kNoDifference:
      return "no difference shown";
  }
  return "";
}

Verdict side_of_zero(const Interval& difference, bool lower_is_better) {
  if (difference.low > 0) return lower_is_better ? Verdict::kWorse : Verdict::kBetter;
  if (difference.high < 0) return lower_is_better ? Verdict::kBetter : Verdict::kWorse;
  return Verdict::kNoDifference;
}

Judgement judge(std::span<const ComparedFigure> figures, double error_rate) {
  std::vector<double> p_values;
  for (const auto& figure : figures) p_values.push_back(figure.p_value);
  const auto adjusted = holm(p_values);
  Judgement judgement;
  for (size_t i = 0; i < figures.size(); ++i) {
    const auto& figure = figures[i];
    const bool shown = adjusted[i] < error_rate;  // false where there is no p-value
    judgement.figures.push_back(
        {.name = figure.name,
         .verdict = shown ? side_of_zero(figure.difference, figure.lower_is_better)
                          : Verdict::kNoDifference,
         .p_value = figure.p_value,
         .adjusted_p_value = adjusted[i]});
  }
  judgement.overall = overall(judgement);
  judgement.reason = reason(judgement);
  return judgement;
}

Json to_json(const Judgement& judgement) {
  Json figures = Json::object();
  for (const auto& figure : judgement.figures) {
    figures[figure.name] = {{"verdict", name_of(figure.verdict)},
                            {"p_value", number(figure.p_value)},
                            {"adjusted_p_value", number(figure.adjusted_p_value)}};
  }
  return {{"overall", name_of(judgement.overall)},
          {"reason", judgement.reason},
          {"figures", std::move(figures)}};
}

}  // namespace tunewright::metrics
