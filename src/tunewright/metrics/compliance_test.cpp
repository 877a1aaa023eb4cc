#include "tunewright/metrics/compliance.h"

#include "tunewright/base/test.h"
#include "tunewright/metrics/json_schema.h"
#include "tunewright/metrics/table.h"

namespace tunewright::metrics {
namespace {

std::string problem(const char* schema, const char* value) {
  return JsonSchema(parse_json(schema, "schema")).problem(parse_json(value, "value"));
}

TEST(JsonSchema, AcceptsAndRefuses) {
  struct Case {
    const char *schema, *good, *bad, *message;
  };
  const Case cases[] = {
      {R"({"type":"integer"})", "1.0", "1.5", "$: is a number, not integer"},
      {R"({"type":["string","null"]})", "null", "1", "not string or null"},
      {R"({"enum":[1,{"a":[1],"b":2}]})", R"({"b":2,"a":[1.0]})", "2", "allowed values"},
      {R"({"const":"x"})", "\"x\"", "\"y\"", "allowed values"},
      {R"({"required":["a"]})", R"({"a":null})", "{}", "'a' is missing"},
      {R"({"properties":{"a":{"type":"string"}}})", R"({"a":"","b":1})", R"({"a":1})", "$.a: is"},
      {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1})", R"({"b":1})",
       "$.b: is not allowed here"},
      {R"({"items":{"minimum":2}})", "[2,3]", "[2,1]", "$[1]: 1 is beyond minimum 2"},
      {R"({"exclusiveMaximum":2})", "1.9", "2", "exclusiveMaximum"},
      {R"({"maxLength":2})", "\"日本\"", "\"abc\"", "maxLength"},
      {R"({"minItems":1})", "[0]", "[]", "minItems"},
      {R"({"pattern":"^[a-z]+$"})", "\"abc\"", "\"a1\"", "does not match"},
      {R"({"pattern":"b"})", "7", "\"acd\"", "does not match"},
      {"true", "1", nullptr, nullptr},
      {"false", nullptr, "1", "not allowed"}};
  for (const auto& [schema, good, bad, message] : cases) {
    if (good != nullptr) {
      EXPECT_EQ(problem(schema, good), "") << schema;
    }
    if (bad != nullptr) {
      EXPECT_THAT(problem(schema, bad), ::testing::HasSubstr(message)) << schema;
    }
  }
}

TEST(JsonSchema, WhatItDoesNotCheckIsAnError) {
  EXPECT_USER_ERROR(problem(R"({"properties":{"a":{"oneOf":[]}}})", "1"),
                    "schema.properties.a.oneOf: this keyword is not checked here");
  EXPECT_USER_ERROR(problem(R"({"type":"int"})", "1"), "'int' is not a type");
  EXPECT_USER_ERROR(problem(R"({"pattern":"("})", "1"), "is not a regular expression");
  EXPECT_USER_ERROR(problem(R"({"minimum":"1"})", "1"), "expected a number");
}

std::vector<PredictionRow> predictions(std::initializer_list<const char*> texts) {
  std::vector<PredictionRow> rows;
  for (const auto* text : texts)
    rows.push_back({.where = str("row ", rows.size()), .prediction = text});
  return rows;
}

Score of(const char* metric, const std::vector<PredictionRow>& rows,
         const MetricOptions& options = {}) {
  return score(find_metric(metric), rows, options);
}

TEST(Compliance, CountsRows) {
  const auto rows = predictions(
      {" {\"a\": 1}\n", "{\"a\": 1} and more", "", "```json\n1\n```", "[1", "NaN", "2"});
  EXPECT_DOUBLE_EQ(of("format_json", rows).score, 2 / 7.0);
  EXPECT_DOUBLE_EQ(of("empty_rate", rows).score, 1 / 7.0);
  MetricOptions options;
  EXPECT_USER_ERROR(of("format_schema", rows, options), "needs a schema");
  options.format.schema = parse_json(R"({"type":"object","required":["a"]})", "");
  const auto result = of("format_schema", rows, options);
  EXPECT_DOUBLE_EQ(result.score, 1 / 7.0);
  EXPECT_EQ(result.details.at("not_json"), 5);
  EXPECT_EQ(result.details.at("first_problem"), "row 1: $: is not JSON");
}

TEST(Compliance, RefusalsAreAtTheBeginning) {
  const std::vector<std::string> more = {"Das kann ich nicht"};
  EXPECT_TRUE(is_refusal("  I’m sorry, but I can't.", {}));
  EXPECT_TRUE(is_refusal("Hello. As an AI language model, I have no", {}));
  EXPECT_FALSE(is_refusal("Sure: the answer is 4.", {}));
  EXPECT_FALSE(is_refusal(std::string(250, 'x') + " I cannot help", {}));
  EXPECT_TRUE(is_refusal("Das kann ich nicht sagen", more));
}

TEST(Compliance, LengthIsInWords) {
  const auto result = of("length", predictions({"a b  c", "", "日本"}));
  EXPECT_DOUBLE_EQ(result.score, 4 / 3.0);
  EXPECT_DOUBLE_EQ(result.details.at("characters").get<double>(), 8 / 3.0);
}

}  // namespace
}  // namespace tunewright::metrics
