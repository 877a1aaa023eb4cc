#include "tunewright/data_preview_page.h"

#include <algorithm>

#include "tunewright/base/html.h"
#include "tunewright/base/str.h"

namespace tunewright::app {
namespace {

constexpr std::string_view kStyle = R"(
:root{--learn:#d3f2dc;--learn2:#bfe9cc}@media(prefers-color-scheme:dark){:root{--learn:#174a2b;--learn2:#1f5d37}}
body{max-width:62rem}.figures{margin:.6rem 0 .2rem}
.bar{height:.6rem;border-radius:.3rem;background:var(--chip);overflow:hidden}.bar i{display:block;height:100%;background:var(--fine)}
.text .t{color:var(--soft)}.text .l{color:inherit;background:var(--learn);border-radius:3px}.text .l:nth-child(even){background:var(--learn2)}
.text .s{outline:1px solid var(--soft);outline-offset:-1px;border-radius:3px;padding:0 .15rem}
.key .l,.key .t{padding:0 .3rem}hr{border:0;border-top:1px dashed var(--line);margin:.8rem 0}
)";

std::string_view word(data::Severity severity) {
  switch (severity) {
    case data::Severity::kFine:
      return "fine";
    case data::Severity::kNote:
      return "note";
    case data::Severity::kWarning:
      return "warning";
    case data::Severity::kFatal:
      return "fatal";
  }
  return "";
}

std::string percent(int64_t part, int64_t whole) {
  return fixed(whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole), 1);
}

std::string verdict(const Preview& preview) {
  auto worst = data::Severity::kFine;
  for (const auto& set : preview.sets) {
    for (const auto& finding : set.findings) worst = std::max(worst, finding.severity);
  }
  for (const auto& set : preview.sets) {
    for (const auto& file : set.files) {
      if (!file.stops_training.empty()) {
        return str("<p class='card verdict fatal'>Training would stop: ",
                   html_escape(file.stops_training), "</p>\n");
      }
    }
  }
  if (worst == data::Severity::kFatal) {
    return str(
        "<p class='card verdict fatal'>The proof failed: training on these rows would teach "
        "something else than what is served.</p>\n");
  }
  if (worst == data::Severity::kWarning)
    return "<p class='card verdict warning'>Trainable, with warnings: read them first.</p>\n";
  return "<p class='card verdict fine'>Proved: training will see exactly what serving "
         "renders.</p>\n";
}

std::string finding_html(const data::Finding& finding) {
  const auto severity = word(finding.severity);
  auto html = str("<div class='finding ", severity, "'><b>", severity == "fine" ? "OK" : severity,
                  "</b><span>", html_escape(finding.text), "</span>");
  if (!finding.next_step.empty()) html += str("<i>→ ", html_escape(finding.next_step), "</i>");
  return html + "</div>\n";
}

std::string file_html(const data::FileReport& file) {
  const auto share = percent(file.supervised_tokens, file.tokens);
  return str("<div class='card'><b>", html_escape(file.path), "</b> <span class='soft'>",
             html_escape(file.format), "</span><div class='figures'>",
             html_figure("rows", str(file.rows)), html_figure("kept", str(file.kept)),
             html_figure("changed", str(file.changed)), html_figure("dropped", str(file.dropped)),
             html_figure("tokens", str(file.tokens)), html_figure("supervised", share + " %"),
             html_figure("longest, tokens", str(file.longest)),
             "</div><div class='bar'><i style='width:", share, "%'></i></div></div>\n");
}

// A token's text is what the tokens so far decode to more than those before it; where a character
// spans several tokens, it stands at the last of them.
std::string tokens_html(const data::Example& example, const data::TextModel& model) {
  text::StreamDecoder decoder(model.tokenizer, /*skip_special=*/false);
  std::string html = "<p class='text'>";
  for (size_t i = 0; i < example.ids.size(); ++i) {
    auto piece = decoder.put(example.ids[i]);
    if (i + 1 == example.ids.size()) piece += decoder.finish();
    if (piece.empty()) continue;
    const bool learnt = example.labels[i] != data::kIgnoreLabel;
    const auto weight =
        learnt && !example.weights.empty() ? str(", weight ", example.weights[i]) : "";
    html += str("<span class='", learnt ? "l" : "t",
                model.tokenizer.is_special(example.ids[i]) ? " s" : "", "' title='", example.ids[i],
                weight, "'>", html_visible(piece), "</span>");
  }
  return html + "</p>";
}

std::string row_html(const ShownRow& row, const data::TextModel& model) {
  auto html =
      str("<div class='card'><b>", html_escape(describe(row.place)), "</b> <span class='soft'>",
          row.is_used ? html_escape(row.ledger.decision) : "not used",
          row.ledger.reason.empty() ? "" : ": " + html_escape(row.ledger.reason), "</span>");
  for (size_t i = 0; i < row.examples.size(); ++i) {
    const auto& example = row.examples[i];
    html += str(i > 0 ? "<hr>" : "", "<div class='soft'>", example.ids.size(), " tokens, ",
                example.supervised_tokens(), " supervised</div>", tokens_html(example, model));
  }
  return html + "</div>\n";
}

}  // namespace

bool Preview::fails() const {
  return std::ranges::any_of(sets, [](const PreviewSet& set) {
    return std::ranges::any_of(set.findings, [](const data::Finding& finding) {
      return finding.severity == data::Severity::kFatal;
    });
  });
}

std::string preview_page(const Preview& preview, const data::TextModel& model) {
  auto html = str("<h1>What training will see</h1><p class='soft'>", html_escape(preview.config),
                  " · model ", html_escape(preview.model_path), " · max_length ",
                  preview.options.max_length, "</p>\n", verdict(preview));
  for (const auto& set : preview.sets) {
    html += str("<h2>Proof of ", html_escape(set.name), "</h2><div class='card'>\n");
    for (const auto& finding : set.findings) html += finding_html(finding);
    html += "</div>\n";
    for (const auto& file : set.files) html += file_html(file);
  }
  html +=
      "<h2>Rows</h2><p class='soft key text'><span class='l'>supervised: learnt</span> "
      "<span class='t'>read only</span> <span class='t s'>special token</span></p>\n";
  for (const auto& row : preview.rows) html += row_html(row, model);
  return html_page(
      {.title = "What training will see", .style = std::string(kStyle), .body = std::move(html)});
}

}  // namespace tunewright::app
