#include "tunewright/data_inspect_page.h"

#include <algorithm>

#include "tunewright/base/html.h"
#include "tunewright/base/str.h"

namespace tunewright::app {
namespace {

using rows::Distribution;

constexpr int64_t kBars = 24;
constexpr size_t kValues = 12, kShownBytes = 2000;

constexpr std::string_view kStyle = R"(
body{max-width:62rem}.warning{color:var(--warning)}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}
svg{max-width:none}rect{fill:var(--note)}svg text{fill:var(--soft);font-size:11px}
)";

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
                  html_figure("rows", str(found.report.rows)),
                  html_figure("files", str(found.report.files)),
                  html_figure("set aside", str(found.report.set_aside)),
                  html_figure("exact duplicates", str(found.duplicates)), "</div>");
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
  std::string html = "<h1>What is in the data</h1>\n";
  for (const auto& file : files) html += file_html(file);
  return html_page(
      {.title = "What is in the data", .style = std::string(kStyle), .body = std::move(html)});
}

}  // namespace tunewright::app
