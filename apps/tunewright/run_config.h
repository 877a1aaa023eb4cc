#pragma once
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/data/options.h"
#include "tunewright/model/options.h"
#include "tunewright/train/options.h"

namespace tunewright::app {

struct CostOptions {
  double hourly = 0;             // Price of an hour of this machine; 0: no cost is reported.
  std::string currency = "EUR";  // Its unit, as it is to be printed.
};

template <class V>
void fields(V& v, CostOptions& o) {
  v("hourly", o.hourly, "Price of an hour of this machine; 0: no cost is reported.");
  v("currency", o.currency, "Unit of the price.");
}

// The configuration of `train`.
struct RunConfig {
  model::ModelOptions model;
  data::DataOptions data;
  model::AdapterOptions adapter;
  train::TrainOptions training;
  CostOptions cost;
  std::string output_dir;
  std::vector<std::string> report_to = {"jsonl"};
};

template <class V>
void fields(V& v, RunConfig& o) {
  v("model", o.model, "The base model.");
  v("data", o.data, "What it learns from.");
  v("adapter", o.adapter, "Which weights train.");
  v("training", o.training, "How they train.");
  v("cost", o.cost, "What the machine costs.");
  v("output_dir", o.output_dir, "The run folder.");
  v("report_to", o.report_to, "Where metrics go.");
}

// Checks keys, types, limits and that the files exist; each failure is a UserError that names the
// key. An adapter to start from brings its own settings, which the result shows.
RunConfig make_run_config(const Json& given);

}  // namespace tunewright::app
