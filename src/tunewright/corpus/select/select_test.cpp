#include "tunewright/corpus/select/select.h"

#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/select/k_center.h"
#include "tunewright/corpus/step_test.h"

namespace tunewright::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::run_on;

std::vector<int64_t> ids(const testing::Ran& ran) {
  std::vector<int64_t> ids;
  for (const auto& row : ran.rows) ids.push_back(row["id"].get<int64_t>());
  return ids;
}

TEST(Select, ByScore) {
  const auto* lines = R"({"id":0,"loss":2}
{"id":1,"loss":0.5,"text":"x"}
{"id":2,"loss":3}
{"id":3,"loss":2}
{"id":4,"loss":"high"}
{"id":5}
)";
  EXPECT_THAT(ids(run_on("select", lines, {{"count", 2}})), ElementsAre(0, 2));
  EXPECT_THAT(ids(run_on("select", lines, {{"fraction", 0.6}})), ElementsAre(0, 2, 3));
  EXPECT_THAT(ids(run_on("select", lines, {{"count", 9}})), ElementsAre(0, 1, 2, 3));
  const auto low = run_on("select", lines, {{"count", 1}, {"prefer", "lowest"}});
  EXPECT_THAT(ids(low), ElementsAre(1));
  EXPECT_THAT(low.ledger, HasSubstr("no number in `loss`"));
  EXPECT_THAT(low.ledger, HasSubstr("not_selected: loss 3"));
  EXPECT_USER_ERROR(run_on("select", lines, {{"score_field", "surprise"}}),
                    "no row can be used: no number in `surprise`");
  EXPECT_USER_ERROR(make_step("select", {{"fraction", 0}}), "fraction: expected above 0");
}

TEST(Select, CurriculumGoesFromEasyToHard) {
  const auto* lines = R"({"id":0,"text":"three words here","hard":1}
{"id":1,"text":"one","hard":3}
{"id":2,"text":"two words","hard":2}
{"id":3,"text":"also one-","hard":1}
)";
  EXPECT_THAT(ids(run_on("select", lines, {{"method", "curriculum"}})), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(ids(run_on("select", lines, {{"method", "curriculum"}, {"score_field", "hard"}})),
              ElementsAre(0, 3, 2, 1));
}

TEST(KCenter, IsNumpys) {
  const auto golden =
      read_json(testing::source_path("tests/golden/corpus_labels.json"))["k_center"];
  Points points{.dimensions = 4, .values = {}};
  for (const auto& point : golden["points"]) {
    for (const auto& value : point) points.values.push_back(value.get<float>());
  }
  const auto centers = greedy_k_center(points, 12);
  EXPECT_EQ(centers.chosen, golden["chosen"].get<std::vector<int64_t>>());
}

TEST(KCenter, CoversAndNeverChoosesTwice) {
  Random random(2);
  Points points{.dimensions = 3, .values = {}};
  for (int i = 0; i < 300; ++i) points.values.push_back(static_cast<float>(random.below(3)));
  const auto centers = greedy_k_center(points, 100);  // many lie at the same place
  auto sorted = centers.chosen;
  std::ranges::sort(sorted);
  EXPECT_TRUE(std::ranges::adjacent_find(sorted) == sorted.end());
  EXPECT_EQ(sorted.size(), 100U);
  EXPECT_EQ(greedy_k_center(points, 27).radius, 0);  // as many places as there are
}

TEST(Select, DiverseTakesOneOfEachTopic) {
  std::string lines;
  const std::vector<std::string> topics = {"apples and pears are sweet fruit",
                                           "the engine of the car runs on petrol",
                                           "central banks set the rates of interest"};
  for (int i = 0; i < 30; ++i)
    lines += str(R"({"id":)", i, R"(,"text":")", topics[i % 3], i < 3 ? "" : " again", "\"}\n");
  const auto ran = run_on("select", lines, {{"method", "diverse"}, {"count", 3}});
  ASSERT_EQ(ran.rows.size(), 3U);
  std::vector<int64_t> kinds;
  for (const auto id : ids(ran)) kinds.push_back(id % 3);
  std::ranges::sort(kinds);
  EXPECT_THAT(kinds, ElementsAre(0, 1, 2));
  EXPECT_EQ(ran.rows, run_on("select", lines, {{"method", "diverse"}, {"count", 3}}, 1).rows);
}

TEST(Select, EmbeddingsOfTheRows) {
  const auto* lines = R"({"id":0,"embedding":[0,0]}
{"id":1,"embedding":[0.1,0]}
{"id":2,"embedding":[9,9]}
{"id":3,"embedding":[1]}
{"id":4,"embedding":[1,null]}
{"id":5,"embedding":[]}
{"id":6,"text":"none"}
)";
  const auto ran = run_on("select", lines, {{"method", "diverse"}, {"count", 2}});
  EXPECT_THAT(ids(ran), ElementsAre(1, 2));
  for (const auto* reason : {"embedding of 1 numbers, not 2", "not a list of numbers",
                             "no embedding in `embedding`", "not_selected: near to others"})
    EXPECT_THAT(ran.ledger, HasSubstr(reason));
}

}  // namespace
}  // namespace tunewright::corpus
