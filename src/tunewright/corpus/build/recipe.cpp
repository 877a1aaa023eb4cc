#include "tunewright/corpus/build/recipe.h"

#include <exception>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/mapping.h"
#include "tunewright/rows/readers/reader.h"

namespace tunewright::corpus {
namespace {

struct StepText {
  std::string name;
  Json options;
};

// "normalise", or {normalise: {…}}.
StepText step_text(const Json& json, size_t i) {
  if (json.is_string()) return {json.get<std::string>(), Json::object()};
  if (!json.is_object() || json.size() != 1) {
    throw UserError(str("steps[", i,
                        "]: expected one step with its options, as {normalise: {}}, got ",
                        excerpt(dump_json(json))));
  }
  const auto item = json.begin();
  return {item.key(), item.value().is_null() ? Json::object() : item.value()};
}

// The steps of a recipe, each with what `options_of` makes of its name and its options.
template <class OptionsOf>
Json steps_with(const Recipe& recipe, const OptionsOf& options_of) {
  Json steps = Json::array();
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const auto [name, options] = step_text(recipe.steps[i], i);
    steps.push_back({{name, options_of(name, options)}});
  }
  return steps;
}

Json with_seed(const std::string& name, Json options) {
  const auto all = step_options(name, options);
  if (all.contains("seed")) options["seed"] = all["seed"];
  return options;
}

}  // namespace

Recipe read_recipe(const Json& config) {
  auto recipe = from_json<Recipe>(config);
  recipe.given = config;
  if (recipe.sources.empty())
    throw UserError("sources: is empty; name what to read, as [{path: \"mails/**\"}]");
  for (size_t i = 0; i < recipe.sources.size(); ++i) {
    if (recipe.sources[i].path.empty()) throw UserError(str("sources[", i, "].path: is missing"));
    try {
      rows::Mapping check(recipe.sources[i]);
    } catch (const UserError&) {
      std::throw_with_nested(UserError(str("sources[", i, "]")));
    }
  }
  if (recipe.steps.is_null()) recipe.steps = Json::array();
  if (!recipe.steps.is_array()) {
    throw UserError(str("steps: expected a list, as [{normalise: {}}, {dedup-minhash: {}}], got a ",
                        type_name(recipe.steps)));
  }
  if (!recipe.split.is_null() && !recipe.split.is_object())
    throw UserError(str("split: expected keys and values, got a ", type_name(recipe.split)));
  if (recipe.output_dir.empty()) throw UserError("output_dir: is empty; name a folder");
  return recipe;
}

std::vector<NamedStep> make_steps(const Recipe& recipe, const StepContext& context) {
  std::vector<NamedStep> steps;
  std::map<std::string, int> times;
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const auto [name, options] = step_text(recipe.steps[i], i);
    try {
      const auto time = ++times[name];
      steps.push_back(
          {time == 1 ? name : str(name, " (", time, ")"), make_step(name, options, context)});
    } catch (const UserError&) {
      std::throw_with_nested(UserError(str("steps[", i, "]")));
    }
  }
  return steps;
}

std::unique_ptr<Step> make_split(const Recipe& recipe) {
  if (recipe.split.is_null()) return nullptr;
  auto options = recipe.split;
  if (options.contains("field"))
    throw UserError("split.field: the split decides the file of a row, and is not written into it");
  return make_step("split", options);
}

Json resolved(const Recipe& recipe) {
  auto json = to_json_object(recipe);
  json.erase("output_dir");
  json["steps"] = steps_with(recipe, step_options);
  if (!recipe.split.is_null()) {
    json["split"] = step_options("split", recipe.split);
    json["split"].erase("field");  // which no recipe may set
  }
  return json;
}

Recipe without_passwords(Recipe recipe) {
  for (size_t i = 0; i < recipe.sources.size(); ++i) {
    auto& path = recipe.sources[i].path;
    if (!path.starts_with("postgresql://") && !path.starts_with("postgres://")) continue;
    path = rows::without_password(path);
    recipe.given["sources"][i]["path"] = path;
  }
  return recipe;
}

Json as_given(const Recipe& recipe) {
  auto json = recipe.given;
  json.erase("output_dir");
  if (!recipe.steps.empty()) json["steps"] = steps_with(recipe, with_seed);
  if (!recipe.split.is_null()) json["split"] = with_seed("split", recipe.split);
  return json;
}

}  // namespace tunewright::corpus
