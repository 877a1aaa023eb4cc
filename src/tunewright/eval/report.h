#pragma once
#include <filesystem>
#include <string>

#include "tunewright/base/json.h"
#include "tunewright/eval/evaluate.h"

namespace tunewright::eval {

// report.json: every figure with its interval, the tables behind them, the limits, sample answers,
// and the configuration.  `training`: report.json of the run that made the adapter; null: unknown.
Json report_json(const Evaluation& evaluation, const Json& training);

// report.html from report.json: one page that needs no network, for a screen and a phone.  It also
// shows, where the report has them: "verdict" (a Judgement of metrics/verdict.h) and, of a task,
// "slices" (a SliceReport) and "model"/"baseline" → "calibration": {"bins": [{"confidence",
// "accuracy", "rows"}], further figures by name}.
std::string report_page(const Json& report);

// report.md from report.json: verdict and figures for a pull request.
std::string report_markdown(const Json& report);

// predictions.jsonl:
// {"task","row","reference","prediction","label","correct","baseline_prediction",…}.
std::string predictions_lines(const Evaluation& evaluation);

// report.json of the folder that holds the adapter; null where it has none.
Json training_behind(const model::ModelOptions& model);

// Writes report.html, report.json, report.md and predictions.jsonl, each whole or not at all.
void write_reports(const Evaluation& evaluation, const std::filesystem::path& folder);

}  // namespace tunewright::eval
