#include "tunewright/eval/label_reader.h"

#include "tunewright/base/test.h"

namespace tunewright::eval {
namespace {

TEST(LabelReader, ReadsTheLabelThatAnAnswerBeginsWith) {
  const LabelReader labels({"ham", "spam", "not sure"}, "task t");
  EXPECT_EQ(labels.read("spam"), 1u);
  EXPECT_EQ(labels.read(" **Spam**."), 1u);
  EXPECT_EQ(labels.read("Ham, because it is wanted"), 0u);
  EXPECT_EQ(labels.read("'Not  sure'"), 2u);
  EXPECT_EQ(labels.read("spammy"), std::nullopt);
  EXPECT_EQ(labels.read("The mail is spam"), std::nullopt);
  EXPECT_EQ(labels.read("not"), std::nullopt);
  EXPECT_EQ(labels.read(""), std::nullopt);
}

TEST(LabelReader, TheLongestLabelWins) {
  const LabelReader labels({"new", "new york"}, "task t");
  EXPECT_EQ(labels.read("new"), 0u);
  EXPECT_EQ(labels.read("New York!"), 1u);
  EXPECT_EQ(labels.read("new yorker"), 0u);
}

// Ending an answer when it is settled never changes the label that is read.
TEST(LabelReader, SettledMeansNoContinuationMatters) {
  const LabelReader labels({"ham", "spam", "spam maybe"}, "task t");
  EXPECT_FALSE(labels.settled(""));
  EXPECT_FALSE(labels.settled(" \""));
  EXPECT_FALSE(labels.settled("sp"));
  EXPECT_FALSE(labels.settled("spam"));
  EXPECT_FALSE(labels.settled("spam "));
  EXPECT_TRUE(labels.settled("ham."));
  EXPECT_TRUE(labels.settled("This"));
  const std::string alphabet = "spamhyb .*";
  for (const std::string start : {"ham.", "spam but", "This", "hams", "spam maybe "}) {
    ASSERT_TRUE(labels.settled(start)) << start;
    for (const char next : alphabet)
      EXPECT_EQ(labels.read(start + next), labels.read(start)) << start << next;
  }
}

TEST(LabelReader, RefusesLabelsThatCannotBeToldApart) {
  EXPECT_USER_ERROR(LabelReader({}, "task t"), "task t: labels: none given");
  EXPECT_USER_ERROR(LabelReader({"Spam", "spam!"}, "task t"), "cannot be told from another label");
  EXPECT_USER_ERROR(LabelReader({"..."}, "task t"), "has no letter or digit");
}

}  // namespace
}  // namespace tunewright::eval
