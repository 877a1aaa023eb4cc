#pragma once
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/data/options.h"
#include "tunewright/model/options.h"
#include "tunewright/observe/cards/card_facts.h"
#include "tunewright/observe/price.h"
#include "tunewright/observe/sinks/sink.h"
#include "tunewright/train/options.h"
#include "tunewright/train/plan/recipe.h"

namespace tunewright::app {

struct CostOptions {
  double hourly = 0;             // Price of an hour of this machine; 0: no cost is reported.
  std::string currency = "EUR";  // Its unit, as it is to be printed.
  double cheap_hourly = 0;       // Price of an hour within cheap_hours.
  std::string cheap_hours;       // "22:00-06:00", or several, comma between; empty: none.
};

template <class V>
void fields(V& v, CostOptions& o) {
  v("hourly", o.hourly, "Price of an hour of this machine; 0: no cost is reported.");
  v("currency", o.currency, "Unit of the price.");
  v("cheap_hourly", o.cheap_hourly, "Price of an hour within cheap_hours.");
  v("cheap_hours", o.cheap_hours,
    "Hours of the day, in local time, that have that price: 22:00-06:00, or several, comma "
    "between.");
}

// Where `report_to` passes metrics on to.
struct TrackingConfig {
  std::string project = "tunewright";  // Experiment in MLflow, project in Weights & Biases.
  std::string mlflow_uri;              // Address of the MLflow server; empty: MLFLOW_TRACKING_URI.
};

template <class V>
void fields(V& v, TrackingConfig& o) {
  v("project", o.project, "Experiment in MLflow, project in Weights & Biases.");
  v("mlflow_uri", o.mlflow_uri, "Address of the MLflow server; empty: MLFLOW_TRACKING_URI.");
}

// The configuration of `train`.
struct RunConfig {
  model::ModelOptions model;
  data::DataOptions data;
  model::AdapterOptions adapter;
  train::TrainOptions training;
  CostOptions cost;
  observe::CardOptions card;
  TrackingConfig tracking;
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
  v("card", o.card, "For README.md, and the technical documentation.");
  v("tracking", o.tracking, "Where report_to passes metrics on to.");
  v("output_dir", o.output_dir, "The run folder.");
  v("report_to", o.report_to, "Where metrics go: jsonl, tensorboard, mlflow, wandb.");
}

// Checks keys, types, limits and that the files exist; each failure is a UserError that names the
// key. An adapter to start from brings its own settings, which the result shows.
RunConfig make_run_config(const Json& given);

train::Recipe recipe_of(const RunConfig& config);
RunConfig with_recipe(RunConfig config, const train::Recipe& recipe);
observe::Tariff tariff_of(const CostOptions& options);
observe::TrackingOptions tracking_of(const TrackingConfig& config);

}  // namespace tunewright::app
