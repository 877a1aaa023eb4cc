#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tunewright/base/fields.h"
#include "tunewright/base/json.h"
#include "tunewright/corpus/step.h"
#include "tunewright/rows/source.h"

namespace tunewright::corpus {

// What the data card says and no file can tell.
struct CardOptions {
  std::string title, description, license;
  std::vector<std::string> language;
};
template <class V>
void fields(V& v, CardOptions& o) {
  v("title", o.title, "Of the data card; empty: the name of output_dir.");
  v("description", o.description, "What the data is, and what it is for.");
  v("license", o.license, "As on Hugging Face: cc-by-4.0, apache-2.0, other, …");
  v("language", o.language, "Codes, as [en, de].");
}

// Raw sources in, a training set out: what `data build` reads.
struct Recipe {
  std::vector<rows::SourceOptions> sources;
  Json steps = Json::array();
  Json split = Json(nullptr);
  CardOptions card;
  std::string output_dir = "data";
  Json given = Json::object();  // what was written, before the defaults
};
template <class V>
void fields(V& v, Recipe& o) {
  v("sources", o.sources, "Where the rows come from, in this order.");
  v("steps", o.steps, "As [{normalise: {}}, {dedup-minhash: {threshold: 0.8}}]: see `data run`.");
  v("split", o.split, "Options of the step `split`; null: all rows go into train.jsonl.");
  v("card", o.card, "For README.md.");
  v("output_dir", o.output_dir, "Folder of the files that are written.");
}

// A step of a recipe, made.
struct NamedStep {
  std::string label;  // its name; "filter-length (2)" where the recipe has it again
  std::unique_ptr<Step> step;
  bool is_global() const {
    return step->reads_ahead() || step->passes() > 0;
  }  // sees all rows before it judges one
};

// An unknown key or a wrong option is a UserError that names it; so is a recipe without sources.
Recipe read_recipe(const Json& config);
std::vector<NamedStep> make_steps(const Recipe& recipe, const StepContext& context = {});
// The step that fills `split` of each row; none where the recipe has no such section.
std::unique_ptr<Step> make_split(const Recipe& recipe);

// The recipe with all defaults, those of its steps too, without the folder it is written to: what
// decides the bytes that come out.
Json resolved(const Recipe& recipe);

// Without the passwords of databases: what may stand in files that others read.
Recipe without_passwords(Recipe recipe);

// What was written of it, and the seeds that were not: for a person who reads or repeats it.
Json as_given(const Recipe& recipe);

}  // namespace tunewright::corpus
