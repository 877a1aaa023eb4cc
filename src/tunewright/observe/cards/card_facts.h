#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/fields.h"
#include "tunewright/base/json.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/audit/audit.h"

namespace tunewright::observe {

// What a model card says and no file can tell: `card:` of the training configuration.
struct CardOptions {
  std::string title, description, license, provider, contact;
  std::vector<std::string> language;
  std::string intended_use, out_of_scope_use, limits, human_oversight;
};
template <class V>
void fields(V& v, CardOptions& o) {
  v("title", o.title, "Of the model card; empty: the base model and the run.");
  v("description", o.description, "What the model does.");
  v("license", o.license, "Of the tuned weights, as on Hugging Face: apache-2.0, other, …");
  v("provider", o.provider, "Who answers for the model.");
  v("contact", o.contact, "How to reach them.");
  v("language", o.language, "Codes, as [en, de]; empty: those of the data card.");
  v("intended_use", o.intended_use, "What, and whom, it is made for.");
  v("out_of_scope_use", o.out_of_scope_use, "What it must not be used for.");
  v("limits", o.limits, "Known weaknesses.");
  v("human_oversight", o.human_oversight, "Who checks its answers, and how.");
}

// A data set that a run was trained on or measured with.
struct DataCard {
  std::string path, sha256, role;  // "train" or "eval"
  bool found = false;              // the file lies on disk with these bytes
  Json build = Json::object();     // report.json of `data build`; empty: made by other means
};

// An evaluation that the trail records for the weights as they are now.
struct EvaluationRecord {
  std::string time, path;
  Json report = Json::object();  // report.json
};

// Rows of an evaluation file that stand, byte for byte, in a training file.
struct Overlap {
  std::string evaluation;
  int64_t rows = 0, shared = 0;
};

// All that is known of a run, gathered once for its model card and its technical documentation.
struct CardFacts {
  std::string name;
  std::filesystem::path folder;
  Json config, manifest, report;  // empty objects where a file is missing
  CardOptions card;
  std::vector<DataCard> data;
  std::vector<EvaluationRecord> evaluations;  // the newest last
  std::vector<Overlap> overlaps;
  std::vector<Approval> approvals;
  std::string base_license;        // as its README.md says; empty: unknown
  std::string base_name;           // org/name where it is known, else the folder's name
  std::vector<AuditLine> history;  // lines of the trail about this run
};

CardFacts gather_card_facts(const std::filesystem::path& run);

// "tasks" of the evaluations' reports; of tasks with the same name the one evaluated last.
std::vector<Json> newest_tasks(const CardFacts& facts);
// "macro_f1" of every task of the newest evaluation of that task: {task, name, value, low, high}.
struct MeasuredFigure {
  std::string task, data, metric;
  Json value, low, high, baseline;  // null: not measured
};
std::vector<MeasuredFigure> measured_figures(const CardFacts& facts);
// Energy of the training run, for a reader; "not measured" where no counter could be read.
std::string energy_text(const Json& report);
std::string license_of(const CardFacts& facts);  // empty: not stated
std::vector<std::string> languages_of(const CardFacts& facts);

}  // namespace tunewright::observe
