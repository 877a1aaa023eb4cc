#pragma once
#include <span>
#include <string_view>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// Whether predictions keep to the form that was asked for.
namespace tunewright::metrics {

struct MetricOptions;

struct FormatOptions {
  Json schema;
  std::vector<std::string> refusals;
};
template <class V>
void fields(V& v, FormatOptions& o) {
  v("schema", o.schema, "JSON Schema of format_schema, as an object.");
  v("refusals", o.refusals,
    "Beginnings of sentences that refuse, beside the built-in English ones (of refusal_rate).");
}

// One of the built-in or given phrases within the first 200 characters, whatever its case.
bool is_refusal(std::string_view text, std::span<const std::string> more);

// Mean words of a prediction (between white space).
Score score_length(std::span<const PredictionRow> rows, const MetricOptions& options);
// Shares of the rows, from 0 to 1: refusals; predictions that are nothing; predictions that are
// JSON and nothing else; those that keep to the schema as well.
Score score_refusal_rate(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_empty_rate(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_format_json(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_format_schema(std::span<const PredictionRow> rows, const MetricOptions& options);

RowStatistics length_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics refusal_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics empty_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics json_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics schema_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

}  // namespace tunewright::metrics
