// The metrics of texts and of tags beside what the references say.
#include <cmath>

#include "tunewright/base/test.h"
#include "tunewright/metrics/porter_stemmer.h"
#include "tunewright/metrics/table.h"

namespace tunewright::metrics {
namespace {

const Json& golden() {
  static const Json kGolden = read_json(testing::source_path("tests/golden/metrics_text.json"));
  return kGolden;
}

std::vector<PredictionRow> to_rows(const Json& list) {
  std::vector<PredictionRow> rows;
  for (size_t i = 0; i < list.size(); ++i)
    rows.push_back(to_prediction_row(list[i], str("row ", i)));
  return rows;
}

// PER-B for B-PER: the case that the golden marks as swapped.
void swap_tags(std::vector<std::string>& tags) {
  for (auto& tag : tags) {
    if (tag.size() > 2 && tag[1] == '-') tag = tag.substr(2) + "-" + tag[0];
  }
}

std::vector<PredictionRow> swapped(std::vector<PredictionRow> rows) {
  for (auto& row : rows) {
    swap_tags(*row.predicted_tags);
    swap_tags(*row.reference_tags);
  }
  return rows;
}

// sacrebleu's logarithms and sums differ in the last bits; rouge-score, NLTK and seqeval do not.
double tolerance(const std::string& metric) {
  if (metric.starts_with("rouge") || metric == "meteor" || metric == "entity_f1") return 1e-12;
  return 1e-9;
}

void expect_scores(const Json& block) {
  const auto rows = to_rows(block.at("rows"));
  for (const auto& expected : block.at("scores")) {
    const auto name = expected.at("metric").get<std::string>();
    const auto options = from_json<MetricOptions>(expected.at("options"));
    const bool needs_wordnet = options.meteor.wordnet && !options.meteor.wordnet->empty();
    if (needs_wordnet && !std::filesystem::exists(*options.meteor.wordnet)) continue;
    const auto& metric = find_metric(name);
    const auto own_rows = expected.contains("swapped") ? swapped(rows) : rows;
    const auto result = score(metric, own_rows, options);
    const auto where = name + " " + dump_json(expected.at("options"));
    EXPECT_NEAR(result.score, expected.at("score").get<double>(), tolerance(name)) << where;
    if (expected.contains("signature")) {
      EXPECT_EQ(result.signature, expected.at("signature").get<std::string>()) << where;
    }
    if (metric.statistics == nullptr) continue;
    const auto statistics = metric.statistics(own_rows, options);
    EXPECT_EQ(statistics.values.size(), own_rows.size() * statistics.width) << where;
    EXPECT_EQ(statistics.score(statistics.sums()), result.score) << where;
  }
}

TEST(TextMetrics, AreTheReferencesOnWords) { expect_scores(golden().at("texts").at("words")); }
TEST(TextMetrics, AreTheReferencesOnHostileTexts) {
  expect_scores(golden().at("texts").at("hostile"));
}
TEST(TextMetrics, AreTheReferencesOnOneRow) { expect_scores(golden().at("texts").at("single")); }
TEST(TextMetrics, AreTheReferencesOnVariableReferences) {
  expect_scores(golden().at("texts").at("variable"));
}

TEST(EntityF1, IsSeqevals) {
  for (const auto& [name, block] : golden().at("tags").items()) {
    SCOPED_TRACE(name);
    expect_scores(block);
  }
}

TEST(PorterStemmer, IsNltks) {
  for (const auto& pair : golden().at("stems"))
    EXPECT_EQ(porter_stem(pair[0].get<std::string>()), pair[1].get<std::string>()) << pair;
}

std::vector<PredictionRow> predictions(std::initializer_list<const char*> texts) {
  std::vector<PredictionRow> rows;
  for (const auto* text : texts)
    rows.push_back({.where = str("row ", rows.size()), .prediction = text});
  return rows;
}

double value(const char* metric, const std::vector<PredictionRow>& rows) {
  return score(find_metric(metric), rows, {}).score;
}

TEST(Diversity, FollowsItsFormulas) {
  const auto rows = predictions({"a b a b a b", "a b c", ""});
  EXPECT_DOUBLE_EQ(value("distinct1", rows), 3.0 / 9);
  EXPECT_DOUBLE_EQ(value("distinct2", rows), 3.0 / 7);  // ab ba bc
  EXPECT_DOUBLE_EQ(value("distinct3", rows), 3.0 / 5);  // aba bab abc
  const auto nats = [](double p) { return -p * std::log(p); };
  EXPECT_NEAR(value("ngram_entropy", rows), nats(4 / 7.0) + nats(2 / 7.0) + nats(1 / 7.0), 1e-15);
  EXPECT_DOUBLE_EQ(value("repetition", rows),
                   1 - 2.0 / 3);  // abab baba abab; the rest is too short
}

TEST(Diversity, OfTextsThatAreTooShortIsAnError) {
  EXPECT_USER_ERROR(value("distinct2", predictions({"a", ""})), "no prediction has 2 words");
  EXPECT_USER_ERROR(value("repetition", predictions({"a b c"})), "no prediction has 4 words");
  EXPECT_USER_ERROR(value("self_bleu", predictions({"a"})), "two rows or more");
}

TEST(Options, OutOfRangeAreNamed) {
  const std::vector<PredictionRow> rows = {
      {.where = "row 0", .prediction = "a", .references = {"a"}}};
  const auto with = [&](const char* metric, const char* json) {
    return score(find_metric(metric), rows, from_json<MetricOptions>(parse_json(json, "test")));
  };
  EXPECT_USER_ERROR(with("bleu", R"({"bleu":{"max_ngram_order":0}})"), "expected 1 to 20, got 0");
  EXPECT_USER_ERROR(with("bleu", R"({"bleu":{"tokenize":"ja"}})"), "'ja' is not a value of it");
  EXPECT_USER_ERROR(with("chrf", R"({"chrf":{"char_order":0}})"), "not both 0");
  EXPECT_USER_ERROR(with("meteor", R"({"meteor":{"alpha":2}})"), "alpha between 0 and 1");
  EXPECT_USER_ERROR(with("meteor", R"({"meteor":{"wordnet":"/nowhere"}})"), "/nowhere");
}

TEST(EntityF1, BadTagsAreNamed) {
  const auto rows =
      to_rows(parse_json(R"([{"prediction":["B-A","L-A"],"reference":["O","O"]}])", ""));
  const auto with = [&](const char* json) {
    return score(find_metric("entity_f1"), rows,
                 from_json<MetricOptions>(parse_json(json, "test")));
  };
  EXPECT_USER_ERROR(with(R"({"entity":{"mode":"strict"}})"), "strict needs a scheme");
  EXPECT_USER_ERROR(with(R"({"entity":{"mode":"strict","scheme":"IOB2"}})"),
                    "row 0: prediction: tag 'L-A' does not begin with one of IOB");
  const auto empty = to_rows(parse_json(R"([{"prediction":[""],"reference":["O"]}])", ""));
  EXPECT_USER_ERROR(value("entity_f1", empty), "row 0: prediction: a tag is empty");
}

}  // namespace
}  // namespace tunewright::metrics
