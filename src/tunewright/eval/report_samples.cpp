#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/base/word_diff.h"
#include "tunewright/eval/report_parts.h"

namespace tunewright::eval {
namespace {

constexpr size_t kMostBytes = 3000;  // of a text on the page; the files hold it whole

enum class Side { kBefore, kAfter };

// One side of a comparison: what the other side does not have is marked.
std::string marked(std::string_view before, std::string_view after, Side side) {
  using enum DiffPart::Kind;
  const auto whole = side == Side::kBefore ? before : after;
  std::string html;
  for (const auto& [kind, text] :
       word_diff(cut_text(before, kMostBytes), cut_text(after, kMostBytes))) {
    if (kind == kSame) html += html_escape(text);
    if (kind == kRemoved && side == Side::kBefore)
      html += str("<del>", html_escape(text), "</del>");
    if (kind == kAdded && side == Side::kAfter) html += str("<ins>", html_escape(text), "</ins>");
  }
  const auto rest = whole.size() - cut_text(whole, kMostBytes).size();
  if (rest > 0) {
    html += str(" <span class=\"soft\">… cut here: ", human_bytes(static_cast<double>(rest)),
                " more</span>");
  }
  return html;
}

std::string answer_box(std::string_view who, std::string_view css_class, const std::string& html) {
  return str("<div><span class=\"soft ", css_class, "\">", who, "</span><p>",
             html.empty() ? "<span class=\"soft\">(nothing)</span>" : html, "</p></div>");
}

std::string sample_html(const Json& sample) {
  const auto answer = plain(member(sample, "answer")),
             reference = plain(member(sample, "reference"));
  std::string boxes = answer_box("right answer", "", html_cut(reference, kMostBytes));
  if (sample.contains("baseline_answer")) {
    const auto baseline = plain(sample["baseline_answer"]);
    boxes += answer_box("baseline", "old", marked(baseline, answer, Side::kBefore)) +
             answer_box("model", "new", marked(baseline, answer, Side::kAfter));
  } else {
    boxes += answer_box("model", "new", marked(reference, answer, Side::kAfter));
  }
  return str("<div class=\"sample\"><div class=\"question\">",
             html_cut(plain(member(sample, "question")), kMostBytes),
             "</div><div class=\"answers\">", boxes, "</div></div>\n");
}

}  // namespace

std::string samples_section(const Json& task) {
  const auto& samples = member(task, "samples");
  if (samples.empty()) return "";
  const bool compared = samples[0].contains("baseline_answer");
  auto html = str("<h3>Sample answers</h3>\n<p class=\"soft\">Marked words stand in one answer ",
                  compared ? "of the two models alone.</p>\n" : "and not in the right one.</p>\n");
  for (const auto& sample : samples) html += sample_html(sample);
  return html;
}

}  // namespace tunewright::eval
