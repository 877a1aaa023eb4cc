#include <cmath>

#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/eval/chart.h"
#include "tunewright/eval/report.h"

namespace tunewright::eval {
namespace {

constexpr std::string_view kStyle = R"(
:root{--ink:#17212b;--soft:#5a6875;--line:#dfe5ea;--page:#fff;--box:#f5f7f9;--new:#1769aa;--old:#a8640f;--good:#1a7f4b;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa8b5;--line:#2c3843;--page:#12181e;--box:#1a2229;--new:#6db3f2;--old:#e0a458;--good:#5fc48d;--bad:#f2877f}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--page);max-width:54rem;margin:0 auto;padding:1.5rem 1rem 4rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem}h2{font-size:1.25rem;margin:2.5rem 0 .5rem}h3{font-size:1rem;margin:1.75rem 0 .5rem}
p{margin:.5rem 0}.soft,.legend,figcaption{color:var(--soft);font-size:.875rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:1.25rem 0}
.card{background:var(--box);border-radius:.6rem;padding:.75rem .9rem}.card b{display:block;font-size:1.3rem;line-height:1.3;font-variant-numeric:tabular-nums}
.card .name{font-size:.8rem;color:var(--soft)}.card .more{font-size:.8rem;color:var(--soft)}
.scroll{overflow-x:auto}table{overflow-wrap:normal;border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.4rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}th:first-child,td:first-child{text-align:left}
thead th{font-size:.8rem;color:var(--soft);font-weight:600}tbody th{font-weight:500}td small{display:block;color:var(--soft);white-space:nowrap}
svg{display:block;width:100%;max-width:33rem;height:auto;margin:.75rem 0}svg text{font-size:12px;fill:var(--soft)}
.grid{stroke:var(--line)}polyline{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}circle{fill:currentColor}.whisker{stroke:currentColor;stroke-width:3;stroke-linecap:round}
.new{color:var(--new)}.old{color:var(--old)}polyline.faint{opacity:.35;stroke-width:1}
.legend span{margin-right:1rem;white-space:nowrap}i.line,i.dot{display:inline-block;margin-right:.35rem;vertical-align:middle;background:currentColor}i.line{width:1.2rem;height:3px}i.dot{width:.6rem;height:.6rem;border-radius:50%}i.faint{opacity:.35}
.sample{border:1px solid var(--line);border-radius:.6rem;margin:.75rem 0;overflow:hidden}.question{padding:.75rem .9rem;white-space:pre-wrap;font-size:.9rem;max-height:14rem;overflow-y:auto}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));border-top:1px solid var(--line);background:var(--box)}.answers div{padding:.6rem .9rem}.answers div p{margin:.15rem 0 0;white-space:pre-wrap}
.good{color:var(--good)}.bad{color:var(--bad)}
pre{background:var(--box);border-radius:.6rem;padding:.9rem;overflow-x:auto;font-size:.8rem;line-height:1.45}details summary{cursor:pointer;margin-top:2rem}
@media(max-width:34rem){th,td{padding:.35rem .25rem;font-size:.82rem}thead th{font-size:.72rem}td small{white-space:normal}})";

std::string text(const Json& value) {
  return html_escape(value.is_string() ? value.get<std::string>() : dump_json(value));
}

int digits_of(const std::string& metric) { return metric == "perplexity" ? 2 : 3; }

std::string figure(const Json& value, int digits) {
  return value.is_number() ? fixed(value.get<double>(), digits) : "–";
}

std::string signed_figure(const Json& value, int digits) {
  const auto plain = figure(value, digits);
  return value.is_number() && value.get<double>() >= 0 ? "+" + plain : replace_all(plain, "-", "−");
}

std::string range(const Json& interval, int digits) {
  return figure(interval["low"], digits) + " to " + figure(interval["high"], digits);
}

std::string card(const std::string& name, const std::string& value, const std::string& more) {
  return str("<div class=\"card\"><span class=\"name\">", html_escape(name), "</span><b>",
             html_escape(value), "</b><span class=\"more\">", html_escape(more), "</span></div>\n");
}

std::string metric_card(const std::string& task, const std::string& name, const Json& metric) {
  const int digits = digits_of(name);
  const bool compared = metric.contains("baseline");
  const auto value =
      (compared ? figure(metric["baseline"]["value"], 2) + " → " : "") + figure(metric["value"], 2);
  return card(str(task, " · ", replace_all(name, "_", " ")), value,
              "95 %: " + range(metric, digits));
}

