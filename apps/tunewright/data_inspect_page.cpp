#include "tunewright/data_inspect_page.h"

#include <algorithm>

#include "tunewright/base/str.h"

namespace tunewright::app {
namespace {

using rows::Distribution;

constexpr int64_t kBars = 24;
constexpr size_t kValues = 12, kShownBytes = 2000;

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>What is in the data</title>
<style>
:root{--ink:#1c2733;--soft:#5b6b7b;--line:#dfe5ea;--page:#f5f7f9;--card:#fff;--bar:#2f6fb2;--warning:#9a6200}
@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#9aa9b8;--line:#2c3844;--page:#12181e;--card:#1a222b;
--bar:#7db4ee;--warning:#e8b04b}}
*{box-sizing:border-box}body{margin:0 auto;max-width:62rem;padding:1.2rem 1rem 3rem;color:var(--ink);
background:var(--page);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .6rem;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}.warning{color:var(--warning)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem;margin:.7rem 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.7rem}
.figures b{display:block;font-size:1.15rem;font-variant-numeric:tabular-nums}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}
svg{display:block;width:100%;height:auto}rect{fill:var(--bar)}text{fill:var(--soft);font:11px system-ui,sans-serif}
pre{font:.82rem/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
</style></head><body>
)";

std::string figure(std::string_view name, const std::string& value) {
  return str("<div><b>", value, "</b><span class='soft'>", name, "</span></div>");
}

// Columns over an axis that names both ends.
std::string histogram(std::string_view title, const Distribution& values) {
  const auto bars = values.bars(kBars);
  if (bars.empty()) return {};
  constexpr double kWidth = 320, kHeight = 90;
  int64_t highest = 1;
  for (const auto& bar : bars) highest = std::max(highest, bar.count);
  const double width = kWidth / static_cast<double>(bars.size());
  auto svg = str("<div><b>", html_escape(title), "</b><svg viewBox='0 0 320 110' role='img'>");
  for (size_t i = 0; i < bars.size(); ++i) {
    const double height =
        kHeight * static_cast<double>(bars[i].count) / static_cast<double>(highest);
    svg += str("<rect x='", fixed(width * static_cast<double>(i) + 1, 1), "' y='",
               fixed(kHeight - height, 1), "' width='", fixed(std::max(width - 2, 1.0), 1),
               "' height='", fixed(height, 1), "'><title>", bars[i].from, " to ", bars[i].to, ": ",
               bars[i].count, "</title></rect>");
  }
  return svg + str("<text x='0' y='106'>", values.min(),
                   "</text><text x='160' y='106' "
                   "text-anchor='middle'>median ",
                   values.quantile(0.5), "</text><text x='320' y='106' text-anchor='end'>",
                   values.max(), "</text></svg></div>");
}

// Lines with their share, most frequent first.
std::string shares(std::string_view title, const std::map<std::string, int64_t>& counts) {
  if (counts.empty()) return {};
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater(), &std::pair<std::string, int64_t>::second);
  if (sorted.size() > kValues) sorted.resize(kValues);
  auto svg = str("<div><b>", html_escape(title), "</b><svg viewBox='0 0 320 ",
                 sorted.size() * 20 + 4, "' role='img'>");
  for (size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, count] = sorted[i];
    const double width = 130 * static_cast<double>(count) /
                         static_cast<double>(std::max<int64_t>(sorted[0].second, 1));
    const auto y = i * 20;
    svg +=
        str("<text x='0' y='", y + 14, "'>", html_escape(excerpt(name, 22)),
            "</text><rect x='130' y='", y + 4, "' width='", fixed(std::max(width, 1.0), 1),
            "' height='12'/><text x='320' y='", y + 14, "' text-anchor='end'>", count, "</text>");
  }
  return svg + "</svg></div>";
}

std::string key_html(const std::string& name, const rows::KeyInspection& key) {
  std::vector<std::string> types;
  types.reserve(key.types.size());
  for (const auto& [type, rows] : key.types) types.push_back(str(type, " ", rows));
  return str("<div class='card'><b>", html_escape(excerpt(name)), "</b> <span class='soft'>",
             html_escape(join(types, ", ")), "</span><div class='plots'>",
             histogram("characters", key.characters), histogram("items", key.items),
             key.many_values ? "" : shares("values", key.values), "</div></div>\n");
}

std::string file_html(const InspectedFile& file) {
  const auto& found = file.found;
  auto html = str("<h2>", html_escape(file.path), "</h2><div class='card'><div class='figures'>",
                  figure("rows", str(found.report.rows)), figure("files", str(found.report.files)),
                  figure("set aside", str(found.report.set_aside)),
                  figure("exact duplicates", str(found.duplicates)), "</div>");
  for (const auto& note : found.report.notes)
    html += str("<div class='soft'>", html_escape(note), "</div>");
  for (const auto& aside : found.first_set_aside)
    html += str("<div class='soft warning'>set aside: ", html_escape(aside.source), " row ",
                aside.row, ": ", html_escape(excerpt(aside.reason, 300)), "</div>");
  html +=
      str("</div><div class='card plots'>", histogram("characters a row", found.text_characters),
          histogram("words a row", found.text_words), shares("formats", found.row_formats),
          shares("languages", found.languages), shares("personal data", found.entities),
          shares("set aside", found.set_aside_reasons), "</div>\n");
  for (const auto& name : found.key_order) html += key_html(name, found.keys.at(name));
  for (const auto& sample : found.samples)
    html += str("<pre class='card'>", html_escape(pretty_json(sample).substr(0, kShownBytes)),
                "</pre>\n");
  return html;
}

}  // namespace

std::string inspect_page(const std::vector<InspectedFile>& files) {
  std::string html = kHead;
  html += "<h1>What is in the data</h1>\n";
  for (const auto& file : files) html += file_html(file);
  return html + "</body></html>\n";
}

}  // namespace tunewright::app
