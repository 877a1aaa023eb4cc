#include "tunewright/train_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/base/yaml.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/ops/device.h"

namespace tunewright::app {
namespace {

struct Point {
  double step, value;
};

std::vector<Point> curve(const Json& report, const char* key) {
  std::vector<Point> points;
  for (const auto& pair : report["curves"][key])
    points.push_back({pair[0].get<double>(), pair[1].get<double>()});
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

constexpr double kWidth = 720, kHeight = 300, kLeft = 56, kBottom = 34, kTop = 12, kRight = 12;

struct Scale {
  double first_step, last_step, low, high;
  double x(double step) const {
    return kLeft +
           (kWidth - kLeft - kRight) * (step - first_step) / std::max(1.0, last_step - first_step);
  }
  double y(double value) const {
    return kTop + (kHeight - kTop - kBottom) * (high - value) / (high - low);
  }
};

Scale scale_of(const std::vector<Point>& loss, const std::vector<Point>& eval) {
  Scale scale{1, 1, 0, 0};
  for (const auto* points : {&loss, &eval}) {
    for (const auto& point : *points) {
      scale.last_step = std::max(scale.last_step, point.step);
      scale.high = std::max(scale.high, point.value);
    }
  }
  scale.high = scale.high > 0 ? scale.high * 1.05 : 1.0;
  return scale;
}

std::string axes(const Scale& scale) {
  constexpr int kTicks = 4;
  std::string svg;
  for (int i = 0; i <= kTicks; ++i) {
    const double part = double(i) / kTicks;
    const double value = scale.low + (scale.high - scale.low) * part;
    const double step = std::round(scale.first_step + (scale.last_step - scale.first_step) * part);
    svg += str("<line x1='", kLeft, "' x2='", kWidth - kRight, "' y1='", fixed(scale.y(value), 1),
               "' y2='", fixed(scale.y(value), 1), "' class='grid'/><text x='", kLeft - 6, "' y='",
               fixed(scale.y(value) + 4, 1), "' text-anchor='end'>", fixed(value, 2),
               "</text><text x='", fixed(scale.x(step), 1), "' y='", kHeight - 14,
               "' text-anchor='middle'>", int64_t(step), "</text>\n");
  }
  return svg;
}

std::string loss_curve(const Json& report) {
  const auto loss = curve(report, "loss"), eval = curve(report, "eval_loss");
  const auto scale = scale_of(loss, eval);
  std::string line, dots;
  for (const auto& point : loss)
    line += str(fixed(scale.x(point.step), 1), ",", fixed(scale.y(point.value), 1), " ");
  for (const auto& point : eval) {
    dots += str("<circle cx='", fixed(scale.x(point.step), 1), "' cy='",
                fixed(scale.y(point.value), 1), "' r='4'><title>step ", int64_t(point.step),
                ": eval_loss ", fixed(point.value, 4), "</title></circle>\n");
  }
  return str("<svg viewBox='0 0 ", kWidth, " ", kHeight,
             "' role='img' aria-label='Loss by step'>\n", axes(scale), "<polyline points='", line,
             "'/>\n", dots, "</svg>\n<p class='legend'><b class='train'>&#9473;</b> training loss",
             eval.empty() ? "" : " &nbsp; <b class='eval'>&#9679;</b> evaluation loss",
             "; by optimizer step</p>\n");
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

constexpr std::string_view kStyle =
    R"(body{font:16px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:#1c2733}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td{padding:.3rem .5rem;border-bottom:1px solid #e3e8ee}td:last-child{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%}svg text{font-size:11px;fill:#5b6b7b}.grid{stroke:#e3e8ee}polyline{fill:none;stroke:#2f6fb2;stroke-width:1.6}
circle{fill:#c2571a}.train{color:#2f6fb2}.eval{color:#c2571a}.legend{font-size:.85rem;color:#5b6b7b}
pre{background:#f5f7f9;padding:1rem;overflow-x:auto;font-size:.85rem})";

std::string title_of(const Json& report) {
  return str("Fine-tuning of ",
             std::filesystem::path(report["base_model"].get<std::string>()).filename().string());
}

}  // namespace

Json training_report(const RunSummary& summary) {
  const auto& [config, result, train, eval, total_parameters, trainable_parameters, metrics] =
      summary;
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
  const auto title = html_escape(title_of(report));
  return str(
      "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width'>",
      "<title>", title, "</title>\n<style>", kStyle, "</style></head>\n<body>\n<h1>", title,
      "</h1>\n<table>\n", rows, "</table>\n<h2>Loss</h2>\n", loss_curve(report),
      "<h2>Configuration</h2>\n<pre>", html_escape(dump_yaml(report["config"])),
      "</pre>\n<p class='legend'>tunewright ", html_escape(report["tunewright"].get<std::string>()),
      ", ", html_escape(report["finished_at"].get<std::string>()), "</p>\n</body></html>\n");
}

std::string model_card(const Json& report) {
  const auto type = report["config"]["adapter"]["type"].get<std::string>();
  const bool lora = type == "lora";
  const auto method = lora               ? "LoRA"
                      : type == "freeze" ? "training of the last layers"
                                         : "full fine-tuning";
  const Json front = {{"base_model", report["base_model"]},
                      {"library_name", lora ? "peft" : "transformers"},
                      {"pipeline_tag", "text-generation"},
                      {"tags", {"tunewright", lora ? "lora" : "fine-tuned"}}};
  std::string files;
  for (const auto& file : report["config"]["data"]["train"])
    files += str("- `", file["path"].get<std::string>(), "`\n");
  std::string table;
  for (const auto& [label, text] : figures(report)) table += str("| ", label, " | ", text, " |\n");
  return str("---\n", dump_yaml(front), "---\n# ", title_of(report), "\n\nMade from `",
             report["base_model"].get<std::string>(), "` by ", method, " with tunewright ",
             report["tunewright"].get<std::string>(), ".\n\n## Data\n\n", files,
             "\n## Figures\n\n| | |\n|---|---|\n", table, "\n## Configuration\n\n```yaml\n",
             dump_yaml(report["config"]),
             "```\n\nThe loss curve is in `report.html`, every figure in `report.json` and "
             "`metrics.jsonl`; ",
             "`ledger.jsonl` says what became of each input row.\n");
}

}  // namespace tunewright::app
