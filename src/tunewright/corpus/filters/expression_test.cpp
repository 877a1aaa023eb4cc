#include "tunewright/corpus/filters/expression.h"

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/filters/language.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {
namespace {

Document row() {
  return Document::parse(
      R"({"text":"The quick brown fox, 42 of them, jumped over the lazy dog and ran home.\n\nSo it did.",)"
      R"("label":"ham","score":0.5,"meta":{"lang":"de","tags":["a","b"]},"words":"mine"})");
}

Json value(std::string_view expression) { return Expression::parse(expression).value(row()); }

TEST(Expression, Operators) {
  EXPECT_EQ(value("1 + 2 * 3 - 4 / 2"), 5);
  EXPECT_EQ(value("(1 + 2) * -3 % 4"), -1);
  EXPECT_EQ(value("not 1 == 2 and 2 < 3 or false"), true);
  EXPECT_EQ(value("1 < 2 and not (2 >= 3)"), true);
  EXPECT_EQ(value("\"a\" in [\"a\", 'b'] and 3 not in [1, 2]"), true);
  EXPECT_EQ(value("'fo' in 'food' and 'x' < 'y'"), true);
  EXPECT_EQ(value("len('日本') + max(1, 2)"), 4);
  EXPECT_EQ(value("lower('ÄB') == 'äb' and startswith('abc', 'ab') and endswith('abc', 'c')"),
            true);
  EXPECT_EQ(value("!false && (false || true)"), true);
}

TEST(Expression, VariablesAndFields) {
  EXPECT_EQ(value("words"), 18);
  EXPECT_EQ(value("lines"), 3);
  EXPECT_EQ(value("paragraphs"), 2);
  EXPECT_EQ(value("characters == bytes"), true);
  EXPECT_EQ(value("words > 5 and lang == \"en\""), true);
  EXPECT_EQ(value("label == 'ham' and score >= .5"), true);
  EXPECT_EQ(value("row.words == 'mine' and meta.lang == 'de' and 'b' in meta.tags"), true);
  EXPECT_EQ(value("digits_ratio > 0 and digits_ratio < 0.05 and alphabetic_ratio > 0.7"), true);
  EXPECT_EQ(value("contains(text, 'quick')"), true);
}

// What does not fit is false or null, and no error: rows differ.
TEST(Expression, WhatDoesNotFit) {
  EXPECT_EQ(value("nothing > 3 or nothing < 3 or nothing <= 3 or nothing >= 3"), false);
  EXPECT_EQ(value("nothing == null and meta.none.deeper == null"), true);
  EXPECT_EQ(value("'a' * 2"), nullptr);
  EXPECT_EQ(value("1 / 0"), nullptr);
  EXPECT_EQ(value("label > 3"), false);
}

TEST(Expression, ErrorsPointAtThePlace) {
  EXPECT_USER_ERROR(Expression::parse("words > "), "expected a value at character 9: the end");
  EXPECT_USER_ERROR(Expression::parse("words = 5"),
                    "expected an operator or the end at character 7: = 5");
  EXPECT_USER_ERROR(Expression::parse("(words > 5"), "expected ')'");
  EXPECT_USER_ERROR(Expression::parse("lang == \"en"), "closing quote");
  EXPECT_USER_ERROR(Expression::parse("lenght(text) > 3"), "there is no function 'lenght'");
  EXPECT_USER_ERROR(Expression::parse("len(1, 2)"), "len takes 1 values, got 2");
  EXPECT_USER_ERROR(Expression::parse(std::string(1000, '(')), "200 levels");
  EXPECT_USER_ERROR(Expression::parse(std::string(5000, '-')), "4096");
  EXPECT_USER_ERROR(Expression::parse(""), "expected a value");
  Expression::parse("1" + std::string(4000, '-') + "1");
}

TEST(Expression, FilterSaysWhatIsMissing) {
  const auto step = make_step("filter-expression", {{"keep", "lable == 'ham'"}});
  auto document = row();
  EXPECT_EQ(step->judge(document, 0).reason, "expression is false");
  EXPECT_EQ(step->summary().at("rows_without_field").at("lable"), 1);
  EXPECT_USER_ERROR(make_step("filter-expression", {}), "keep: is missing");
}

TEST(Language, DetectsNotesAndFilters) {
  EXPECT_EQ(
      detect_language("Die Würde des Menschen ist unantastbar. Sie zu achten ist Pflicht.").code,
      "de");
  EXPECT_EQ(detect_language("これは日本語の文章です。とても短いです。").code, "ja");
  EXPECT_EQ(detect_language("").code, "und");
  auto document = row();
  EXPECT_EQ(make_step("language", {})->judge(document, 0).reason, "language en");
  EXPECT_EQ(document.field("language"), "en");
  const auto german = make_step("language", {{"languages", {"de"}}});
  EXPECT_EQ(german->judge(document, 0).reason, "language en");
  EXPECT_EQ(german->judge(document, 0).decision, Decision::kDropped);
  EXPECT_USER_ERROR(make_step("language", {{"min_confidence", 2}}), "between 0 and 1");
}

}  // namespace
}  // namespace tunewright::corpus
