#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tunewright/observe/price.h"
#include "tunewright/plan_measure.h"
#include "tunewright/train/plan/fit.h"

namespace tunewright::app {

// A configuration and what it will take.
struct Plan {
  RunConfig config;
  Survey survey;
  std::optional<train::Forecast> forecast;  // none: it cannot be measured on this machine
  int64_t usable_bytes = 0;
  double floor_bytes = 0;  // that it needs at least, the program included

  double peak() const { return forecast ? forecast->memory.peak() : floor_bytes; }
};

// What fits: the changes and what the run then takes.
struct Alternative {
  train::Proposal proposal;
  Plan plan;
};
struct Fit {
  double limit_bytes = 0;
  bool fits = false;  // as it is
  std::vector<Alternative> alternatives;
};

// `now`: minutes after midnight, local time.
Json plan_json(const Plan& plan, const std::optional<Fit>& fit, double now);
std::string plan_text(const Plan& plan, const std::optional<Fit>& fit, double now);

}  // namespace tunewright::app
