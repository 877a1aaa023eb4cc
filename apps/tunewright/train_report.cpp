#include "tunewright/train_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "tunewright/base/fields.h"
#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/base/yaml.h"
#include "tunewright/eval/chart.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/ops/device.h"

namespace tunewright::app {
namespace {

using Points = std::vector<std::pair<double, double>>;

Points curve(const Json& report, const char* key) {
  Points points;
  for (const auto& pair : report["curves"][key])
    points.emplace_back(pair[0].get<double>(), pair[1].get<double>());
  return points;
}

Json curve_of(const std::vector<Json>& metrics, const char* key) {
  Json points = Json::array();
  for (const auto& line : metrics) {
    if (line.contains(key) && line[key].is_number()) points.push_back({line["step"], line[key]});
  }
  return points;
}

Json last_value(const Json& points) { return points.empty() ? Json(nullptr) : points.back()[1]; }

std::string_view outcome_name(train::Outcome outcome) {
  switch (outcome) {
    case train::Outcome::kFinished:
      return "finished";
    case train::Outcome::kStoppedEarly:
      return "stopped early";
    case train::Outcome::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

Json excluded_rows(const RunSummary& summary) {
  Json rows = Json::array();
  for (const auto index : summary.result.setbacks.excluded_rows) {
    const auto& line = summary.train.ledger.at(static_cast<size_t>(index));
    rows.push_back({{"source", line.source}, {"row", line.row}});
  }
  return rows;
}

// --- report.html ---

std::string loss_curve(const Json& report) {
  const auto loss = curve(report, "loss");
  return eval::line_chart({{"training loss", "new faint", loss, false},
                           {"smoothed", "new", eval::smooth(loss, 7), false},
                           {"evaluation loss", "old", curve(report, "eval_loss"), true}},
                          "optimizer step");
}

std::string number(const Json& value, int digits) {
  return value.is_number() ? fixed(value.get<double>(), digits) : "–";
}

// Label and text of each figure that a reader looks for first.
std::vector<std::pair<std::string, std::string>> figures(const Json& report) {
  std::vector<std::pair<std::string, std::string>> rows = {
      {"Outcome", str(report["outcome"].get<std::string>(), " after ", report["steps"], " steps")},
      {"Training loss, first and last",
       number(report["first_loss"], 4) + " → " + number(report["last_loss"], 4)},
      {"Training data", str(report["data"]["train_rows"], " rows, ",
                            human_count(report["data"]["train_tokens"].get<double>()), " tokens")},
      {"Trainable parameters", str(human_count(report["trainable_parameters"].get<double>()),
                                   " of ", human_count(report["total_parameters"].get<double>()))},
      {"Time of the steps", human_seconds(report["train_seconds"].get<double>())},
      {"Speed", number(report["tokens_per_second"], 0) + " tokens/s"},
      {"Peak memory", human_bytes(report["peak_memory_bytes"].get<double>())}};
  if (report["eval_loss"].is_number()) {
    rows.insert(rows.begin() + 2,
                {"Evaluation loss, perplexity", number(report["eval_loss"], 4) + ", " +
                                                    number(report["eval_perplexity"], 3) +
                                                    str(" (step ", report["eval_step"], ")")});
  }
  if (report["skipped_steps"] != 0) {
    rows.emplace_back("Steps skipped, their numbers not finite",
                      str(report["skipped_steps"], ", rollbacks ", report["rollbacks"],
                          ", rows left out since ", report["excluded_rows"].size()));
  }
  if (report["cost"].is_number()) {
    rows.emplace_back("Cost",
                      number(report["cost"], 2) + " " + report["currency"].get<std::string>());
  }
  return rows;
}

constexpr std::string_view kStyle = R"(
td:last-child{text-align:right;font-variant-numeric:tabular-nums}
)";

std::string title_of(const Json& report) {
  return str("Fine-tuning of ",
             std::filesystem::path(report["base_model"].get<std::string>()).filename().string());
}

}  // namespace

Json training_report(const RunSummary& summary) {
  const auto& [config, result, train, eval, total_parameters, trainable_parameters, metrics,
               energy] = summary;
  const auto loss = curve_of(metrics, "loss"), eval_loss = curve_of(metrics, "eval_loss");
  const double seconds = result.train_seconds;
  Json report = {
      {"tunewright", version()},
      {"finished_at", utc_now()},
      {"base_model", config.model.path},
      {"outcome", outcome_name(result.outcome)},
      {"steps", result.steps},
      {"first_loss", loss.empty() ? Json(nullptr) : loss.front()[1]},
      {"last_loss", last_value(loss)},
      {"eval_loss", result.best ? Json(result.best->loss) : Json(nullptr)},
      {"eval_perplexity", result.best ? Json(std::exp(result.best->loss)) : Json(nullptr)},
      {"eval_step", result.best ? Json(result.best->step) : Json(nullptr)},
      {"train_seconds", seconds},
      {"save_seconds", result.save_seconds},
      {"skipped_steps", result.setbacks.skipped_steps},
      {"rollbacks", result.setbacks.rollbacks},
      {"excluded_rows", excluded_rows(summary)},
      {"tokens", result.tokens},
      {"supervised_tokens", result.supervised_tokens},
      {"tokens_per_second", seconds > 0 ? double(result.tokens) / seconds : 0.0},
      {"peak_memory_bytes", ops::peak_memory_bytes(model::choose_device(config.model.device))},
      {"cost", config.cost.hourly > 0 ? Json(config.cost.hourly * seconds / 3600) : Json(nullptr)},
      {"currency", config.cost.currency},
      {"energy", energy},
      {"total_parameters", total_parameters},
      {"trainable_parameters", trainable_parameters},
      {"data",
       {{"train_rows", train.ledger.size()},
        {"train_tokens", train.tokens()},
        {"train_supervised_tokens", train.supervised_tokens()},
        {"eval_rows", eval ? Json(eval->ledger.size()) : Json(nullptr)},
        {"eval_supervised_tokens", eval ? Json(eval->supervised_tokens()) : Json(nullptr)}}},
      {"curves", {{"loss", loss}, {"eval_loss", eval_loss}}},
      {"config", to_json_object(config)}};
  return report;
}

std::string training_report_page(const Json& report) {
  std::string rows;
  for (const auto& [label, text] : figures(report)) {
    rows += str("<tr><td>", html_escape(label), "</td><td>", html_escape(text), "</td></tr>\n");
  }
  const auto title = title_of(report);
  return html_page(
      {.title = title,
       .style = str(eval::kChartStyle, kStyle),
       .body = str("<h1>", html_escape(title), "</h1>\n<div class='card'><table>\n", rows,
                   "</table></div>\n<h2>Loss</h2>\n<div class='card'>", loss_curve(report),
                   "</div>\n<h2>Configuration</h2>\n<div class='card'><pre>",
                   html_escape(dump_yaml(report["config"])),
                   "</pre></div>\n<p class='soft'>tunewright ",
                   html_escape(report["tunewright"].get<std::string>()), ", ",
                   html_escape(report["finished_at"].get<std::string>()), "</p>\n")});
}

}  // namespace tunewright::app
