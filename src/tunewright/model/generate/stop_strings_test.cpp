#include "tunewright/model/generate/stop_strings.h"

#include "tunewright/base/random.h"
#include "tunewright/base/test.h"

namespace tunewright::model {
namespace {

// What comes out when `text` arrives in pieces of `sizes` (then of one byte).
std::string pass(std::vector<std::string> stops, std::string_view text,
                 const std::vector<size_t>& sizes) {
  StopStrings filter(std::move(stops));
  std::string out;
  size_t piece = 0;
  for (size_t at = 0; at < text.size();) {
    const auto size = piece < sizes.size() ? sizes[piece++] : 1;
    out += filter.put(text.substr(at, size));
    at += size;
  }
  return out + filter.finish();
}

TEST(StopStrings, TextWithoutOnePassesWhole) {
  EXPECT_EQ(pass({}, "hello", {2}), "hello");
  EXPECT_EQ(pass({"END"}, "the EN is not the E", {4, 3}), "the EN is not the E");
}

TEST(StopStrings, EndsBeforeTheStopStringAndGivesNothingAfter) {
  EXPECT_EQ(pass({"END"}, "a b END c END", {13}), "a b ");
  EXPECT_EQ(pass({"END"}, "a b END c", {5, 1, 1}), "a b ");
  EXPECT_EQ(pass({"END"}, "END", {}), "");
}

TEST(StopStrings, HoldsBackOnlyWhatMayBegin) {
  StopStrings filter({"\n\n", "Question:"});
  EXPECT_EQ(filter.put("answer\n"), "answer");
  EXPECT_EQ(filter.put("more Ques"), "\nmore ");
  EXPECT_EQ(filter.put("t."), "Quest.");
  EXPECT_FALSE(filter.found());
  EXPECT_EQ(filter.put("Question: x"), "");
  EXPECT_TRUE(filter.found());
  EXPECT_EQ(filter.put("after"), "");
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopStrings, TheOneThatIsCompleteFirstCounts) {
  EXPECT_EQ(pass({"abcd", "bc"}, "xabcd", {5}), "xa");
  EXPECT_EQ(pass({"bcd", "abcd"}, "xabcd", {5}), "x");
}

TEST(StopStrings, RepeatsInsideAStopString) {
  EXPECT_EQ(pass({"aab"}, "aaab", {}), "a");
  EXPECT_EQ(pass({"aab"}, "aaaaaa", {}), "aaaaaa");
}

// Law: cutting the text differently changes nothing.
TEST(StopStrings, PiecesDoNotMatter) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    auto word = [&](uint64_t longest) {
      std::string text;
      for (uint64_t i = 1 + random.below(longest); i > 0; --i)
        text += static_cast<char>('a' + random.below(3));
      return text;
    };
    const std::vector<std::string> stops = {word(4), word(5)};
    const auto text = word(30);
    std::vector<size_t> sizes;
    for (int i = 0; i < 8; ++i) sizes.push_back(1 + random.below(6));
    EXPECT_EQ(pass(stops, text, sizes), pass(stops, text, {text.size()}))
        << text << " | " << stops[0] << " | " << stops[1];
  }
}

TEST(StopStrings, EmptyOneIsAnError) {
  EXPECT_USER_ERROR(StopStrings({""}), "stop: a stop string has no characters");
}

}  // namespace
}  // namespace tunewright::model
