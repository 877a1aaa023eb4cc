#include "tunewright/corpus/pii/pii_step.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/open_scorer.h"
#include "tunewright/corpus/pii/lexicon.h"
#include "tunewright/corpus/pii/model_names.h"

namespace tunewright::corpus {
namespace {

using Names = std::vector<std::shared_ptr<const pii::NameFinder>>;

void check(const PiiOptions& options) {
  const auto in_unit = [](const char* name, double value) {
    if (!(value >= 0 && value <= 1))
      throw UserError(str(name, ": ", value, " is not between 0 and 1"));
  };
  in_unit("threshold", options.threshold);
  in_unit("strict_threshold", options.strict_threshold);
  if (options.mask_keep < 0 || options.mask_keep > 4)
    throw UserError(str("mask_keep: ", options.mask_keep, " is not between 0 and 4"));
  if (options.strict && options.action == pii::Action::kAnnotate)
    throw UserError("strict: action annotate leaves everything in place; choose another action");
}

Names model_of(const PiiOptions& options, const StepContext& context) {
  if (options.model.empty()) return {};
  const auto wanted = pii::entity_set(options.entities);
  if (!has(wanted, pii::Entity::kPerson) && !has(wanted, pii::Entity::kLocation))
    throw UserError("model: tells PERSON and LOCATION; add what is wanted to entities");
  return {
      std::make_shared<const pii::ModelNames>(open_scorer(context, options.model), options.labels)};
}

Names with_lexicon(const PiiOptions& options, Names names) {
  if (!options.lexicon.empty())
    names.push_back(std::make_shared<const pii::Lexicon>(options.lexicon));
  for (const auto& entity : options.entities) {
    if ((entity == "PERSON" || entity == "LOCATION") && names.empty())
      throw UserError(str("entities: ", entity,
                          " needs a list of names or a model; set lexicon: FILE, or "
                          "model: FOLDER"));
  }
  return names;
}

pii::ReplacerOptions replacer_options(const PiiOptions& options) {
  return {
      .action = options.action,
      .mask_character = options.mask_character,
      .mask_keep = options.mask_keep,
      .key = options.key_file.empty() ? str("seed ", options.seed) : read_file(options.key_file)};
}

// "EMAIL_ADDRESS 2, PHONE_NUMBER 1".
std::string reason_of(const std::array<int64_t, pii::kEntityCount>& counts) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) parts.push_back(str(pii::kEntities[i].name, " ", counts[i]));
  return join(parts, ", ");
}

}  // namespace

PiiStep::PiiStep(const PiiOptions& options, const StepContext& context)
    : PiiStep(options, model_of(options, context)) {}

PiiStep::PiiStep(const PiiOptions& options, Names names)
    : options_((check(options), options)),
      detector_(
          {.entities = pii::entity_set(options.entities), .phone_regions = options.phone_regions},
          with_lexicon(options, std::move(names))),
      replacer_(replacer_options(options), detector_) {}

std::vector<pii::Finding> PiiStep::find(std::string_view text, double threshold) const {
  auto findings = detector_.find(text, threshold);
  std::erase_if(findings, [&](const pii::Finding& finding) {
    const auto value = text.substr(finding.begin, finding.end - finding.begin);
    return replacer_.is_surrogate(finding.entity, value) ||
           std::ranges::find(options_.allow, value) != options_.allow.end();
  });
  return findings;
}

std::string PiiStep::rewritten(std::string_view text,
                               const std::vector<pii::Finding>& findings) const {
  std::string out;
  size_t done = 0;
  for (const auto& finding : findings) {
    out += text.substr(done, finding.begin - done);
    out += replacer_(finding.entity, text.substr(finding.begin, finding.end - finding.begin));
    done = finding.end;
  }
  return out.append(text.substr(done));
}

void PiiStep::refuse_rest(const Document& document, int64_t row) const {
  for (const auto& text : document.texts()) {
    const auto left = find(text, options_.strict_threshold);
    if (left.empty()) continue;
    throw UserError(str("strict: row ", row, ": a value that may be ", pii::name_of(left[0].entity),
                        " (score ", left[0].score, ") is left, ", left.size(),
                        " in all of its text; lower threshold to ", left[0].score,
                        " to replace it, or put it into allow"));
  }
}

Verdict PiiStep::judge(Document& document, int64_t row) const {
  std::array<int64_t, pii::kEntityCount> counts{};
  const bool annotate = options_.action == pii::Action::kAnnotate;
  pii::Scorecard scorecard;
  Json annotations = Json::array();
  int64_t found = 0;
  for (size_t i = 0; i < document.texts().size(); ++i) {
    const std::string& text = document.texts()[i];
    const auto findings = find(text, options_.threshold);
    if (i == 0 && !options_.truth.empty()) {
      const auto truth = document.field(options_.truth);
      if (!truth.is_null()) scorecard.add(text, findings, truth, detector_.options().entities);
    }
    found += std::ssize(findings);
    for (const auto& finding : findings) ++counts[pii::index_of(finding.entity)];
    if (annotate) {
      for (auto& item : pii::findings_json(text, findings)) {
        if (document.texts().size() > 1) item["text"] = i;
        annotations.push_back(std::move(item));
      }
    } else if (!findings.empty()) {
      auto other = rewritten(text, findings);
      if (other != text) document.replace(i, std::move(other));
    }
  }
  if (annotate && found > 0) document.set_field(options_.field, annotations);
  if (options_.strict) refuse_rest(document, row);
  if (found > 0 || !scorecard.empty()) {
    const std::scoped_lock lock(mutex_);
    tally_.changed += found > 0 ? 1 : 0;
    tally_.scorecard.add(scorecard);
    for (size_t i = 0; i < counts.size(); ++i) {
      tally_.values[i] += counts[i];
      tally_.rows[i] += counts[i] > 0 ? 1 : 0;
    }
  }
  return found > 0 ? changed(reason_of(counts)) : Verdict{};
}

Json PiiStep::summary() const {
  const std::scoped_lock lock(mutex_);
  Json entities = Json::object();
  for (size_t i = 0; i < pii::kEntityCount; ++i)
    if (tally_.values[i] > 0)
      entities[pii::kEntities[i].name] = {{"values", tally_.values[i]}, {"rows", tally_.rows[i]}};
  Json summary = {{"rows", tally_.changed}, {"entities", entities}};
  if (!options_.truth.empty()) summary["truth"] = tally_.scorecard.json();
  return summary;
}

}  // namespace tunewright::corpus
