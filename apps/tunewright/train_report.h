#pragma once
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/data/dataset.h"
#include "tunewright/run_config.h"
#include "tunewright/train/trainer.h"

namespace tunewright::app {

// What a run did, from which its report and model card are written.
struct RunSummary {
  const RunConfig& config;
  const train::TrainResult& result;
  const data::Dataset& train;
  const data::Dataset* eval;  // null: none
  int64_t total_parameters, trainable_parameters;
  std::vector<Json> metrics;  // the lines of metrics.jsonl
  Json energy;                // {"joules": …}; null: not measured
};

// report.json: figures, the loss curve and the configuration.
Json training_report(const RunSummary& summary);
// report.html from report.json: one page that needs nothing else.
std::string training_report_page(const Json& report);

}  // namespace tunewright::app
