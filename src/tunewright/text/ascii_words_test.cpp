#include "tunewright/text/ascii_words.h"

#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/text/regex.h"

namespace tunewright::text {
namespace {

const std::string kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::string random_text(Random& random) {
  static const std::vector<std::string> kPieces = {
      "a",    "s",  "t",        "re", "VE",      "M",    "ll",   "D",           "word", "1",  "23",
      "4567", " ",  "  ",       "'",  "''",      "\n",   "\r",   "\t",          "\v",   "\f", "\b",
      "!",    "..", "_",        "-",  "\x7F",    "é",    "ſ",    "K",           "א",    "١",  "½",
      " ",    "　", "\xC2\x85", "👍", "e\u0301", "\x1C", "\x1F", "\xEA\x9F\x8B"};
  std::string text;
  for (auto left = random.below(12); left > 0; --left)
    text += kPieces[random.below(kPieces.size())];
  return text;
}

// The regular expression itself is the oracle: in a group it is not recognised.
TEST(AsciiWords, MatchAsTheRegularExpressionDoes) {
  for (const auto& pattern : {std::string(kGpt2Pattern), kLlama3, kQwen2}) {
    ASSERT_NE(ascii_matcher(pattern), nullptr);
    const Regex fast(pattern, "fast"), plain("(?:" + pattern + ")", "plain");
    Random random(5);
    for (int i = 0; i < 20'000; ++i) {
      const auto text = random_text(random);
      std::vector<Range> found, expected;
      fast.find_all(text, found);
      plain.find_all(text, expected);
      ASSERT_EQ(found, expected) << excerpt(text, 200) << " by " << pattern;
    }
  }
  EXPECT_EQ(ascii_matcher("\\w+"), nullptr);
}

TEST(AsciiWords, EveryPairOfAsciiCharacters) {
  for (const auto& pattern : {std::string(kGpt2Pattern), kLlama3, kQwen2}) {
    const Regex fast(pattern, "fast"), plain("(?:" + pattern + ")", "plain");
    for (int a = 0; a < 128; ++a) {
      for (int b = 0; b < 128; ++b) {
        const std::string text = {static_cast<char>(a), static_cast<char>(b), 'x', ' ',
                                  static_cast<char>(b), static_cast<char>(a)};
        std::vector<Range> found, expected;
        fast.find_all(text, found);
        plain.find_all(text, expected);
        ASSERT_EQ(found, expected) << a << " " << b << " by " << pattern;
      }
    }
  }
}

}  // namespace
}  // namespace tunewright::text
