#pragma once
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/metrics/statistics.h"

// What may be said of a comparison.
namespace tunewright::metrics {

enum class Verdict { kBetter, kWorse, kNoDifference };
const char* name_of(Verdict verdict);  // "better", "worse", "no difference shown"

// A figure of two models.
struct ComparedFigure {
  std::string name;  // "triage.macro_f1"
  bool lower_is_better = false;
  Interval difference;  // candidate minus baseline
  double p_value = 1;   // not a number: the figure does not exist
};

struct FigureVerdict {
  std::string name;
  Verdict verdict = Verdict::kNoDifference;
  double p_value = 1, adjusted_p_value = 1;  // the latter by Holm, over all figures
};

struct Judgement {
  std::vector<FigureVerdict> figures;
  Verdict overall = Verdict::kNoDifference;
  std::string reason;  // "better in triage.macro_f1; no difference shown in triage.accuracy"
};

// A figure is better or worse where its adjusted p-value is below `error_rate` and its interval
// leaves zero out; everything else is noise until more rows show otherwise.  The whole is worse
// where any figure is, better where at least one is and none is worse.
Judgement judge(std::span<const ComparedFigure> figures, double error_rate = 0.05);

// {"overall","reason","figures":{name:{"verdict","p_value","adjusted_p_value"}}}
Json to_json(const Judgement& judgement);

// The side of zero on which the whole interval lies; its good side depends on the figure.
Verdict side_of_zero(const Interval& difference, bool lower_is_better);

}  // namespace tunewright::metrics
