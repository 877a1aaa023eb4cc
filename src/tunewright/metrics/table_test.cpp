#include "tunewright/metrics/table.h"

#include "tunewright/base/test.h"

namespace tunewright::metrics {
namespace {

PredictionRow row(const char* json) { return to_prediction_row(parse_json(json, "test"), "row 0"); }

TEST(Table, AnUnknownNameGetsTheNearest) {
  EXPECT_USER_ERROR(find_metric("exact_mach"), "did you mean 'exact_match'?");
}

TEST(Table, RowsThatAMetricDoesNotFitAreNamed) {
  const auto& metric = find_metric("exact_match");
  EXPECT_USER_ERROR(score(metric, {}, {}), "exact_match: there are no rows");
  const std::vector without_reference = {row(R"({"prediction":"x"})")};
  EXPECT_USER_ERROR(score(metric, without_reference, {}), "row 0: exact_match needs a 'reference'");
  const std::vector tags = {row(R"({"prediction":["O"],"reference":["O"]})")};
  EXPECT_USER_ERROR(score(metric, tags, {}),
                    "row 0: exact_match needs a 'prediction' that is text");
}

TEST(PredictionRow, TypesAreChecked) {
  EXPECT_EQ(row(R"({"prediction":1,"reference":true})").references[0], "true");
  EXPECT_USER_ERROR(row(R"({"prediction":null})"), "row 0: prediction: expected text");
  EXPECT_USER_ERROR(row(R"({"reference":"a","references":["b"]})"), "keep one");
  EXPECT_USER_ERROR(row(R"({"references":[]})"), "a list of one or more texts");
  EXPECT_USER_ERROR(row(R"({"reference":["O",1]})"), "a list of tags");
  EXPECT_USER_ERROR(row(R"({"probabilities":{"a":1.5}})"), "numbers from 0 to 1, got 1.5");
}

}  // namespace
}  // namespace tunewright::metrics
