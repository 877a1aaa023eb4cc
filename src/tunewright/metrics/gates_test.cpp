#include "tunewright/metrics/gates.h"

#include <cmath>

#include "tunewright/base/test.h"

namespace tunewright::metrics {
namespace {

const GateContext kContext = {.figures = {"triage.macro_f1", "triage.accuracy", "other.macro_f1"},
                              .families = {{"forgetting", {"ppl_increase", "kl_divergence"}}},
                              .has_baseline = true};

std::vector<Gate> parse(const char* json, GateContext context = kContext) {
  return parse_gates(parse_json(json, "gates"), context);
}

MeasuredFigure figure(const char* name, Interval candidate) {
  return {.name = name, .candidate = candidate, .baseline = {}, .difference = {}};
}

TEST(Gates, AMetricAloneIsMeantInEveryTask) {
  const auto gates = parse(R"({"macro_f1": {"min": 0.9}, "triage.accuracy": {"max": 1}})");
  ASSERT_EQ(gates.size(), 3u);
  EXPECT_EQ(gates[0].figure, "triage.macro_f1");
  EXPECT_EQ(gates[1].figure, "other.macro_f1");
  EXPECT_EQ(gates[2].limits.max, 1.0);
  EXPECT_TRUE(parse("null").empty());
}

TEST(Gates, FamiliesHaveTheirOwnKeys) {
  const auto gates = parse(R"({"forgetting": {"max_ppl_increase": 0.05}})");
  ASSERT_EQ(gates.size(), 1u);
  EXPECT_EQ(gates[0].name, "forgetting.max_ppl_increase");
  EXPECT_EQ(gates[0].figure, "forgetting.ppl_increase");
  EXPECT_EQ(gates[0].limits.max, 0.05);
}

TEST(Gates, MistakesAreNamed) {
  EXPECT_USER_ERROR(parse("[]"), "gates: expected limits by figure");
  EXPECT_USER_ERROR(parse(R"({"macro_f": {"min": 1}})"), "did you mean 'macro_f1'?");
  EXPECT_USER_ERROR(parse(R"({"forgeting": {"max_ppl_increase": 1}})"),
                    "did you mean 'forgetting'?");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {"mni": 1}})"),
                    "gates.macro_f1.mni: unknown key (did you mean 'min'?)");
  EXPECT_USER_ERROR(parse(R"({"forgetting": {"max_ppl": 1}})"), "gates.forgetting.max_ppl");
  EXPECT_USER_ERROR(parse(R"({"forgetting": {"max_ppl_increase": "low"}})"), "expected a number");
  EXPECT_USER_ERROR(parse(R"({"forgetting": {}})"), "expected limits, as {max_ppl_increase: 0.05}");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {}})"), "neither min nor max nor not_worse_than");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": 0.9})"), "gates.macro_f1: expected keys and values");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {"min": 0.9, "max": 0.8}})"), "no figure passes");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {"min": 0.9, "margin": 0.1}})"),
                    "gates.macro_f1.margin: is of not_worse_than");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {"not_worse_than": "baseline", "margin": -1}})"),
                    "must not be negative");
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {"not_worse_than": "basline"}})"),
                    "did you mean 'baseline'?");
  auto alone = kContext;
  alone.has_baseline = false;
  EXPECT_USER_ERROR(parse(R"({"macro_f1": {"not_worse_than": "baseline"}})", alone),
                    "there is no baseline");
  const Json infinite = {{"macro_f1", {{"min", INFINITY}}}};
  EXPECT_USER_ERROR(parse_gates(infinite, kContext), "expected a number, got inf");
}

GateResult judge_one(const char* json, const MeasuredFigure& measured) {
  return judge_gates(parse(json), std::span(&measured, 1))[0];
}

TEST(Gates, LimitsAreOfTheFigureOrOfItsInterval) {
  const auto measured = figure("triage.accuracy", {0.92, 0.88, 0.95});
  EXPECT_TRUE(judge_one(R"({"triage.accuracy": {"min": 0.92}})", measured).passed);
  const auto strict =
      judge_one(R"({"triage.accuracy": {"min": 0.9, "confident": true}})", measured);
  EXPECT_FALSE(strict.passed);
  EXPECT_EQ(strict.reason, "the lower end of its interval, 0.88 is below the minimum of 0.9");
  EXPECT_EQ(strict.limit, "at least 0.9, with the whole interval");
  const auto high = judge_one(R"({"triage.accuracy": {"max": 0.91}})", measured);
  EXPECT_EQ(high.reason, "0.92 is above the maximum of 0.91");
}

TEST(Gates, NotWorseThanTheBaseline) {
  auto measured = figure("triage.accuracy", {0.90, 0.85, 0.95});
  measured.baseline = Interval{0.92, 0.88, 0.95};
  measured.difference = Interval{-0.02, -0.05, 0.01};
  EXPECT_FALSE(
      judge_one(R"({"triage.accuracy": {"not_worse_than": "baseline"}})", measured).passed);
  EXPECT_TRUE(
      judge_one(R"({"triage.accuracy": {"not_worse_than": "baseline", "margin": 0.02}})", measured)
          .passed);
  const auto strict = judge_one(
      R"({"triage.accuracy": {"not_worse_than": "baseline", "margin": 0.02, "confident": true}})",
      measured);
  EXPECT_EQ(strict.reason,
            "the worse end of its interval, 0.05 worse than the baseline, where 0.02 is allowed");
  measured.lower_is_better = true;
  EXPECT_TRUE(judge_one(R"({"triage.accuracy": {"not_worse_than": "baseline"}})", measured).passed);
}

TEST(Gates, WhatIsMissingFails) {
  const auto other = figure("other.macro_f1", {1, 1, 1});
  const auto missing = judge_one(R"({"triage.accuracy": {"min": 0}})", other);
  EXPECT_FALSE(missing.passed);
  EXPECT_EQ(missing.reason, "'triage.accuracy' was not measured in this evaluation");
  EXPECT_TRUE(to_json(missing)["value"].is_null());
  const auto nothing = figure("triage.accuracy", {NAN, NAN, NAN});
  EXPECT_THAT(judge_one(R"({"triage.accuracy": {"min": 0}})", nothing).reason,
              ::testing::HasSubstr("is not defined on these rows"));
  const auto alone = figure("triage.accuracy", {1, 1, 1});
  EXPECT_THAT(judge_one(R"({"triage.accuracy": {"not_worse_than": "baseline"}})", alone).reason,
              ::testing::HasSubstr("no figure of the baseline"));
  EXPECT_TRUE(all_passed({}));
}

TEST(Gates, JsonTellsLimitValueAndInterval) {
  const auto json = to_json(judge_one(R"({"triage.accuracy": {"min": 0.9}})",
                                      figure("triage.accuracy", {0.8, 0.7, 0.9})));
  EXPECT_EQ(json["figure"], "triage.accuracy");
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["min"], 0.9);
  EXPECT_EQ(json["value"], 0.8);
  EXPECT_EQ(json["low"], 0.7);
  EXPECT_EQ(json["reason"], "0.8 is below the minimum of 0.9");
}

}  // namespace
}  // namespace tunewright::metrics
