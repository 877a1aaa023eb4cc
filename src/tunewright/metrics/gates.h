#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/metrics/statistics.h"

// Limits on what is measured; what CI and retraining ask.
namespace tunewright::metrics {

struct GateLimits {
  std::optional<double> min, max;
  bool not_worse_than_baseline = false;
  double margin = 0;       // how much worse than the baseline is allowed, in the figure's own unit
  bool confident = false;  // the whole interval must keep the limit, not only the figure
};

struct Gate {
  std::string name;    // as written: "macro_f1", "triage.macro_f1", "forgetting.max_ppl_increase"
  std::string figure;  // what is measured: "triage.macro_f1", "forgetting.ppl_increase"
  GateLimits limits;
};

// Figures that belong together and are limited by max_… and min_…:
// {forgetting: {max_ppl_increase: 0.05}}.
struct GateFamily {
  std::string name;                  // "forgetting"
  std::vector<std::string> figures;  // "ppl_increase"
};

// What an evaluation will measure.
struct GateContext {
  std::vector<std::string> figures;  // "triage.macro_f1"
  std::vector<GateFamily> families;
  bool has_baseline = false;
};

// {figure or metric: {min, max, not_worse_than: baseline, margin, confident}, family: {max_…}}. The
// name of a metric alone is a gate on it in every task that has it.  Unknown names and keys, a
// minimum above the maximum, a limit that is no number, no limit at all, a baseline where there is
// none: UserErrors that name the key.  null: no gates.
std::vector<Gate> parse_gates(const Json& gates, const GateContext& context);

// A figure as it was measured.
struct MeasuredFigure {
  std::string name;
  bool lower_is_better = false;
  Interval candidate;                            // not a number: the figure does not exist
  std::optional<Interval> baseline, difference;  // candidate minus baseline
};

struct GateResult {
  Gate gate;
  bool passed = false;
  std::string limit;  // "at least 0.9, not worse than the baseline by more than 0.01"
  std::optional<Interval> measured, baseline, difference;  // none: it was not measured
  std::string reason;  // "0.87 is below the minimum of 0.9"; empty where it passed
};

// One result a gate, in their order.  What was not measured, or is not a number, fails.
std::vector<GateResult> judge_gates(std::span<const Gate> gates,
                                    std::span<const MeasuredFigure> figures);
bool all_passed(std::span<const GateResult> results);

// {"name","figure","passed","limit","value","low","high","min"?,"max"?,"margin"?,"baseline"?,
// "difference"?,"reason"?}
Json to_json(const GateResult& result);

}  // namespace tunewright::metrics