std::string cards(const Json& report) {
  std::string out = "<div class=\"cards\">\n";
  for (const auto& task : report["tasks"]) {
    for (const auto& [name, metric] : task["metrics"].items())
      out += metric_card(task["name"].get<std::string>(), name, metric);
  }
  const auto& training = report["training"];
  if (training.is_object() && training.contains("train_seconds") &&
      training.contains("peak_memory_bytes")) {
    out += card("training", human_seconds(training["train_seconds"].get<double>()),
                "memory " + human_bytes(training["peak_memory_bytes"].get<double>()));
  }
  out += card("evaluation", human_seconds(report["seconds"].get<double>()),
              "memory " + human_bytes(report["peak_memory_bytes"].get<double>()));
  return out + "</div>\n";
}

Interval interval_of(const Json& json) {
  const auto get = [&](const char* key) {
    return json[key].is_number() ? json[key].get<double>() : NAN;
  };
  return {.value = get("value"), .low = get("low"), .high = get("high")};
}

// Shares only: a loss has another scale.
std::string shares_chart(const Json& metrics) {
  std::vector<IntervalBar> bars;
  for (const auto& [name, metric] : metrics.items()) {
    if (metric["lower_is_better"].get<bool>()) continue;
    const auto label = replace_all(name, "_", " ");
    if (metric.contains("baseline"))
      bars.push_back({label + ", baseline", "old", interval_of(metric["baseline"])});
    bars.push_back({label, "new", interval_of(metric)});
  }
  return bars.empty() ? "" : interval_chart(bars);
}

std::string cell(const Json& interval, int digits) {
  return str("<td>", figure(interval["value"], digits), "<small>", range(interval, digits),
             "</small></td>");
}

// Whether the interval of the difference leaves out "no difference".
std::string difference_cell(const Json& metric, int digits) {
  const auto& difference = metric["difference"];
  const auto interval = interval_of(difference);
  const bool better = metric["lower_is_better"].get<bool>() ? interval.high < 0 : interval.low > 0;
  const bool worse = metric["lower_is_better"].get<bool>() ? interval.low > 0 : interval.high < 0;
  return str("<td class=\"",
             better  ? "good"
             : worse ? "bad"
                     : "",
             "\">", signed_figure(difference["value"], digits), "<small>",
             signed_figure(difference["low"], digits), " to ",
             signed_figure(difference["high"], digits), "</small></td>");
}

std::string metrics_table(const Json& metrics, bool compared) {
  std::string out =
      str("<div class=\"scroll\"><table><thead><tr><th>figure</th>",
          compared ? "<th class=\"old\">baseline</th>" : "", "<th class=\"new\">model</th>",
          compared ? "<th>difference</th>" : "", "</tr></thead><tbody>\n");
  for (const auto& [name, metric] : metrics.items()) {
    const int digits = digits_of(name);
    out += str("<tr><th>", html_escape(replace_all(name, "_", " ")), "</th>",
               compared ? cell(metric["baseline"], digits) : "", cell(metric, digits),
               compared ? difference_cell(metric, digits) : "", "</tr>\n");
  }
  return out +
         "</tbody></table></div>\n<p class=\"soft\">The small figures are 95 % bootstrap intervals "
         "over the rows" +
         (compared ? "; differences are paired, row by row. Green: better beyond chance." : ".") +
         "</p>\n";
}

std::string class_table(const Json& labels, const Json& run, const std::string& title) {
  std::string out = str("<h3>", html_escape(title),
                        "</h3>\n<div class=\"scroll\"><table><thead><tr><th>true label</th>");
  for (const auto& label : labels) out += str("<th>said ", text(label), "</th>");
  out += "<th>other</th><th>precision</th><th>recall</th><th>F1</th></tr></thead><tbody>\n";
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto& score = run["classes"][labels[i].get<std::string>()];
    out += str("<tr><th>", text(labels[i]), "</th>");
    for (const auto& count : run["confusion"][i]) out += str("<td>", text(count), "</td>");
    out += str("<td>", figure(score["precision"], 3), "</td><td>", figure(score["recall"], 3),
               "</td><td>", figure(score["f1"], 3), "</td></tr>\n");
  }
  return out + "</tbody></table></div>\n";
}

