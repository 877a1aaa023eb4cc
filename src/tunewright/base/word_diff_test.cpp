#include "tunewright/base/word_diff.h"

#include "tunewright/base/random.h"
#include "tunewright/base/test.h"

namespace tunewright {
namespace {

struct Sides {
  std::string before, after, marked;
};

Sides sides(const std::vector<DiffPart>& parts) {
  Sides sides;
  for (const auto& [kind, text] : parts) {
    if (kind != DiffPart::Kind::kAdded) sides.before += text;
    if (kind != DiffPart::Kind::kRemoved) sides.after += text;
    sides.marked += kind == DiffPart::Kind::kSame      ? text
                    : kind == DiffPart::Kind::kRemoved ? "[-" + text + "]"
                                                       : "[+" + text + "]";
  }
  return sides;
}

TEST(WordDiff, MarksWhatWasReplaced) {
  EXPECT_EQ(sides(word_diff("write to a@b.de today", "write to <EMAIL> today")).marked,
            "write to [-a@b.de][+<EMAIL>] today");
  EXPECT_EQ(sides(word_diff("same", "same")).marked, "same");
  EXPECT_EQ(sides(word_diff("", "new")).marked, "[+new]");
  EXPECT_EQ(sides(word_diff("a  b", "a b")).marked, "a[-  ][+ ]b");
}

TEST(WordDiff, BothSidesComeBack) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::string texts[2];
    for (auto& text : texts) {
      const auto size = random.below(40);
      for (uint64_t i = 0; i < size; ++i) text += "ab \n"[random.below(4)];
    }
    const auto back = sides(word_diff(texts[0], texts[1]));
    EXPECT_EQ(back.before, texts[0]);
    EXPECT_EQ(back.after, texts[1]);
  }
}

TEST(WordDiff, LongTextsDifferAsAWhole) {
  std::string before, after;
  for (int i = 0; i < 3000; ++i) (before += "a ", after += "b ");
  EXPECT_EQ(word_diff(before, after).size(), 2U);
}

}  // namespace
}  // namespace tunewright
