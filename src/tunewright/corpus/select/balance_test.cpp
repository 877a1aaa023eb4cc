#include "tunewright/corpus/select/balance.h"

#include <cmath>

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/step_test.h"

namespace tunewright::corpus {
namespace {

using testing::run_on;

std::string skewed() {
  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines += str(R"({"id":)", i, R"(,"label":")",
                 i % 10 == 0  ? "b"
                 : i % 4 == 1 ? "c"
                              : "a",
                 "\"}\n");
  return lines;
}

std::map<std::string, int64_t> counts_of(const std::vector<Json>& rows) {
  std::map<std::string, int64_t> counts;
  for (const auto& row : rows) ++counts[row["label"].get<std::string>()];
  return counts;
}

TEST(Balance, OversampleAndUndersample) {
  const std::map<std::string, int64_t> before = {{"a", 39}, {"b", 6}, {"c", 15}};
  EXPECT_EQ(
      counts_of(
          run_on("filter-length", skewed() + "{\"text\":\"x\",\"label\":\"\"}\n", {}).rows)[""],
      1);
  const auto over = run_on("balance", skewed(), {{"method", "oversample"}});
  EXPECT_EQ(counts_of(over.rows),
            (std::map<std::string, int64_t>{{"a", 39}, {"b", 39}, {"c", 39}}));
  std::map<int64_t, int64_t> of_row;
  for (const auto& row : over.rows) ++of_row[row["id"].get<int64_t>()];
  EXPECT_EQ(of_row.size(), 60U);  // none is lost, and none is preferred by more than one copy
  for (const auto& [id, copies] : of_row) {
    EXPECT_TRUE(id % 10 != 0 || copies == 6 || copies == 7) << id << " " << copies;
  }
  const auto under = run_on("balance", skewed(), {{"method", "undersample"}});
  EXPECT_EQ(counts_of(under.rows), (std::map<std::string, int64_t>{{"a", 6}, {"b", 6}, {"c", 6}}));
  EXPECT_NE(under.rows, run_on("balance", skewed(), {{"method", "undersample"}, {"seed", 1}}).rows);
  EXPECT_EQ(under.rows, run_on("balance", skewed(), {{"method", "undersample"}}, 1).rows);
  const auto limited = run_on("balance", skewed(), {{"limit", 30}, {"max_copies", 3}});
  EXPECT_EQ(counts_of(limited.rows),
            (std::map<std::string, int64_t>{{"a", 39}, {"b", 18}, {"c", 30}}));
}

TEST(Balance, TemperatureFollowsItsFormula) {
  const std::vector<int64_t> counts = {39, 6, 15};
  for (const double temperature : {0.5, 1.0, 2.0, 3.0, 100.0}) {
    for (const int64_t rows : {0, 7, 1000}) {
      const auto targets = target_counts(
          counts,
          {.method = BalanceMethod::kTemperature, .temperature = temperature, .rows = rows});
      double sum = 0, total = 0;
      for (const auto n : counts) sum += std::pow(n, 1 / temperature);
      for (size_t i = 0; i < counts.size(); ++i) {
        const double exact = std::pow(counts[i], 1 / temperature) / sum * (rows ? rows : 60);
        EXPECT_LT(std::abs(static_cast<double>(targets[i]) - exact), 1);
        total += static_cast<double>(targets[i]);
      }
      EXPECT_EQ(total, rows ? rows : 60);
    }
  }
  const auto ran = run_on("balance", skewed(), {{"method", "temperature"}, {"temperature", 1}});
  EXPECT_EQ(ran.rows.size(), 60U);
  EXPECT_EQ(ran.counts.dropped, 0);
}

TEST(Balance, WeightsAreScikitLearns) {
  const auto golden =
      read_json(testing::source_path("tests/golden/corpus_labels.json"))["class_weights"];
  std::string lines;
  for (const auto& label : golden["labels"]) lines += dump_json(Json{{"label", label}}) + "\n";
  for (const auto& row : run_on("balance", lines, {{"method", "weights"}}).rows) {
    EXPECT_NEAR(row["weight"].get<double>(),
                golden["weights"][row["label"].get<std::string>()].get<double>(), 1e-15);
  }
}

TEST(Balance, HostileInput) {
  const auto ran = run_on("balance", skewed() + "{\"label\":null}\n{\"label\":[]}\n{}\nx\n", {});
  EXPECT_EQ(ran.counts.dropped, 4);
  EXPECT_THAT(ran.ledger, ::testing::HasSubstr("no group in `label`"));
  EXPECT_USER_ERROR(run_on("balance", "{\"text\":\"x\"}\n", {}), "no row has a `label`");
  EXPECT_USER_ERROR(make_step("balance", {{"temperature", 0}}), "temperature: expected");
  EXPECT_EQ(run_on("balance", "{\"label\":true}\n{\"label\":1}\n", {}).rows.size(), 2U);
}

}  // namespace
}  // namespace tunewright::corpus
