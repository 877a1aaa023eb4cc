#include <algorithm>
#include <array>
#include <cmath>

#include "tunewright/base/str.h"
#include "tunewright/eval/chart.h"
#include "tunewright/eval/report_parts.h"

namespace tunewright::eval {
namespace {

std::string cell(const Json& interval, int digits) {
  return str("<td class=\"n\">", figure(member(interval, "value"), digits), "<small>",
             range(interval, digits), "</small></td>");
}

// Shares of which the larger is the better: figures of other scales would be drawn as if one of
// them were a hundred times another.
bool is_share(const Json& metric) {
  return member(metric, "full") == 1 && member(metric, "is_judged") == true &&
         member(metric, "lower_is_better") == false;
}

std::string shares_chart(const Json& metrics) {
  std::vector<IntervalBar> bars;
  const auto add = [&](const std::string& label, const char* css_class, const Json& metric) {
    const auto interval = interval_of(metric);
    const bool is_drawn = std::isfinite(interval.low) && std::isfinite(interval.high);
    if (is_drawn) bars.push_back({label, css_class, interval});
  };
  for (const auto& [name, metric] : metrics.items()) {
    if (!is_share(metric)) continue;
    const auto label = words(name);
    if (metric.contains("baseline")) add(label + ", baseline", "old", metric["baseline"]);
    add(label, "new", metric);
  }
  return bars.empty() ? "" : interval_chart(bars);
}

// ", p 0.011" by Holm's correction; empty without a test.
std::string p_value_text(const Json& report, const std::string& figure_name) {
  const auto& figures = member(member(report, "verdict"), "figures");
  const auto& p = member(member(figures, figure_name), "adjusted_p_value");
  if (!p.is_number()) return "";
  return p.get<double>() < 0.001 ? ", p &lt; 0.001" : ", p " + figure(p, 3);
}

// The difference, its interval and what may be said of it, one below the other: a phone has no room
// beside them.
std::string difference_cell(const Json& report, const Json& task, const std::string& name,
                            const Json& metric) {
  const auto task_name = plain(member(task, "name"));
  const auto verdict = verdict_of(report, task_name, name);
  const auto& difference = member(metric, "difference");
  const int digits = digits_of(name);
  const char* css_class = verdict == "better" ? "good" : verdict == "worse" ? "bad" : "soft";
  return str("<td class=\"n\">", signed_figure(member(difference, "value"), digits), "<small>",
             signed_range(difference, digits), "</small><small class=\"verdict-of ", css_class,
             "\">", verdict.empty() ? nothing_shown(metric) : verdict,
             p_value_text(report, task_name + "." + name), "</small></td>");
}

std::string confusion_cell(double count, double row_sum, bool is_right) {
  const double share = row_sum > 0 ? count / row_sum : 0;
  const auto strength = static_cast<int>(std::lround(70 * share));
  return str("<td class=\"n\" style=\"background:color-mix(in srgb,var(",
             is_right ? "--fine" : "--fatal", ") ", strength, "%,transparent)\">",
             static_cast<int64_t>(count), "</td>");
}

std::string confusion_table(const Json& labels, const Json& run, std::string_view title) {
  auto html = str("<h3>", title,
                  "</h3>\n<div class=\"scroll\"><table class=\"confusion\"><thead><tr><th>true \\ "
                  "said</th>");
  for (const auto& label : labels) html += str("<th class=\"n\">", escaped(label), "</th>");
  html +=
      "<th class=\"n\">other</th><th class=\"n\">precision</th><th class=\"n\">recall</th><th "
      "class=\"n\">F1</th></tr></thead><tbody>\n";
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto& counts = run["confusion"][i];
    double sum = 0;
    for (const auto& count : counts) sum += count.get<double>();
    html += str("<tr><th>", escaped(labels[i]), "</th>");
    for (size_t j = 0; j < counts.size(); ++j)
      html += confusion_cell(counts[j].get<double>(), sum, i == j);
    const auto& score = member(member(run, "classes"), plain(labels[i]));
    for (const char* key : {"precision", "recall", "f1"})
      html += str("<td class=\"n\">", figure(member(score, key), 3), "</td>");
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::vector<ReliabilityPoint> reliability_points(const Json& calibration) {
  std::vector<ReliabilityPoint> points;
  for (const auto& bin : member(calibration, "bins")) {
    if (member(bin, "rows").is_number() && bin["rows"].get<double>() > 0) {
      points.push_back({.confidence = member(bin, "confidence").get<double>(),
                        .accuracy = member(bin, "accuracy").get<double>(),
                        .rows = bin["rows"].get<int64_t>()});
    }
  }
  return points;
}

std::string calibration_facts(const Json& calibration, std::string_view who) {
  std::string facts;
  for (const auto& [name, value] : calibration.items()) {
    if (value.is_number())
      facts += str(facts.empty() ? "" : " · ", html_escape(words(name)), " ", figure(value, 3));
  }
  return facts.empty() ? "" : str("<p class=\"soft\">", who, ": ", facts, "</p>\n");
}

// A bar of a figure between 0 and `full`, under its number.
std::string quality_row(const Json& entry) {
  const auto& full = member(entry, "full");  // the value of a full bar; null: without end
  const auto bar = [&](const Json& value, const char* css_class) {
    if (!value.is_number()) return std::string();
    const double share =
        full.is_number() ? std::clamp(value.get<double>() / full.get<double>(), 0.0, 1.0) : 0.0;
    return str("<div class=\"quality-bar ", css_class,
               "\"><i style=\"width:", fixed(100 * share, 1), "%\"></i><span>", figure(value, 3),
               "</span></div>");
  };
  return str("<div class=\"quality\"><b>", escaped(member(entry, "label")), "</b>",
             bar(member(entry, "baseline"), "old"), bar(member(entry, "model"), "new"), "</div>\n");
}

}  // namespace

std::string metrics_section(const Json& report, const Json& task) {
  const auto& metrics = member(task, "metrics");
  if (metrics.empty()) return "";
  const bool compared = std::ranges::any_of(
      metrics, [](const Json& metric) { return metric.contains("difference"); });
  const bool tested = member(member(report, "verdict"), "figures").is_object();
  auto html =
      str("<div class=\"card\">", shares_chart(metrics),
          "<div class=\"scroll\"><table class=\"metrics\"><thead><tr><th>figure</th>",
          compared ? "<th class=\"n old\">baseline</th>" : "", "<th class=\"n new\">model</th>",
          compared ? "<th class=\"n\">difference</th>" : "", "</tr></thead><tbody>\n");
  for (const auto& [name, metric] : metrics.items()) {
    const int digits = digits_of(name);
    html += str("<tr><th>", html_escape(words(name)), "</th>",
                compared ? cell(member(metric, "baseline"), digits) : "", cell(metric, digits),
                compared ? difference_cell(report, task, name, metric) : "", "</tr>\n");
  }
  html +=
      str("</tbody></table></div>\n<p class=\"soft\">Small figures are 95 % bootstrap intervals "
          "over the rows",
          compared ? "; differences are paired, row by row" : "",
          tested ? "; p-values are corrected for the number of figures (Holm)" : "", ".</p>\n");
  if (const auto text = right_answers_text(task); !text.empty())
    html += str("<p class=\"soft\">", html_escape(text), "</p>\n");
  std::string signatures;
  for (const auto& [name, metric] : metrics.items()) {
    if (member(metric, "signature").is_string())
      signatures += str(html_escape(name), ": ", escaped(metric["signature"]), "\n");
  }
  if (!signatures.empty())
    html += str("<details><summary>How each is computed</summary><pre>", signatures,
                "</pre></details>\n");
  return html + "</div>\n";
}

std::string quality_section(const Json& task) {
  const auto& quality = member(task, "quality");
  if (quality.empty()) return "";
  std::string html = "<h3>Accuracy, coherence and diversity</h3>\n<div class=\"card qualities\">\n";
  for (const char* group : {"accuracy", "coherence", "diversity"}) {
    std::string rows;
    for (const auto& entry : quality) {
      if (member(entry, "group") == group) rows += quality_row(entry);
    }
    html += str("<div><h3>", group, "</h3>",
                rows.empty() ? "<p class=\"soft\">not measured</p>" : rows, "</div>\n");
  }
  return html + "</div>\n";
}

std::string labels_section(const Json& task) {
  if (!task.contains("labels")) return "";
  std::string html = "<div class=\"card\">";
  if (task.contains("baseline"))
    html += confusion_table(task["labels"], task["baseline"], "Baseline by label");
  html += confusion_table(task["labels"], member(task, "model"), "Model by label");
  return html +
         "<p class=\"soft\">A line is a true label; the darker a cell, the larger its share of the "
         "line. Green is right.</p></div>\n";
}

std::string calibration_section(const Json& task) {
  const auto& model = member(member(task, "model"), "calibration");
  const auto& baseline = member(member(task, "baseline"), "calibration");
  const auto diagram = reliability_diagram({{"baseline", "old", reliability_points(baseline)},
                                            {"model", "new", reliability_points(model)}});
  if (diagram.empty()) return "";
  return str("<h3>Does it know what it knows?</h3>\n<div class=\"card\">", diagram,
             calibration_facts(baseline, "Baseline"), calibration_facts(model, "Model"),
             "</div>\n");
}

std::string groups_section(const Json& task) {
  const auto& groups = member(member(task, "groups"), "groups");
  if (groups.size() < 2) return "";
  std::string html =
      "<h3>Are groups served alike?</h3>\n<div class=\"card\"><div class=\"scroll\"><table><thead>"
      "<tr><th>group</th><th class=\"n\">rows</th><th "
      "class=\"n\">figure</th></tr></thead><tbody>\n";
  for (const auto& [name, group] : groups.items()) {
    html += str("<tr><th>", html_escape(excerpt(name, 60)), "</th><td class=\"n\">",
                escaped(member(group, "rows")), "</td>", cell(group, 3), "</tr>\n");
  }
  const auto& found = task["groups"];
  html +=
      str("</tbody></table></div>\n<p class=\"soft\">Gap ",
          figure(member(member(found, "gap"), "value"), 3), " (", range(member(found, "gap"), 3),
          "), smallest over largest ", figure(member(member(found, "ratio"), "value"), 3),
          ". Rows put into groups by chance differ as much in ",
          percent(member(found, "p_value"), 1), " of draws.");
  if (member(found, "small_groups") != 0)
    html += str(" ", escaped(member(found, "small_groups")), " groups are too small to compare.");
  return html + "</p></div>\n";
}

std::string slices_section(const Json& task) {
  const auto& slices = member(member(task, "slices"), "slices");
  std::string rows;
  constexpr size_t kMost = 12;
  size_t shown = 0;
  for (const auto& slice : slices) {
    const auto difference = interval_of(member(slice, "difference"));
    if (!(difference.value < 0) || ++shown > kMost) continue;
    const bool is_worse = member(slice, "verdict") == "worse";
    rows += str("<tr><th>", escaped(member(slice, "field")), " = ",
                html_escape(excerpt(plain(member(slice, "value")), 60)), "</th><td class=\"n\">",
                escaped(member(slice, "rows")), "</td><td class=\"n\">",
                escaped(member(slice, "worse_rows")), " / ", escaped(member(slice, "better_rows")),
                "</td><td class=\"n\">", signed_figure(Json(difference.value), 3), "<small>",
                signed_range(member(slice, "difference"), 3), "</small><small class=\"verdict-of ",
                is_worse ? "bad\">worse" : "soft\">within chance", "</small></td></tr>\n");
  }
  if (rows.empty()) return "";
  return str(
      "<h3>Where it got worse</h3>\n<div class=\"card\"><div "
      "class=\"scroll\"><table><thead><tr><th>rows "
      "with</th><th class=\"n\">rows</th><th class=\"n\">worse / better</th><th "
      "class=\"n\">difference</th></tr></thead><tbody>\n",
      rows, "</tbody></table></div></div>\n");
}

std::string gates_section(const Json& gates) {
  if (gates.empty()) return "";
  std::string html =
      "<h2>Quality gates</h2>\n<div class=\"card\"><div class=\"scroll\"><table><thead><tr>"
      "<th>figure</th><th>limit</th><th class=\"n\">value</th><th></th></tr></thead><tbody>\n";
  for (const auto& gate : gates) {
    std::string limit;
    if (member(gate, "limit").is_string()) {
      limit = escaped(gate["limit"]);
    } else {
      if (gate.contains("min")) limit += "at least " + figure(gate["min"], 3) + " ";
      if (gate.contains("max")) limit += "at most " + figure(gate["max"], 3);
    }
    const bool passed = member(gate, "passed") == true;
    html += str("<tr><th>", escaped(member(gate, "figure")), "</th><td>", limit,
                "</td><td class=\"n\">", figure(member(gate, "value"), 3), "</td><td><b class=\"",
                passed ? "good\">passed" : "bad\">failed", "</b></td></tr>\n");
  }
  return html + "</tbody></table></div></div>\n";
}

}  // namespace tunewright::eval
