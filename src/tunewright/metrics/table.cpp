#include "tunewright/metrics/table.h"

#include <array>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/metrics/answer.h"
#include "tunewright/metrics/calibration_metrics.h"
#include "tunewright/metrics/coherence.h"
#include "tunewright/metrics/label_metrics.h"
#include "tunewright/metrics/perplexity.h"

namespace tunewright::metrics {
namespace {

constexpr std::array kTable = {
    Metric{"bleu", Needs::kReferences, "BLEU of the corpus, 0 to 100 (sacrebleu)", score_bleu,
           bleu_statistics, false, true, 100},
    Metric{"chrf", Needs::kReferences, "chrF2 of the corpus, 0 to 100 (sacrebleu)", score_chrf,
           chrf_statistics, false, true, 100},
    Metric{"chrf++", Needs::kReferences, "chrF2 with words, 0 to 100 (sacrebleu)", score_chrf_pp,
           chrf_pp_statistics, false, true, 100},
    Metric{"ter", Needs::kReferences, "edits per 100 words of the reference (sacrebleu)", score_ter,
           ter_statistics, true, true, kWithoutEnd},
    Metric{"rouge1", Needs::kReferences, "F1 of shared words (rouge-score)", score_rouge1,
           rouge1_statistics},
    Metric{"rouge2", Needs::kReferences, "F1 of shared pairs of words (rouge-score)", score_rouge2,
           rouge2_statistics},
    Metric{"rougeL", Needs::kReferences, "F1 of the longest common subsequence (rouge-score)",
           score_rouge_l, rouge_l_statistics},
    Metric{"rougeLsum", Needs::kReferences, "rougeL line by line (rouge-score)", score_rouge_lsum,
           rouge_lsum_statistics},
    Metric{"meteor", Needs::kReferences, "METEOR: words, stems, synonyms (NLTK)", score_meteor,
           meteor_statistics},
    Metric{"exact_match", Needs::kReferences, "share of answers equal to a reference (SQuAD)",
           score_exact_match, exact_match_statistics},
    Metric{"exact_match_raw", Needs::kReferences, "the same, compared as they stand",
           score_exact_match_raw, exact_match_raw_statistics},
    Metric{"token_f1", Needs::kReferences, "mean F1 of the words of answer and reference (SQuAD)",
           score_token_f1, token_f1_statistics},
    Metric{"entity_f1", Needs::kTags, "F1 of named entities (seqeval)", score_entity_f1,
           entity_f1_statistics},
    Metric{"distinct1", Needs::kPrediction, "distinct words over words", score_distinct1},
    Metric{"distinct2", Needs::kPrediction, "distinct pairs of words over pairs", score_distinct2},
    Metric{"distinct3", Needs::kPrediction, "distinct triples of words over triples",
           score_distinct3},
    Metric{"self_bleu", Needs::kPrediction, "mean BLEU of each prediction with all others",
           score_self_bleu, nullptr, true, true, 100},
    Metric{"ngram_entropy", Needs::kPrediction, "entropy of the predictions' n-grams, in nats",
           score_ngram_entropy, nullptr, false, true, kWithoutEnd},
    Metric{"repetition", Needs::kPrediction, "share of n-grams that a prediction repeats",
           score_repetition, repetition_statistics, true},
    Metric{"coherence_linked", Needs::kPrediction,
           "share of neighbouring sentences that share a content word", score_linked,
           linked_statistics},
    Metric{"coherence_continuity", Needs::kPrediction,
           "share of a sentence's words that the next one takes up", score_continuity,
           continuity_statistics},
    Metric{"length", Needs::kPrediction, "mean words of a prediction", score_length,
           length_statistics, false, false, kWithoutEnd},
    Metric{"empty_rate", Needs::kPrediction, "share of empty predictions", score_empty_rate,
           empty_statistics, true},
    Metric{"refusal_rate", Needs::kPrediction, "share of predictions that refuse",
           score_refusal_rate, refusal_statistics, true},
    Metric{"format_json", Needs::kPrediction, "share of predictions that are JSON",
           score_format_json, json_statistics},
    Metric{"format_schema", Needs::kPrediction, "share of predictions that keep to --schema",
           score_format_schema, schema_statistics},
    Metric{"accuracy", Needs::kLabel, "share of right labels", score_accuracy, accuracy_statistics},
    Metric{"macro_f1", Needs::kLabel, "F1 over the labels, each alike",
           score_average<Average::kMacro, &ClassScore::f1>,
           average_statistics<Average::kMacro, &ClassScore::f1>},
    Metric{"macro_precision", Needs::kLabel, "precision over the labels, each alike",
           score_average<Average::kMacro, &ClassScore::precision>,
           average_statistics<Average::kMacro, &ClassScore::precision>},
    Metric{"macro_recall", Needs::kLabel, "recall over the labels, each alike",
           score_average<Average::kMacro, &ClassScore::recall>,
           average_statistics<Average::kMacro, &ClassScore::recall>},
    Metric{"micro_f1", Needs::kLabel, "F1 over all labels together",
           score_average<Average::kMicro, &ClassScore::f1>,
           average_statistics<Average::kMicro, &ClassScore::f1>},
    Metric{"micro_precision", Needs::kLabel, "precision over all labels together",
           score_average<Average::kMicro, &ClassScore::precision>,
           average_statistics<Average::kMicro, &ClassScore::precision>},
    Metric{"micro_recall", Needs::kLabel, "recall over all labels together",
           score_average<Average::kMicro, &ClassScore::recall>,
           average_statistics<Average::kMicro, &ClassScore::recall>},
    Metric{"weighted_f1", Needs::kLabel, "F1 over the labels, by their rows",
           score_average<Average::kWeighted, &ClassScore::f1>,
           average_statistics<Average::kWeighted, &ClassScore::f1>},
    Metric{"weighted_precision", Needs::kLabel, "precision over the labels, by their rows",
           score_average<Average::kWeighted, &ClassScore::precision>,
           average_statistics<Average::kWeighted, &ClassScore::precision>},
    Metric{"weighted_recall", Needs::kLabel, "recall over the labels, by their rows",
           score_average<Average::kWeighted, &ClassScore::recall>,
           average_statistics<Average::kWeighted, &ClassScore::recall>},
    Metric{"mcc", Needs::kLabel, "Matthews' correlation", score_mcc, mcc_statistics},
    Metric{"roc_auc", Needs::kProbabilities, "area under the ROC curve; of many labels one-vs-rest",
           score_roc_auc},
    Metric{"roc_auc_weighted", Needs::kProbabilities, "the same, labels weighed by their rows",
           score_roc_auc_weighted},
    Metric{"roc_auc_ovo", Needs::kProbabilities, "area under the ROC curve, one-vs-one",
           score_roc_auc_ovo},
    Metric{"roc_auc_ovo_weighted", Needs::kProbabilities, "the same, pairs weighed by their rows",
           score_roc_auc_ovo_weighted},
    Metric{"pr_auc", Needs::kProbabilities, "average precision; of many labels one-vs-rest",
           score_pr_auc},
    Metric{"log_loss", Needs::kProbabilities, "mean -ln of the right label's probability",
           score_log_loss, log_loss_statistics, true, true, kWithoutEnd},
    Metric{"brier", Needs::kProbabilities, "mean squared distance to the right answer", score_brier,
           brier_statistics, true, true, 2},
    Metric{"ece", Needs::kProbabilities, "expected calibration error, bins of equal width",
           score_ece, nullptr, true},
    Metric{"ece_equal_mass", Needs::kProbabilities, "the same, bins of as many rows each",
           score_ece_equal_mass, nullptr, true},
    Metric{"mce", Needs::kProbabilities, "largest calibration error of a bin", score_mce, nullptr,
           true},
    Metric{"selective_accuracy", Needs::kProbabilities, "mean accuracy over all coverages",
           score_selective_accuracy},
    Metric{"temperature", Needs::kProbabilities, "the temperature that fits these rows best",
           score_temperature, nullptr, false, false, kWithoutEnd},
    Metric{"platt", Needs::kProbabilities, "loss of two labels after Platt scaling", score_platt,
           nullptr, true, true, kWithoutEnd},
    Metric{"loss", Needs::kLogprobs, "mean -ln of a token's probability, of rows of score",
           score_loss, nullptr, true, true, kWithoutEnd},
    Metric{"perplexity", Needs::kLogprobs, "the exponential of that loss", score_perplexity,
           nullptr, true, true, kWithoutEnd},
    Metric{"word_perplexity", Needs::kLogprobs, "the same, a word of the texts",
           score_word_perplexity, nullptr, true, true, kWithoutEnd},
    Metric{"byte_perplexity", Needs::kLogprobs, "the same, a byte of the texts",
           score_byte_perplexity, nullptr, true, true, kWithoutEnd},
    Metric{"bits_per_byte", Needs::kLogprobs, "bits that a byte of the texts takes",
           score_bits_per_byte, nullptr, true, true, kWithoutEnd},
};

// What the row lacks; empty: nothing.
std::string missing(Needs needs, const PredictionRow& row) {
  switch (needs) {
    case Needs::kPrediction:
      return row.prediction ? "" : "a 'prediction' that is text";
    case Needs::kReferences:
      if (!row.prediction) return "a 'prediction' that is text";
      return row.references.empty() ? "a 'reference' that is text, or 'references'" : "";
    case Needs::kLabel:
      if (!row.prediction) return "a 'prediction' that is a label";
      return row.references.size() == 1 ? "" : "one 'reference' that is a label";
    case Needs::kTags:
      if (!row.predicted_tags) return "a 'prediction' that is a list of tags";
      return row.reference_tags ? "" : "a 'reference' that is a list of tags";
    case Needs::kProbabilities:
      if (row.probabilities.empty()) return "'probabilities' of the labels";
      return row.references.size() == 1 ? "" : "one 'reference' that is a label";
    case Needs::kLogprobs:
      return row.likelihood ? "" : "'token_logprobs', as `tunewright score` writes them";
  }
  return "";
}

}  // namespace

std::span<const Metric> metric_table() { return kTable; }

const Metric& find_metric(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& metric : kTable) {
    if (name == metric.name) return metric;
    names.emplace_back(metric.name);
  }
  throw UserError(str("metrics: '", name, "' is not a metric", suggestion(name, names)));
}

void check_rows(const Metric& metric, Rows rows) {
  if (rows.empty()) throw UserError(str(metric.name, ": there are no rows to score"));
  for (const auto& row : rows) {
    if (const auto lack = missing(metric.needs, row); !lack.empty())
      throw UserError(str(row.where, ": ", metric.name, " needs ", lack));
    const bool same_length =
        metric.needs != Needs::kTags || row.own_tags().size() == row.wanted_tags().size();
    if (!same_length) {
      throw UserError(str(row.where, ": ", metric.name, ": ", row.own_tags().size(),
                          " predicted tags, but ", row.wanted_tags().size(),
                          " in the reference; both need one a token"));
    }
  }
}

Score score(const Metric& metric, Rows rows, const MetricOptions& options) {
  check_rows(metric, rows);
  auto result = metric.score(rows, options);
  if (!std::isfinite(result.score))
    throw UserError(str(metric.name, ": is not defined on these ", rows.size(), " rows"));
  return result;
}

}  // namespace tunewright::metrics
