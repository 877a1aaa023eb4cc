#include <cmath>

#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/eval/chart.h"
#include "tunewright/eval/report.h"
#include "tunewright/eval/report_parts.h"

namespace tunewright::eval {
namespace {

constexpr std::string_view kStyle = R"(
.verdict b{display:block;font-size:1.25rem}.verdict .soft{font-weight:400}
thead th{font-size:.8rem;color:var(--soft);font-weight:600;vertical-align:bottom}thead .old{color:var(--old)}thead .new{color:var(--new)}
tbody th{font-weight:500}td small{display:block;color:var(--soft);white-space:nowrap}td .verdict-of{font-weight:600}
.good,td .good{color:var(--fine)}td .soft{font-weight:400}.bad,td .bad{color:var(--fatal)}.confusion td{padding:.45rem .6rem;border:1px solid var(--line)}
.qualities{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:.4rem 1.6rem}.qualities h3{margin:.2rem 0 .4rem}
.quality{margin:.5rem 0}.quality b{font-weight:500;font-size:.9rem}.quality-bar{position:relative;height:1.15rem;background:var(--chip);border-radius:.3rem;margin:.15rem 0;overflow:hidden}
.quality-bar i{display:block;height:100%;background:currentColor;opacity:.45}.quality-bar span{position:absolute;inset:0 .45rem;text-align:right;font-size:.78rem;line-height:1.15rem;color:var(--ink);font-variant-numeric:tabular-nums}
.pairs{display:flex;height:1.3rem;border-radius:.3rem;overflow:hidden;background:var(--chip)}.pairs .win{background:var(--new)}.pairs .loss{background:var(--old)}
.pair-key span::before{content:"";display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em;background:var(--chip)}
.pair-key .win::before{background:var(--new)}.pair-key .loss::before{background:var(--old)}
.sample{border:1px solid var(--line);border-radius:10px;margin:.75rem 0;overflow:hidden;background:var(--card)}
.question{padding:.75rem .9rem;white-space:pre-wrap;font-size:.9rem;max-height:14rem;overflow-y:auto}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));border-top:1px solid var(--line)}
.answers div{padding:.6rem .9rem}.answers p{margin:.15rem 0 0;white-space:pre-wrap;max-height:24rem;overflow-y:auto}
@media(max-width:34rem){table{font-size:.85rem}td,th{padding:.35rem .35rem .35rem 0}td small{font-size:.72rem}.confusion td{padding:.4rem .45rem}svg text{font-size:14.5px}}
)";

std::string verdict_html(const Json& report) {
  const auto overall = overall_of(report);
  auto html =
      str("<p class=\"card verdict ", overall.severity, "\"><b>", html_escape(overall.headline),
          "</b><span class=\"soft\">", html_escape(overall.reason), "</span></p>\n");
  const auto findings = findings_of(report);
  if (findings.empty()) return html;
  html += "<div class=\"card\">\n";
  for (const auto& [severity, text] : findings) {
    html += str("<div class=\"finding ", severity, "\"><b>",
                severity == "fine"    ? "OK"
                : severity == "fatal" ? "FAILED"
                                      : "WARNING",
                "</b><span>", html_escape(text), "</span></div>\n");
  }
  return html + "</div>\n";
}

std::string figures_html(const Json& report) {
  std::string html = "<div class=\"card figures\">\n";
  for (const auto& task : member(report, "tasks")) {
    for (const auto& [name, metric] : member(task, "metrics").items()) {
      const auto value = figure(member(metric, "value"), 2);
      const auto before = metric.contains("baseline")
                              ? figure(member(metric["baseline"], "value"), 2) + " → "
                              : std::string();
      html += html_figure(str(plain(member(task, "name")), " · ", words(name)), before + value);
    }
  }
  const auto& training = member(report, "training");
  if (member(training, "train_seconds").is_number())
    html += html_figure("training", human_seconds(training["train_seconds"].get<double>()));
  html += html_figure("evaluation", human_seconds(report["seconds"].get<double>()));
  html += html_figure("peak memory", human_bytes(report["peak_memory_bytes"].get<double>()));
  return html + "</div>\n";
}

std::string task_section(const Json& report, const Json& task) {
  const bool compared = task.contains("baseline");
  return str("<h2>", escaped(task["name"]), "</h2>\n<p class=\"soft\">", escaped(task["rows"]),
             " rows of ", escaped(member(member(task, "options"), "data")), ", ",
             escaped(member(member(task, "options"), "type")),
             compared ? ", both models on the same rows" : "", "</p>\n",
             metrics_section(report, task), quality_section(task), labels_section(task),
             calibration_section(task), groups_section(task), slices_section(task),
             samples_section(task));
}

using Points = std::vector<std::pair<double, double>>;

Points points(const Json& training, const char* curve) {
  Points out;
  for (const auto& pair : member(member(training, "curves"), curve)) {
    if (pair[1].is_number()) out.emplace_back(pair[0].get<double>(), pair[1].get<double>());
  }
  return out;
}

std::string configuration_html(const Json& report) {
  return str(
      "<h2>How it was measured</h2>\n<div class=\"card\"><details><summary>"
      "Configuration</summary><pre>",
      html_escape(dump_yaml(report["config"])), "</pre></details>\n<p class=\"soft\">tunewright ",
      escaped(report["tunewright"]), ", ", escaped(report["finished_at"]), "</p></div>\n");
}

}  // namespace

std::string training_section(const Json& training) {
  if (!training.is_object()) return "";
  const auto loss = points(training, "loss");
  const auto chart =
      line_chart({{"training loss", "new faint", loss, false},
                  {"smoothed", "new", smooth(loss, 7), false},
                  {"loss on the evaluation rows", "old", points(training, "eval_loss"), true}},
                 "optimizer step");
  std::string facts;
  const auto add = [&](const char* key, const auto& say) {
    if (training.contains(key) && training[key].is_number())
      facts += (facts.empty() ? "" : " · ") + say(training[key].get<double>());
  };
  add("steps", [](double n) { return fixed(n, 0) + " steps"; });
  add("train_seconds", [](double s) { return human_seconds(s); });
  add("tokens_per_second", [](double n) { return fixed(n, 0) + " tokens/s"; });
  add("peak_memory_bytes", [](double n) { return "peak memory " + human_bytes(n); });
  add("trainable_parameters", [](double n) { return human_count(n) + " parameters trained"; });
  return str("<h2>Training</h2>\n<div class=\"card\"><p class=\"soft\">", html_escape(facts),
             "</p>\n", chart, "</div>\n");
}

std::string report_page(const Json& report) {
  const auto base = std::filesystem::path(plain(report["model"]["path"])).filename().string();
  const auto title = "Evaluation of " + base;
  auto body =
      str("<h1>", html_escape(title), "</h1>\n<p class=\"soft\"><span class=\"new\">Model:</span> ",
          html_escape(described_model(report["model"])),
          report["baseline"].is_object() ? "<br><span class=\"old\">Baseline:</span> " +
                                               html_escape(described_model(report["baseline"]))
                                         : "",
          "</p>\n", verdict_html(report), figures_html(report));
  for (const auto& task : report["tasks"]) body += task_section(report, task);
  body += judge_section(member(report, "judge")) +
          forgetting_section(member(report, "forgetting")) +
          gates_section(member(report, "gates")) + training_section(member(report, "training")) +
          configuration_html(report);
  return html_page({.title = title, .style = str(kChartStyle, kStyle), .body = std::move(body)});
}

}  // namespace tunewright::eval
