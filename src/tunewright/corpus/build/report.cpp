#include "tunewright/corpus/build/report.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/version.h"
#include "tunewright/rows/rows.h"

namespace tunewright::corpus {
namespace {

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(int64_t part, int64_t whole) {
  return str(fixed(100 * share(part, whole), 1), " %");
}

Json lengths_json(const TextTally& texts) {
  Json json = to_json(texts);
  json.erase("lengths");
  Json bins = Json::array();
  for (size_t i = 0; i < texts.lengths.size(); ++i) {
    if (texts.lengths[i] == 0) continue;
    bins.push_back({{"from", i == 0 ? 0 : kLengthEdges[i - 1]}, {"rows", texts.lengths[i]}});
  }
  json["lengths"] = std::move(bins);
  return json;
}

Json samples_json(const std::vector<Sample>& samples, const std::map<int64_t, RowName>& names) {
  Json list = Json::array();
  for (const auto& sample : samples) {
    const auto& name = names.at(sample.origin);
    Json json = {{"source", name.source},
                 {"row", name.row},
                 {"reason", sample.reason},
                 {"before", sample.before}};
    if (!sample.after.empty()) json["after"] = sample.after;
    list.push_back(std::move(json));
  }
  return list;
}

Json step_json(const StepReport& step, const std::map<int64_t, RowName>& names) {
  std::vector<std::pair<std::string, int64_t>> reasons(step.tally.reasons.begin(),
                                                       step.tally.reasons.end());
  std::ranges::stable_sort(reasons, std::greater<>(), [](const auto& r) { return r.second; });
  Json reasons_json = Json::object();
  for (const auto& [reason, rows] : reasons) reasons_json[reason] = rows;
  return {{"name", step.name},
          {"rows", step.tally.rows},
          {"kept", step.tally.kept},
          {"changed", step.tally.changed},
          {"dropped", step.tally.dropped},
          {"added", step.tally.added},
          {"reasons", std::move(reasons_json)},
          {"summary", step.summary},
          {"samples",
           {{"dropped", samples_json(step.tally.dropped_samples, names)},
            {"changed", samples_json(step.tally.changed_samples, names)}}}};
}

Json sources_json(const BuildFacts& facts) {
  Json list = Json::array();
  for (size_t s = 0; s < facts.recipe.sources.size(); ++s) {
    UnitReport sum;
    for (size_t u = 0; u < facts.input.units.size(); ++u) {
      if (facts.input.units[u].source != s || facts.input.units[u].reads.empty()) continue;
      const auto& unit = facts.first.units[u];
      sum.files += unit.files;
      sum.cut_off += unit.cut_off;
      for (const auto& [format, files] : unit.formats) sum.formats[format] += files;
      for (const auto& note : unit.notes) {
        if (std::ranges::find(sum.notes, note) == sum.notes.end()) sum.notes.push_back(note);
      }
    }
    constexpr size_t kMostNotes = 20;
    if (sum.notes.size() > kMostNotes) {
      const auto more = sum.notes.size() - kMostNotes;
      sum.notes.resize(kMostNotes);
      sum.notes.push_back(str("… and ", more, " more notes"));
    }
    list.push_back({{"path", facts.recipe.sources[s].path},
                    {"files", sum.files},
                    {"cut_off", sum.cut_off},
                    {"formats", sum.formats},
                    {"notes", sum.notes}});
  }
  return list;
}

// The format of the rows that came out; empty where training knows none like them.
std::string format_of(const OutputsResult& outputs) {
  for (const auto& file : outputs.files) {
    if (file.first_row.empty()) continue;
    try {
      const rows::RowPlace place{.file = file.name};
      return rows::format_name(rows::detect_format(parse_json(file.first_row, file.name), place));
    } catch (const UserError&) {
      return "";
    }
  }
  return "";
}

class Findings {
 public:
  void add(const char* severity, const std::string& text, const std::string& next_step = "") {
    list.push_back({{"severity", severity}, {"text", text}, {"next_step", next_step}});
    is_warned |= std::string_view(severity) == "warning";
  }
  Json list = Json::array();
  bool is_warned = false;
};

void look_at_reading(const BuildFacts& facts, Findings& findings) {
  int64_t cut_off = 0;
  for (const auto& unit : facts.first.units) cut_off += unit.cut_off;
  if (cut_off > 0) {
    findings.add("note", str("files that end inside a character: ", cut_off, "; it became U+FFFD"),
                 "they may have been cut off: the notes on the sources in report.json name them");
  }
  const auto& reading = facts.first.reading;
  if (reading.dropped == 0) {
    findings.add("fine", str("all ", reading.rows, " source rows could be read"));
    return;
  }
  findings.add(share(reading.dropped, reading.rows) > 0.01 ? "warning" : "note",
               str(reading.dropped, " of ", reading.rows, " source rows (",
                   percent(reading.dropped, reading.rows), ") could not be used"),
               "ledger.jsonl has the reason of each: the lines with \"step\":\"reading\"");
}

void look_at_steps(const BuildFacts& facts, Findings& findings) {
  bool looks_for_repeats = false, looks_for_persons = false;
  for (const auto& step : facts.steps) {
    looks_for_repeats |= step.name.starts_with("dedup");
    looks_for_persons |= step.name.starts_with("pii");
    if (&step == facts.steps.data()) continue;
    if (share(step.tally.dropped, step.tally.rows) > 0.5) {
      findings.add("warning",
                   str(step.name, " dropped ", percent(step.tally.dropped, step.tally.rows),
                       " of the rows that came to it"),
                   "look at the samples below: is that what was meant?");
    }
  }
  if (!looks_for_repeats) {
    findings.add("note", "no step looks for repeated rows",
                 "add {dedup-minhash: {}} to steps: repeats are learnt by heart");
  }
  if (!looks_for_persons) {
    findings.add("note", "no step looks for personal data", "add {pii: {}} to steps");
  }
}

void look_at_outputs(const BuildFacts& facts, const std::string& format, Findings& findings) {
  for (const auto& file : facts.outputs.files) {
    if (!file.sha256.empty()) continue;
    const auto& split = facts.recipe.split;
    const bool is_wanted = !split.is_object() || !split.contains(file.split) ||
                           !split[file.split].is_number() || split[file.split] > 0;
    if (is_wanted) {
      findings.add("warning", str("no row fell to ", file.split, ": ", file.name, " is not there"),
                   "more rows, or another share in `split`");
    }
  }
  if (format.empty()) {
    findings.add("warning", "training knows no rows like those that came out",
                 "map the columns of the sources: see `map` and `to`");
  } else {
    const bool is_supervised =
        format != "classification" && format != "preference" && format != "unpaired";
    if (is_supervised) {
      findings.add("fine", str("`train` takes these rows: format ", format));
    } else {
      findings.add("warning",
                   str("these rows are of format ", format, ", which supervised training refuses"),
                   "for `train`, map the columns to a prompt and a completion: see `to` and `map`");
    }
  }
}

Json files_json(const OutputsResult& outputs) {
  Json list = Json::array();
  for (const auto& file : outputs.files) {
    list.push_back({{"split", file.split},
                    {"file", file.sha256.empty() ? Json(nullptr) : Json(file.name)},
                    {"sha256", file.sha256.empty() ? Json(nullptr) : Json(file.sha256)},
                    {"texts", lengths_json(file.texts)}});
  }
  return list;
}

}  // namespace

Json build_report(const BuildFacts& facts) {
  TextTally after;
  for (const auto& file : facts.outputs.files) after.add(file.texts);
  const auto format = format_of(facts.outputs);
  Findings findings;
  look_at_reading(facts, findings);
  look_at_steps(facts, findings);
  look_at_outputs(facts, format, findings);
  findings.add("fine", str("the ledger accounts for all ", facts.ledger.rows,
                           " source rows: ", facts.ledger.kept, " kept, ", facts.ledger.changed,
                           " changed, ", facts.ledger.dropped, " dropped"));
  Json steps = Json::array();
  for (const auto& step : facts.steps) steps.push_back(step_json(step, facts.names));
  return {{"verdict", findings.is_warned ? "warning" : "fine"},
          {"title", facts.recipe.card.title},
          {"findings", std::move(findings.list)},
          {"rows",
           {{"source", facts.ledger.rows},
            {"kept", facts.ledger.kept},
            {"changed", facts.ledger.changed},
            {"dropped", facts.ledger.dropped},
            {"written", after.rows}}},
          {"format", format.empty() ? Json(nullptr) : Json(format)},
          {"splits", files_json(facts.outputs)},
          {"steps", std::move(steps)},
          {"texts", {{"before", lengths_json(facts.first.texts)}, {"after", lengths_json(after)}}},
          {"sources", sources_json(facts)},
          {"recipe", resolved(facts.recipe)},
          {"given", as_given(facts.recipe)},
          {"tunewright", version()}};
}

}  // namespace tunewright::corpus
