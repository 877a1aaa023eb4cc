#include <array>
#include <type_traits>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/audit/audit.h"
#include "tunewright/corpus/augment/augment.h"
#include "tunewright/corpus/dedup/exact.h"
#include "tunewright/corpus/dedup/minhash.h"
#include "tunewright/corpus/dedup/pieces.h"
#include "tunewright/corpus/dedup/substrings.h"
#include "tunewright/corpus/filters/c4.h"
#include "tunewright/corpus/filters/decontaminate.h"
#include "tunewright/corpus/filters/expression_filter.h"
#include "tunewright/corpus/filters/fineweb.h"
#include "tunewright/corpus/filters/gopher.h"
#include "tunewright/corpus/filters/language.h"
#include "tunewright/corpus/filters/length.h"
#include "tunewright/corpus/filters/normalise.h"
#include "tunewright/corpus/filters/outliers.h"
#include "tunewright/corpus/filters/perplexity.h"
#include "tunewright/corpus/labels/label_noise.h"
#include "tunewright/corpus/pii/pii_step.h"
#include "tunewright/corpus/select/balance.h"
#include "tunewright/corpus/select/select.h"
#include "tunewright/corpus/split/leakage.h"
#include "tunewright/corpus/split/split.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {
namespace {

// Entry of a step class with `explicit StepClass(const Options&)`, or with the context behind the
// options, and fields() of its Options.
template <class StepClass, class Options>
StepEntry entry(const char* name, const char* help) {
  return {name, help,
          [](const Json& json, const StepContext& context) -> std::unique_ptr<Step> {
            const auto options = from_json<Options>(json);
            if constexpr (std::is_constructible_v<StepClass, Options, StepContext>) {
              return std::make_unique<StepClass>(options, context);
            } else {
              return std::make_unique<StepClass>(options);
            }
          },
          [](const Json& json) { return to_json_object(from_json<Options>(json)); },
          [] { return describe_fields(Options{}, ""); }};
}

const std::array kSteps = {
    entry<Normalise, NormaliseOptions>(
        "normalise", "Repairs characters, white space and lines; what is in order keeps its bytes"),
    entry<DedupExact, ExactOptions>("dedup-exact", "Drops rows whose text an earlier one has"),
    entry<DedupMinhash, NearDuplicateOptions>(
        "dedup-minhash", "Drops rows that have nearly the words of an earlier one"),
    entry<DedupLines, PieceOptions>("dedup-lines", "Removes lines that came before"),
    entry<DedupParagraphs, PieceOptions>("dedup-paragraphs", "Removes paragraphs that came before"),
    entry<DedupSubstrings, SubstringOptions>("dedup-substrings",
                                             "Removes long substrings that came before"),
    entry<LengthFilter, LengthOptions>("filter-length",
                                       "Drops rows that are too short or too long"),
    entry<GopherFilter, GopherOptions>("filter-gopher", "Gopher's rules of quality and repetition"),
    entry<C4Filter, C4Options>("filter-c4", "C4's rules: cuts lines that are no prose"),
    entry<FineWebFilter, FineWebOptions>("filter-fineweb", "FineWeb's rules on lines"),
    entry<LanguageStep, LanguageOptions>("language",
                                         "Notes each row's language, and keeps those asked for"),
    entry<ExpressionFilter, ExpressionOptions>(
        "filter-expression", "Keeps the rows for which an expression of your own is true"),
    entry<OutlierFilter, OutlierOptions>("filter-outliers",
                                         "Drops rows of unusual length, spelling, meaning or loss"),
    entry<PerplexityFilter, PerplexityOptions>(
        "filter-perplexity", "Drops rows that a model finds too hard, or too easy"),
    entry<Decontaminate, DecontaminateOptions>(
        "decontaminate", "Drops rows that share a run of words with evaluation files"),
    entry<PiiStep, PiiOptions>(
        "pii", "Replaces personal data and secrets: addresses, numbers, keys; names on request"),
    entry<LabelNoise, LabelNoiseOptions>("label-noise", "Finds labels that are probably wrong"),
    entry<Audit, AuditOptions>("audit", "Reports balance, groups and toxicity; checks licences"),
    entry<Balance, BalanceOptions>("balance", "Evens out labels or sources, or writes weights"),
    entry<Augment, AugmentOptions>("augment", "Adds changed copies of rows"),
    entry<Select, SelectOptions>("select",
                                 "Keeps the most informative or diverse rows, or orders them"),
    entry<Leakage, LeakageOptions>(
        "leakage", "Finds rows of one split that another one has nearly the same of"),
    entry<Split, SplitOptions>("split", "Writes train, validation or test into each row"),
};

// What `use` makes of the entry of that name; its UserErrors name the step.
template <class Use>
auto with_entry(std::string_view name, const Use& use) {
  std::vector<std::string> names;
  for (const auto& step : kSteps) {
    names.emplace_back(step.name);
    if (name != step.name) continue;
    try {
      return use(step);
    } catch (const UserError&) {
      std::throw_with_nested(UserError(std::string(name)));
    }
  }
  throw UserError(str("there is no step '", name, "'", suggestion(name, names)));
}

}  // namespace

std::span<const StepEntry> step_table() { return kSteps; }

std::unique_ptr<Step> make_step(std::string_view name, const Json& options,
                                const StepContext& context) {
  return with_entry(name, [&](const StepEntry& step) {
    return step.make(options.is_null() ? Json::object() : options, context);
  });
}

Json step_options(std::string_view name, const Json& given) {
  return with_entry(name, [&](const StepEntry& step) {
    return step.with_defaults(given.is_null() ? Json::object() : given);
  });
}

}  // namespace tunewright::corpus
