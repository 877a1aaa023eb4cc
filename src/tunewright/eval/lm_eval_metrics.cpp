#include "tunewright/eval/lm_eval_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/lm_eval_functions.h"
#include "tunewright/eval/python_regex.h"
#include "tunewright/text/python_text.h"

namespace tunewright::eval {
namespace {

namespace python = text::python;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct MetricKind {
  std::string_view name;
  LmEvalOutput output;
  Aggregation aggregation;
  bool lower_is_better = false;
};
constexpr auto kChoice = LmEvalOutput::kMultipleChoice;
constexpr auto kRolling = LmEvalOutput::kLoglikelihoodRolling;
constexpr std::array kKinds = {
    MetricKind{"acc", kChoice, Aggregation::kMean},
    MetricKind{"acc_norm", kChoice, Aggregation::kMean},
    MetricKind{"acc_bytes", kChoice, Aggregation::kMean},
    MetricKind{"acc_mutual_info", kChoice, Aggregation::kMean},
    MetricKind{"exact_match", kChoice, Aggregation::kMean},
    MetricKind{"brier_score", kChoice, Aggregation::kMean, true},
    MetricKind{"f1", kChoice, Aggregation::kF1},
    MetricKind{"mcc", kChoice, Aggregation::kMatthews},
    MetricKind{"perplexity", LmEvalOutput::kLoglikelihood, Aggregation::kPerplexity, true},
    MetricKind{"acc", LmEvalOutput::kLoglikelihood, Aggregation::kMean},
    MetricKind{"word_perplexity", kRolling, Aggregation::kWeightedPerplexity, true},
    MetricKind{"byte_perplexity", kRolling, Aggregation::kWeightedPerplexity, true},
    MetricKind{"bits_per_byte", kRolling, Aggregation::kBitsPerByte, true},
    MetricKind{"exact_match", LmEvalOutput::kGenerateUntil, Aggregation::kMean}};

const MetricKind& kind_of(const LmEvalConfig& config, const std::string& name) {
  std::vector<std::string> fitting;
  for (const auto& kind : kKinds) {
    if (kind.output != config.output) continue;
    if (kind.name == name) return kind;
    fitting.emplace_back(kind.name);
  }
  throw UserError(str(config.where(), ": metric_list: '", name,
                      "' is no metric of this output type here", suggestion(name, fitting)));
}

Aggregation aggregation_of(const LmEvalConfig& config, const LmEvalMetric& metric,
                           Aggregation own) {
  if (metric.aggregation.empty()) return own;
  constexpr std::array names = {std::pair{"mean", Aggregation::kMean},
                                std::pair{"nanmean", Aggregation::kMean},
                                std::pair{"median", Aggregation::kMedian},
                                std::pair{"perplexity", Aggregation::kPerplexity},
                                std::pair{"weighted_perplexity", Aggregation::kWeightedPerplexity},
                                std::pair{"bits_per_byte", Aggregation::kBitsPerByte},
                                std::pair{"f1", Aggregation::kF1},
                                std::pair{"matthews_corrcoef", Aggregation::kMatthews},
                                std::pair{"brier_score", Aggregation::kMean}};
  std::vector<std::string> words;
  for (const auto& [name, aggregation] : names) {
    if (metric.aggregation == name) return aggregation;
    words.emplace_back(name);
  }
  throw UserError(str(config.where(), ": metric_list: the aggregation '", metric.aggregation,
                      "' is not known", suggestion(metric.aggregation, words)));
}

// Columns that a figure reads.
size_t width_of(Aggregation aggregation) {
  switch (aggregation) {
    case Aggregation::kWeightedPerplexity:
    case Aggregation::kBitsPerByte:
    case Aggregation::kF1:
    case Aggregation::kMatthews:
      return 2;
    default:
      return 1;
  }
}

template <class Score>
size_t best_of(size_t count, const Score& score) {
  size_t best = 0;
  for (size_t i = 1; i < count; ++i) {
    if (score(i) > score(best)) best = i;
  }
  return best;
}

// --- multiple_choice

struct ChoiceVerdict {
  const LmEvalGold& gold;
  std::span<const ContinuationScore> given, alone;  // after the context; without it, or empty

