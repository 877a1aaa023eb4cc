#include <algorithm>

#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/base/word_diff.h"
#include "tunewright/base/yaml.h"
#include "tunewright/corpus/build/charts.h"
#include "tunewright/corpus/build/report.h"

namespace tunewright::corpus {
namespace {

constexpr std::string_view kStyle = R"(
:root{--after:var(--note);--before:#a9b8c6}@media(prefers-color-scheme:dark){:root{--before:#536475}}
svg .left,svg .after{fill:var(--after)}svg .gone{fill:var(--gone)}svg .before{fill:var(--before)}
.key span::before{content:"";display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .35em 0 0}
.key .before::before{background:var(--before)}.key .after::before{background:var(--after)}.key .gone::before{background:var(--gone)}
td,th{overflow-wrap:anywhere}.scroll td,.scroll th{white-space:nowrap}
)";

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : dump_json(json);
}

std::string escaped(const Json& json) { return html_escape(text_of(json)); }

std::string figure(std::string_view name, const Json& value) {
  return html_figure(name, text_of(value));
}

std::string verdict_html(const Json& report) {
  const auto& rows = report["rows"];
  const bool is_fine = report["verdict"] == "fine";
  return str("<p class='card verdict ", escaped(report["verdict"]), "'>", rows["written"],
             " rows from ", rows["source"],
             is_fine ? ", every one accounted for: ready for training."
                     : ": usable, with warnings; read them first.",
             "</p>\n<div class='card figures'>", figure("source rows", rows["source"]),
             figure("kept as they were", rows["kept"]), figure("changed", rows["changed"]),
             figure("dropped", rows["dropped"]), figure("written", rows["written"]), "</div>\n");
}

std::string findings_html(const Json& findings) {
  std::string html = "<div class='card'>\n";
  for (const auto& finding : findings) {
    const auto severity = text_of(finding["severity"]);
    html += str("<div class='finding ", severity, "'><b>", severity == "fine" ? "OK" : severity,
                "</b><span>", escaped(finding["text"]), "</span>");
    if (finding["next_step"] != "") html += str("<i>→ ", escaped(finding["next_step"]), "</i>");
    html += "</div>\n";
  }
  return html + "</div>\n";
}

std::string counts_row(std::string_view name, const Json& splits, const char* key) {
  std::map<std::string, std::map<std::string, int64_t>> table;
  for (const auto& split : splits) {
    for (const auto& [value, rows] : split["texts"][key].items())
      table[value][text_of(split["split"])] = rows;
  }
  if (table.empty()) return "";
  std::string html = str("<h3>", name, "</h3><div class='scroll'><table><tr><th></th>");
  for (const auto& split : splits) html += str("<th class='n'>", escaped(split["split"]), "</th>");
  html += "</tr>\n";
  constexpr size_t kMostRows = 30;
  size_t rows = 0;
  for (auto& [value, counts] : table) {
    if (++rows > kMostRows) {
      html += str("<tr><td class='soft'>… and ", table.size() - kMostRows, " more</td></tr>\n");
      break;
    }
    html += str("<tr><td>", html_escape(value), "</td>");
    for (const auto& split : splits)
      html += str("<td class='n'>", counts[text_of(split["split"])], "</td>");
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string files_html(const Json& report) {
  std::string html =
      "<h2>What was written</h2><div class='card'><div class='scroll'><table>"
      "<tr><th>file</th><th class='n'>rows</th><th class='n'>characters</th>"
      "<th class='n'>shortest</th><th class='n'>longest</th></tr>\n";
  for (const auto& split : report["splits"]) {
    const auto& texts = split["texts"];
    html +=
        str("<tr><td>",
            split["file"].is_null() ? escaped(split["split"]) + ": no row" : escaped(split["file"]),
            "</td><td class='n'>", texts["rows"], "</td><td class='n'>", texts["characters"],
            "</td><td class='n'>", texts["shortest"], "</td><td class='n'>", texts["longest"],
            "</td></tr>\n");
  }
  return html + "</table></div></div>\n";
}

std::string charts_html(const Json& report) {
  auto html =
      str("<h2>What is left after each step</h2><div class='card'>", funnel_chart(report["steps"]),
          "<p class='soft key'><span class='after'>left</span><span class='gone'>dropped there"
          "</span></p></div>\n<h2>Lengths</h2><div class='card'>",
          length_chart(report["texts"]["before"]["lengths"], report["texts"]["after"]["lengths"]),
          "<p class='soft key'><span class='before'>rows read</span><span class='after'>rows "
          "written</span> characters of a row, from … on</p></div>\n");
  const auto& languages = report["texts"]["after"]["languages"];
  if (!languages.empty()) {
    html += str("<h2>Languages</h2><div class='card'>", count_chart(languages), "</div>\n");
  } else {
    html += "<p class='soft'>Languages: rows say none; the step `language` writes the field.</p>\n";
  }
  const auto labels = counts_row("Labels", report["splits"], "labels");
  if (!labels.empty()) html += str("<h2>Balance</h2><div class='card'>", labels, "</div>\n");
  return html;
}

std::string diff_html(const Json& before, const Json& after) {
  std::string html;
  for (const auto& [kind, text] : word_diff(text_of(before), text_of(after))) {
    using enum DiffPart::Kind;
    const char* tag = kind == kRemoved ? "del" : kind == kAdded ? "ins" : "span";
    html += str("<", tag, ">", html_visible(text), "</", tag, ">");
  }
  return html;
}

std::string samples_html(const Json& samples, std::string_view what) {
  std::string html;
  for (const auto& sample : samples) {
    const bool is_changed = sample.contains("after");
    html += str("<details><summary>", what, ": ", escaped(sample["reason"]), " <span class='soft'>",
                escaped(sample["source"]), ", row ", sample["row"],
                "</span></summary><div class='text'>",
                is_changed ? diff_html(sample["before"], sample["after"])
                           : html_visible(text_of(sample["before"])),
                "</div></details>\n");
  }
  return html;
}

std::string step_html(const Json& step) {
  auto html =
      str("<div class='card'><h3>", escaped(step["name"]), "</h3><p class='soft'>", step["rows"],
          " rows came: ", step["kept"], " kept, ", step["changed"], " changed, ", step["dropped"],
          " dropped", step["added"] == 0 ? "" : str(", ", step["added"], " added"), "</p>\n");
  if (!step["reasons"].empty()) {
    html += "<table>\n";
    constexpr size_t kMostReasons = 12;
    size_t count = 0;
    for (const auto& [reason, rows] : step["reasons"].items()) {
      if (++count > kMostReasons) break;
      html += str("<tr><td>", html_escape(reason), "</td><td class='n'>", rows, "</td></tr>\n");
    }
    html += "</table>\n";
  }
  if (!step["summary"].empty()) {
    html += str("<details><summary>What it found</summary><pre>",
                html_escape(excerpt_of_summary(step["summary"])), "</pre></details>\n");
  }
  return html + samples_html(step["samples"]["dropped"], "dropped") +
         samples_html(step["samples"]["changed"], "changed") + "</div>\n";
}

std::string sources_html(const Json& sources) {
  std::string html = "<h2>Sources</h2>\n";
  for (const auto& source : sources) {
    html += str("<div class='card'><h3 class='soft'>", escaped(source["path"]),
                "</h3><p class='soft'>", source["files"], " files");
    for (const auto& [format, files] : source["formats"].items())
      html += str(" · ", files, " ", html_escape(format));
    html += "</p>\n";
    for (const auto& note : source["notes"])
      html += str("<p class='soft'>", escaped(note), "</p>\n");
    html += "</div>\n";
  }
  return html;
}

}  // namespace

std::string build_page(const Json& report) {
  auto html = str("<h1>", report["title"] == "" ? "The data" : escaped(report["title"]), "</h1>\n",
                  verdict_html(report), findings_html(report["findings"]), files_html(report),
                  charts_html(report), "<h2>Step by step</h2>\n");
  for (const auto& step : report["steps"]) html += step_html(step);
  html += sources_html(report["sources"]);
  html +=
      str("<h2>The recipe</h2><div class='card'><pre>", html_escape(dump_yaml(report["recipe"])),
          "</pre><p class='soft'>tunewright ", escaped(report["tunewright"]),
          "; the hashes of what went in and came out are in manifest.json</p></div>\n");
  return html_page({.title = "What the data was made of",
                    .style = std::string(kStyle),
                    .body = std::move(html)});
}

}  // namespace tunewright::corpus
