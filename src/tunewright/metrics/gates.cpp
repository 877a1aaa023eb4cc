#include "tunewright/metrics/gates.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/metrics/slices.h"

namespace tunewright::metrics {
namespace {

enum class Rival { kNone, kBaseline };
constexpr std::array kRivals = {std::pair{"null", Rival::kNone},
                                std::pair{"baseline", Rival::kBaseline}};

// A gate's block as it is written.
struct WrittenLimits {
  std::optional<double> min, max, margin;
  Rival not_worse_than = Rival::kNone;
  bool confident = false;
};
template <class V>
void fields(V& v, WrittenLimits& o) {
  v("min", o.min, "The figure must not be below it.");
  v("max", o.max, "The figure must not be above it.");
  v.choice("not_worse_than", o.not_worse_than, kRivals, "Whose figure it must not fall behind.");
  v("margin", o.margin, "By how much it may, in the figure's own unit.");
  v("confident", o.confident, "The whole 95 % interval must keep the limits.");
}

void check_number(const std::optional<double>& value, const std::string& where) {
  if (value && !std::isfinite(*value))
    throw UserError(str(where, ": expected a number, got ", *value));
}

GateLimits read_limits(const Json& block, const std::string& where, bool has_baseline) {
  const auto written = from_json<WrittenLimits>(block, where);
  check_number(written.min, where + ".min");
  check_number(written.max, where + ".max");
  check_number(written.margin, where + ".margin");
  const bool compared = written.not_worse_than == Rival::kBaseline;
  if (!written.min && !written.max && !compared)
    throw UserError(str(where, ": neither min nor max nor not_worse_than given"));
  if (written.min && written.max && *written.min > *written.max) {
    throw UserError(
        str(where, ": min ", *written.min, " is above max ", *written.max, "; no figure passes"));
  }
  if (written.margin && !compared)
    throw UserError(str(where, ".margin: is of not_worse_than: baseline, which is missing"));
  if (written.margin.value_or(0) < 0)
    throw UserError(str(where, ".margin: must not be negative, got ", *written.margin));
  if (compared && !has_baseline) {
    throw UserError(str(where, ".not_worse_than: there is no baseline; write baseline: {path: …}"));
  }
  return {.min = written.min,
          .max = written.max,
          .not_worse_than_baseline = compared,
          .margin = written.margin.value_or(0),
          .confident = written.confident};
}

// "macro_f1" of "triage.macro_f1".
std::string metric_of(const std::string& figure) { return figure.substr(figure.find('.') + 1); }

std::vector<std::string> figures_named(const std::string& name, const GateContext& context) {
  std::vector<std::string> found;
  for (const auto& figure : context.figures) {
    if (figure == name || metric_of(figure) == name) found.push_back(figure);
  }
  return found;
}

std::vector<std::string> valid_names(const GateContext& context) {
  auto names = context.figures;
  for (const auto& figure : context.figures) names.push_back(metric_of(figure));
  for (const auto& family : context.families) names.push_back(family.name);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

const GateFamily* find_family(const std::string& name, const GateContext& context) {
  const auto it = std::ranges::find(context.families, name, &GateFamily::name);
  return it == context.families.end() ? nullptr : &*it;
}

std::vector<std::string> family_keys(const GateFamily& family) {
  std::vector<std::string> keys;
  for (const auto& figure : family.figures) {
    keys.push_back("max_" + figure);
    keys.push_back("min_" + figure);
  }
  return keys;
}

Gate family_gate(const GateFamily& family, const std::string& key, const Json& value) {
  const auto where = str("gates.", family.name, ".", key);
  const auto keys = family_keys(family);
  if (std::ranges::find(keys, key) == keys.end())
    throw UserError(str(where, ": unknown key", suggestion(key, keys)));
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    throw UserError(str(where, ": expected a number, got ", excerpt(dump_json(value))));
  Gate gate{.name = str(family.name, ".", key),
            .figure = str(family.name, ".", key.substr(4)),
            .limits = {}};
  (key.starts_with("max_") ? gate.limits.max : gate.limits.min) = value.get<double>();
  return gate;
}

void add_family(const GateFamily& family, const Json& block, std::vector<Gate>& gates) {
  if (!block.is_object() || block.empty()) {
    throw UserError(str("gates.", family.name, ": expected limits, as {", family_keys(family)[0],
                        ": 0.05}, got ", excerpt(dump_json(block))));
  }
  for (const auto& [key, value] : block.items()) gates.push_back(family_gate(family, key, value));
}

// --- judging ---

std::string number_text(double value) {
  std::ostringstream out;
  out.precision(6);
  out << value;
  return out.str();
}

std::string limit_text(const GateLimits& limits) {
  std::vector<std::string> parts;
  if (limits.min) parts.push_back("at least " + number_text(*limits.min));
  if (limits.max) parts.push_back("at most " + number_text(*limits.max));
  if (limits.not_worse_than_baseline) {
    parts.push_back(limits.margin == 0 ? "not worse than the baseline"
                                       : str("not worse than the baseline by more than ",
                                             number_text(limits.margin)));
  }
  return join(parts, ", ") + (limits.confident ? ", with the whole interval" : "");
}

constexpr double kRounding = 1e-12;  // 0.9 is within 0.01 of 0.91

// Some figures have no interval: those of all answers together.
bool has_interval(const Interval& figure) {
  return std::isfinite(figure.low) && std::isfinite(figure.high);
}

bool is_measured(const Interval& figure) { return std::isfinite(figure.value); }

// How much better the candidate is; its low end is the bad one.
Interval gain(const MeasuredFigure& figure) {
  const auto& d = *figure.difference;
  return figure.lower_is_better ? Interval{-d.value, -d.high, -d.low} : d;
}

std::string end_text(const GateLimits& limits, const char* end) {
  return limits.confident ? str("the ", end, " end of its interval, ") : "";
}

// What the figure breaks; empty: nothing.
std::string complaint(const GateLimits& limits, const MeasuredFigure& figure) {
  const auto& got = figure.candidate;
  const double lowest = limits.confident ? got.low : got.value;
  const double highest = limits.confident ? got.high : got.value;
  if (limits.min && !(lowest >= *limits.min)) {
    return str(end_text(limits, "lower"), number_text(lowest), " is below the minimum of ",
               number_text(*limits.min));
  }
  if (limits.max && !(highest <= *limits.max)) {
    return str(end_text(limits, "upper"), number_text(highest), " is above the maximum of ",
               number_text(*limits.max));
  }
  if (!limits.not_worse_than_baseline) return "";
  if (figure.baseline && !figure.difference)
    return "of this figure neither more nor less is better; limit it by min and max";
  if (!figure.difference || !is_measured(*figure.difference))
    return "there is no figure of the baseline to compare with";
  if (limits.confident && !has_interval(*figure.difference))
    return "the difference to the baseline has no interval to be confident of";
  const auto better_by = gain(figure);
  const double least = limits.confident ? better_by.low : better_by.value;
  if (least >= -limits.margin - kRounding) return "";
  return str(end_text(limits, "worse"), number_text(-least), " worse than the baseline, where ",
             number_text(limits.margin), " is allowed");
}

GateResult judge_gate(const Gate& gate, std::span<const MeasuredFigure> figures) {
  GateResult result{.gate = gate, .limit = limit_text(gate.limits)};
  const auto it = std::ranges::find(figures, gate.figure, &MeasuredFigure::name);
  if (it == figures.end()) {
    result.reason = str("'", gate.figure, "' was not measured in this evaluation");
    return result;
  }
  if (!is_measured(it->candidate)) {
    result.reason = str("'", gate.figure, "' is not defined on these rows");
    return result;
  }
  if (gate.limits.confident && !has_interval(it->candidate)) {
    result.reason = str("'", gate.figure, "' has no interval to be confident of");
    return result;
  }
  result.measured = it->candidate;
  result.baseline = it->baseline;
  result.difference = it->difference;
  result.reason = complaint(gate.limits, *it);
  result.passed = result.reason.empty();
  return result;
}

}  // namespace

std::vector<Gate> parse_gates(const Json& gates, const GateContext& context) {
  if (gates.is_null()) return {};
  if (!gates.is_object()) {
    throw UserError(
        str("gates: expected limits by figure, as {triage.accuracy: {min: 0.9}}, got a ",
            type_name(gates)));
  }
  std::vector<Gate> parsed;
  for (const auto& [name, block] : gates.items()) {
    if (const auto* family = find_family(name, context)) {
      add_family(*family, block, parsed);
      continue;
    }
    const auto figures = figures_named(name, context);
    if (figures.empty()) {
      throw UserError(str("gates.", name, ": no task computes this figure",
                          suggestion(name, valid_names(context))));
    }
    const auto limits = read_limits(block, "gates." + name, context.has_baseline);
    for (const auto& figure : figures)
      parsed.push_back({.name = name, .figure = figure, .limits = limits});
  }
  return parsed;
}

std::vector<GateResult> judge_gates(std::span<const Gate> gates,
                                    std::span<const MeasuredFigure> figures) {
  std::vector<GateResult> results;
  for (const auto& gate : gates) results.push_back(judge_gate(gate, figures));
  return results;
}

bool all_passed(std::span<const GateResult> results) {
  return std::ranges::all_of(results, &GateResult::passed);
}

Json to_json(const GateResult& result) {
  const auto& limits = result.gate.limits;
  Json json = {{"name", result.gate.name},
               {"figure", result.gate.figure},
               {"passed", result.passed},
               {"limit", result.limit}};
  json.update(result.measured ? to_json(*result.measured)
                              : Json{{"value", nullptr}, {"low", nullptr}, {"high", nullptr}});
  if (limits.min) json["min"] = *limits.min;
  if (limits.max) json["max"] = *limits.max;
  if (limits.not_worse_than_baseline) {
    json["not_worse_than"] = "baseline";
    json["margin"] = limits.margin;
  }
  if (limits.confident) json["confident"] = true;
  if (result.baseline) json["baseline"] = to_json(*result.baseline);
  if (result.difference) json["difference"] = to_json(*result.difference);
  if (!result.reason.empty()) json["reason"] = result.reason;
  return json;
}

}  // namespace tunewright::metrics