  size_t count() const { return gold.choices.size(); }
  bool right(size_t choice) const {
    return std::ranges::find(gold.right, static_cast<int64_t>(choice)) != gold.right.end();
  }
  size_t likeliest() const {
    return best_of(count(), [&](size_t i) { return given[i].logprob; });
  }
  size_t likeliest_by(double (*length)(const std::string&)) const {
    return best_of(count(), [&](size_t i) { return given[i].logprob / length(gold.choices[i]); });
  }
  size_t most_informed() const {
    return best_of(count(), [&](size_t i) { return given[i].logprob - alone[i].logprob; });
  }
  bool greedy() const {
    return std::ranges::any_of(gold.right, [&](int64_t i) {
      return i >= 0 && i < std::ssize(given) && given[static_cast<size_t>(i)].is_greedy;
    });
  }
  double brier() const {
    const double most = given[likeliest()].logprob;
    double total = 0, squares = 0;
    for (size_t i = 0; i < count(); ++i) total += std::exp(given[i].logprob - most);
    for (size_t i = 0; i < count(); ++i) {
      const double share = std::exp(given[i].logprob - most) / total - right(i);
      squares += share * share;
    }
    return squares;
  }
};

void add_choice_values(const std::string& metric, const ChoiceVerdict& verdict,
                       std::vector<double>& values) {
  const auto points = [](const std::string& text) {
    return static_cast<double>(python::length(text));
  };
  const auto bytes = [](const std::string& text) { return static_cast<double>(text.size()); };
  if (metric == "acc") {
    values.push_back(verdict.right(verdict.likeliest()));
  } else if (metric == "acc_norm") {
    values.push_back(verdict.right(verdict.likeliest_by(points)));
  } else if (metric == "acc_bytes") {
    values.push_back(verdict.right(verdict.likeliest_by(bytes)));
  } else if (metric == "acc_mutual_info") {
    values.push_back(verdict.right(verdict.most_informed()));
  } else if (metric == "exact_match") {
    values.push_back(verdict.greedy());
  } else if (metric == "brier_score") {
    values.push_back(verdict.brier());
  } else {  // f1, mcc
    values.push_back(verdict.gold.right.empty() ? kNone
                                                : static_cast<double>(verdict.gold.right.front()));
    values.push_back(static_cast<double>(verdict.likeliest()));
  }
}

// --- generate_until

std::string without(const std::string& text, const std::string& characters) {
  std::string kept;
  for (const char c : text) {
    if (characters.find(c) == std::string::npos) kept += c;
  }
  return kept;
}

// --- known functions

LmEvalScoring crows_scoring(const LmEvalConfig& config) {
  LmEvalScoring scoring;
  for (const auto& metric : config.metrics) {
    scoring.figures.push_back({.name = metric.name,
                               .column = metric.name == "likelihood_diff" ? 0U : 1U,
                               .lower_is_better = !metric.higher_is_better.value_or(false),
                               .is_judged = metric.name == "likelihood_diff"});
  }
  scoring.judge = [](const LmEvalGold& gold, const ItemResult& result, RowScore& score,
                     std::string& answer) {
    const auto more = result.continuations.at(0).logprob, less = result.continuations.at(1).logprob;
    score.values = {std::abs(more - less), more > less ? 1.0 : 0.0};
    score.exact_match = more > less ? 0 : 1;
    answer = gold.choices[more > less ? 0 : 1];
  };
  return scoring;
}

Aggregation bbq_aggregation(const std::string& name) {
  if (name.ends_with("accuracy_amb")) return Aggregation::kAmbiguousAccuracy;
  if (name.ends_with("accuracy_disamb")) return Aggregation::kDisambiguatedAccuracy;
  return name.find("disamb") == std::string::npos ? Aggregation::kAmbiguousBias
                                                  : Aggregation::kDisambiguatedBias;
}

// The metrics of one category ("amb_bias_score_Age") get columns of their own, which other rows
// leave empty.
LmEvalScoring bbq_scoring(const LmEvalConfig& config) {
  LmEvalScoring scoring;
  std::map<std::string, size_t> categories;
  for (const auto& metric : config.metrics) {
    Figure figure{.name = metric.name,
                  .lower_is_better = !metric.higher_is_better.value_or(true),
                  .is_judged = metric.name.find("bias_score") == std::string::npos};
    if (is_function(metric.aggregation)) {
      const auto function = known_aggregation(metric.aggregation, config.file);
      figure.aggregation = bbq_aggregation(function.substr(0, function.find("_bias_scores")));
      const auto category = metric.name.find("bias_score_");
      if (category != std::string::npos) {
        const auto name = metric.name.substr(category + 11);
        figure.column = 4 * categories.emplace(name, categories.size() + 1).first->second;
      }
    } else if (metric.name != "acc") {
      throw UserError(str(config.where(), ": metric_list: '", metric.name, "' is not known"));
    }
    scoring.figures.push_back(std::move(figure));
  }
  scoring.judge = [categories](const LmEvalGold& gold, const ItemResult& result, RowScore& score,
                               std::string& answer) {
    const auto chosen =
        best_of(gold.choices.size(), [&](size_t i) { return result.continuations.at(i).logprob; });
    const auto [right, biased, known, clear] = bbq_answer(gold.doc, static_cast<int64_t>(chosen));
    score.values.assign(4 * (categories.size() + 1), kNone);
    const std::array<double, 4> facts = {double(right), double(biased), double(known),
                                         double(clear)};
    std::ranges::copy(facts, score.values.begin());
    const auto category = categories.find(gold.doc.value("category", std::string()));
    if (category != categories.end())
      std::ranges::copy(facts, score.values.begin() + static_cast<ptrdiff_t>(4 * category->second));
    score.exact_match = right;
    answer = gold.choices[chosen];
  };
  return scoring;
}

// --- the four output types

using Judge = decltype(LmEvalScoring::judge);

Judge choice_judge(const std::vector<LmEvalMetric>& metrics) {
  return [metrics](const LmEvalGold& gold, const ItemResult& result, RowScore& score,
                   std::string& answer) {
    const std::span<const ContinuationScore> all = result.continuations;
    const auto count = gold.choices.size();
    const ChoiceVerdict verdict{gold, all.first(count), all.subspan(count)};
    for (const auto& metric : metrics) add_choice_values(metric.name, verdict, score.values);
    answer = gold.choices[verdict.likeliest()];
    score.exact_match = verdict.right(verdict.likeliest());
  };
}

Judge likelihood_judge(const std::vector<LmEvalMetric>& metrics) {
  return [metrics](const LmEvalGold& gold, const ItemResult& result, RowScore& score,
                   std::string& answer) {
    const auto& [logprob, is_greedy] = result.continuations.at(0);
    for (const auto& metric : metrics)
      score.values.push_back(metric.name == "acc" ? is_greedy : logprob);
    score.exact_match = is_greedy;
    answer = is_greedy ? gold.references.at(0) : "";
  };
}

Judge rolling_judge(const std::vector<LmEvalMetric>& metrics) {
  return
      [metrics](const LmEvalGold& gold, const ItemResult& result, RowScore& score, std::string&) {
        for (const auto& metric : metrics) {
          score.values.push_back(result.logprob);
          score.values.push_back(metric.name == "word_perplexity" ? gold.words : gold.bytes);
        }
      };
}

Judge generation_judge(const LmEvalConfig& config) {
  return [config](const LmEvalGold& gold, const ItemResult& result, RowScore& score,
                  std::string& answer) {
    bool first = true;
    for (const auto& pipeline : config.pipelines) {
      const auto filtered = apply_filters(pipeline, result.answer, config.where());
      for (const auto& metric : config.metrics) {
        const bool right = std::ranges::any_of(gold.references, [&](const std::string& reference) {
          return lm_eval_exact_match(filtered, reference, metric.options, config.where());
        });
        score.values.push_back(right);
        if (std::exchange(first, false)) score.exact_match = right;
      }
    }
    answer = result.answer;
  };
}

}  // namespace

std::string apply_filters(const LmEvalPipeline& pipeline, std::string answer,
                          const std::string& where) {
  for (const auto& [function, options] : pipeline.filters) {
    const auto at = str(where, ": filter_list: ", pipeline.name, ": ", function);
    if (function == "take_first") continue;
    if (function == "lowercase") {
      answer = python::lower(answer);
    } else if (function == "uppercase") {
      answer = python::upper(answer);
    } else if (function == "remove_whitespace") {
      answer = std::string(python::strip(answer, python::Side::Both));
    } else if (function == "map") {
      const Json table = options.value("mapping_dict", Json::object());
      const Json value = table.value(answer, options.value("default_value", Json()));
      answer = value.is_string() ? value.get<std::string>()
               : value.is_null() ? "None"
                                 : dump_json(value);
    } else if (function == "regex") {
      const PythonRegex regex(options.value("regex_pattern", "#### (\\-?[0-9\\.\\,]+)"), at);
      const auto found = regex.find_all(answer);
      const auto select = options.value("group_select", int64_t{0});
      const auto index = select < 0 ? std::ssize(found) + select : select;
      const auto fallback = options.value("fallback", std::string("[invalid]"));
      if (found.empty()) {
        answer = fallback;
        continue;
      }
      if (index < 0 || index >= std::ssize(found))
        throw UserError(str(at, ": group_select ", select, " of ", found.size(), " matches"));
      const auto& groups = found[static_cast<size_t>(index)];
      const auto filled =
          std::ranges::find_if(groups, [](const auto& one) { return !one.empty(); });
      const std::string chosen = filled != groups.end() ? *filled
                                 : groups.size() > 1    ? fallback
                                                        : std::string();
      answer = std::string(python::strip(chosen, python::Side::Both));
    } else {
      const std::vector<std::string> known = {"regex", "take_first", "lowercase",
                                              "map",   "uppercase",  "remove_whitespace"};
      throw UserError(str(at, ": this filter is not supported", suggestion(function, known)));
    }
  }
  return answer;
}

bool lm_eval_exact_match(std::string prediction, std::string reference, const Json& options,
                         const std::string& where) {
  const auto both = [&](const auto& change) {
    prediction = change(prediction);
    reference = change(reference);
  };
  for (const auto& [key, value] : options.items()) {
    if (key == "regexes_to_ignore") {
      for (const auto& pattern : value) {
        const PythonRegex regex(pattern.get<std::string>(), str(where, ": regexes_to_ignore"));
        both([&](const std::string& text) { return regex.replace_all(text, ""); });
      }
    }
  }
  if (options.value("ignore_case", false))
    both([](const std::string& text) { return python::lower(text); });
  if (options.value("ignore_punctuation", false))
    both([](const std::string& text) {
      return without(text, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    });
  if (options.value("ignore_numbers", false))
    both([](const std::string& text) { return without(text, "0123456789"); });
  return prediction == reference;
}

namespace {

// lm-evaluation-harness divides by characters where acc_norm of other programs divides by bytes.
std::string signature_of(const std::string& metric) {
  const char* by = metric == "acc_norm"    ? "|norm:characters"
                   : metric == "acc_bytes" ? "|norm:bytes"
                                           : "";
  return str("lm-eval:0.4.13", by);
}

void check_filters(const LmEvalConfig& config) {
  for (const auto& pipeline : config.pipelines) apply_filters(pipeline, "", config.where());
}

}  // namespace

LmEvalScoring lm_eval_scoring(const LmEvalConfig& config) {
  check_filters(config);
  const bool own_results = !config.process_results.is_null();
  if (own_results) {
    const auto known =
        is_function(config.process_results)
            ? known_process_results(config.process_results.get<std::string>(), config.file)
            : throw UserError(str(config.where(), ": process_results: expected a function"));
    if (known == ProcessResults::kCrowsPairs) return crows_scoring(config);
    if (known == ProcessResults::kBbq) return bbq_scoring(config);
  }
  LmEvalScoring scoring;
  size_t column = 0;
  const auto add = [&](const LmEvalMetric& metric, const std::string& name) {
    const auto& kind = kind_of(config, metric.name);
    const auto aggregation = aggregation_of(config, metric, kind.aggregation);
    scoring.figures.push_back(
        {.name = name,
         .aggregation = aggregation,
         .column = column,
         .lower_is_better = !metric.higher_is_better.value_or(!kind.lower_is_better),
         .signature = signature_of(metric.name)});
    column += width_of(kind.aggregation);
  };
  for (const auto& pipeline : config.pipelines) {
    const bool named = config.output == LmEvalOutput::kGenerateUntil && pipeline.name != "none";
    for (const auto& metric : config.metrics)
      add(metric, named ? str(metric.name, ",", pipeline.name) : metric.name);
    if (config.output != LmEvalOutput::kGenerateUntil) break;
  }
  switch (config.output) {
    case LmEvalOutput::kMultipleChoice:
      scoring.judge = choice_judge(config.metrics);
      break;
    case LmEvalOutput::kLoglikelihood:
      scoring.judge = likelihood_judge(config.metrics);
      break;
    case LmEvalOutput::kLoglikelihoodRolling:
      scoring.judge = rolling_judge(config.metrics);
      break;
    case LmEvalOutput::kGenerateUntil:
      scoring.judge = generation_judge(config);
      break;
  }
  return scoring;
}

}  // namespace tunewright::eval