std::string answer_box(const char* who, const char* css_class, const Json& answer) {
  const auto shown = answer.get<std::string>();
  return str("<div><span class=\"soft ", css_class, "\">", who, "</span><p>",
             shown.empty() ? "(nothing)" : html_escape(shown), "</p></div>");
}

std::string samples(const Json& task) {
  if (task["samples"].empty()) return "";
  std::string out = "<h3>Sample answers</h3>\n";
  for (const auto& sample : task["samples"]) {
    out += str("<div class=\"sample\"><div class=\"question\">", text(sample["question"]),
               "</div><div class=\"answers\">", answer_box("right answer", "", sample["reference"]),
               sample.contains("baseline_answer")
                   ? answer_box("baseline", "old", sample["baseline_answer"])
                   : "",
               answer_box("model", "new", sample["answer"]), "</div></div>\n");
  }
  return out;
}

std::string task_section(const Json& task) {
  const bool compared = task.contains("baseline");
  std::string out =
      str("<h2>", text(task["name"]), "</h2>\n<p class=\"soft\">", text(task["rows"]), " rows of ",
          text(task["options"]["data"]), ", ", text(task["options"]["type"]),
          compared ? ", both models on the same rows" : "", "</p>\n", shares_chart(task["metrics"]),
          metrics_table(task["metrics"], compared));
  if (task.contains("labels")) {
    if (compared) out += class_table(task["labels"], task["baseline"], "Baseline by label");
    out += class_table(task["labels"], task["model"], "Model by label");
  }
  return out + samples(task);
}

std::vector<std::pair<double, double>> points(const Json& training, const char* curve) {
  std::vector<std::pair<double, double>> out;
  if (!training.contains("curves") || !training["curves"].contains(curve)) return out;
  for (const auto& pair : training["curves"][curve]) {
    if (pair[1].is_number()) out.emplace_back(pair[0].get<double>(), pair[1].get<double>());
  }
  return out;
}

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
  return str("<h2>Training</h2>\n<p class=\"soft\">", html_escape(facts), "</p>\n", chart);
}

std::string gates_section(const Json& gates) {
  if (gates.empty()) return "";
  std::string out =
      "<h2>Quality gates</h2>\n<div "
      "class=\"scroll\"><table><thead><tr><th>figure</th><th>limit</th><th>value</th><th></th></"
      "tr></thead><tbody>\n";
  for (const auto& gate : gates) {
    std::string limit;
    if (gate.contains("min")) limit += "at least " + figure(gate["min"], 3) + " ";
    if (gate.contains("max")) limit += "at most " + figure(gate["max"], 3);
    const bool passed = gate["passed"].get<bool>();
    out += str("<tr><th>", text(gate["figure"]), "</th><td>", limit, "</td><td>",
               figure(gate["value"], 3), "</td><td class=\"",
               passed ? "good\">passed" : "bad\">failed", "</td></tr>\n");
  }
  return out + "</tbody></table></div>\n";
}

std::string described(const Json& model) {
  auto name = html_escape(model["path"].get<std::string>());
  if (model["adapter"].is_string()) name += " with " + text(model["adapter"]);
  return name;
}

}  // namespace

std::string report_page(const Json& report) {
  const auto base =
      std::filesystem::path(report["model"]["path"].get<std::string>()).filename().string();
  const auto title = html_escape("Evaluation of " + base);
  std::string body =
      str("<h1>", title, "</h1>\n<p class=\"soft\"><span class=\"new\">Model:</span> ",
          described(report["model"]),
          report["baseline"].is_object()
              ? "<br><span class=\"old\">Baseline:</span> " + described(report["baseline"])
              : "",
          "</p>\n", cards(report));
  for (const auto& task : report["tasks"]) body += task_section(task);
  body += training_section(report["training"]) + gates_section(report["gates"]);
  body += str("<details><summary>Configuration</summary><pre>",
              html_escape(dump_yaml(report["config"])), "</pre></details>\n",
              "<p class=\"soft\">tunewright ", text(report["tunewright"]), ", ",
              text(report["finished_at"]), "</p>\n");
  return str("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>",
             title, "</title><style>", kStyle, "</style></head>\n<body>\n", body,
             "</body></html>\n");
}

}  // namespace tunewright::eval
