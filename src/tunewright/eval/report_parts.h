#pragma once
#include <string>
#include <string_view>

#include "tunewright/base/json.h"
#include "tunewright/eval/bootstrap.h"

// What report.html and report.md are put together from.  Inner to the report; everything is read
// out of report.json, and what is not in there leaves no trace on the page.
namespace tunewright::eval {

// A member, or null where the value is no object or has none.
const Json& member(const Json& value, std::string_view key);
std::string plain(const Json& value);    // a string as it is, anything else as JSON
std::string escaped(const Json& value);  // the same for HTML
std::string words(std::string name);     // "macro_f1" -> "macro f1"

int digits_of(const std::string& metric);
std::string figure(const Json& value, int digits);         // "0.912"; "–" where there is none
std::string signed_figure(const Json& value, int digits);  // "+0.012", "−0.012"
std::string percent(const Json& share, int digits);        // "91.2 %"
std::string range(const Json& interval, int digits);       // "0.875 to 0.946"
std::string signed_range(const Json& interval, int digits);
Interval interval_of(const Json& json);          // not a number where there is none
std::string described_model(const Json& model);  // "models/x with runs/y/adapter"

// The judged model beside its baseline.
struct Overall {
  std::string_view kind;      // "better", "worse", "no difference shown", "not compared"
  std::string_view severity;  // of the page's classes: fine, warning, note
  std::string headline;
  std::string reason;
};
// As `verdict` of the report says, which every report with a baseline has.
Overall overall_of(const Json& report);
// "better", "worse" or "" of one metric of a task.
std::string verdict_of(const Json& report, const std::string& task, const std::string& name);
// Where that is "": "no difference shown", or "not tested".
const char* nothing_shown(const Json& metric);

// McNemar's test in a sentence, of a task whose answers are right or wrong; else empty.
std::string right_answers_text(const Json& task);

// What a reader should know beside the verdict, the gravest first.
struct Finding {
  std::string_view severity;  // fatal, warning, fine
  std::string text;
};
std::vector<Finding> findings_of(const Json& report);

// --- sections, each HTML; empty where there is nothing to say ---

std::string metrics_section(const Json& report, const Json& task);
std::string quality_section(const Json& task);
std::string labels_section(const Json& task);
std::string calibration_section(const Json& task);
std::string groups_section(const Json& task);
std::string slices_section(const Json& task);
std::string samples_section(const Json& task);
std::string judge_section(const Json& judge);
std::string forgetting_section(const Json& forgetting);
std::string gates_section(const Json& gates);
std::string training_section(const Json& training);

}  // namespace tunewright::eval
