#include "tunewright/corpus/dedup/dedup_test.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tunewright/base/random.h"
#include "tunewright/corpus/dedup/disjoint_sets.h"
#include "tunewright/corpus/dedup/repeats.h"
#include "tunewright/corpus/dedup/row_set.h"
#include "tunewright/corpus/dedup/signature.h"

namespace tunewright::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::hostile_texts;
using testing::Ran;
using testing::run_lines;
using testing::run_texts;

TEST(RowSet, CountsAndFinds) {
  Random random(1);
  std::set<uint32_t> plain;
  RowSet set;
  for (int i = 0; i < 3000; ++i) {
    const auto row = static_cast<uint32_t>(random.below(20000));
    plain.insert(row);
    set.insert(row);
  }
  set.freeze();
  EXPECT_EQ(set.size(), plain.size());
  uint32_t index = 0;
  std::vector<uint32_t> all;
  set.for_each([&](uint32_t row) { all.push_back(row); });
  EXPECT_TRUE(std::ranges::equal(all, plain));
  for (const auto row : plain) EXPECT_EQ(set.index(row), index++);
  for (uint32_t row = 0; row < 25000; ++row) EXPECT_EQ(set.contains(row), plain.contains(row));
}

// Against a plain map, in memory and on disk, one occurrence kept and three.
TEST(Repeats, AsAPlainMapFindsThem) {
  const tunewright::testing::TemporaryFolder folder;
  for (const int64_t memory : {0, 1 << 30}) {
    for (const int64_t keep : {1, 3}) {
      Random random(2);
      Repeats repeats(folder.path(), memory);
      std::map<uint64_t, std::vector<uint64_t>> plain;
      for (uint64_t i = 0; i < 400000; ++i) {
        const auto value = random.below(200000);
        repeats.add(fast_hash128(std::to_string(value)), 2 * i);
        plain[value].push_back(2 * i);
      }
      std::map<uint64_t, uint64_t> found, expected;
      repeats.finish(keep, 3, [&](const std::vector<Repeat>& part) {
        for (const auto& repeat : part) found[repeat.position] = repeat.last_kept;
      });
      for (const auto& [value, positions] : plain) {
        for (size_t i = static_cast<size_t>(keep); i < positions.size(); ++i)
          expected[positions[i]] = positions[static_cast<size_t>(keep) - 1];
      }
      EXPECT_EQ(found, expected) << memory << " " << keep;
    }
  }
}

TEST(DisjointSets, TheSmallestStandsForItsSet) {
  DisjointSets sets(10);
  for (const auto& [a, b] : {std::pair{9, 8}, {7, 8}, {3, 9}, {5, 6}})
    sets.unite(static_cast<uint32_t>(a), static_cast<uint32_t>(b));
  EXPECT_EQ(sets.find(7), 3U);
  EXPECT_EQ(sets.find(6), 5U);
  EXPECT_EQ(sets.find(4), 4U);
}

// The share of equal numbers estimates the similarity: within four standard deviations.
TEST(MinHash, EstimatesTheJaccardSimilarity) {
  const MinHash minhash(2048, 1);
  Random random(3);
  for (const double similarity : {0.1, 0.5, 0.8, 0.95}) {
    std::vector<uint32_t> a, b;
    for (int i = 0; i < 2000; ++i) {
      const auto x = static_cast<uint32_t>(random.next());
      a.push_back(x);
      b.push_back(x);
      if (i / 2000.0 < similarity) continue;
      b.back() = static_cast<uint32_t>(random.next());
    }
    const double same = 2000 * similarity, truth = same / (4000 - same);
    std::vector<uint32_t> of_a, of_b;
    minhash.sign(a, of_a);
    minhash.sign(b, of_b);
    int equal = 0;
    for (size_t i = 0; i < 2048; ++i) equal += of_a[i] == of_b[i] ? 1 : 0;
    EXPECT_NEAR(equal / 2048.0, truth, 4 * std::sqrt(truth * (1 - truth) / 2048)) << similarity;
  }
}

TEST(DedupExact, TheFirstOfEachTextStays) {
  const auto ran =
      run_lines("dedup-exact", {},
                "{\"text\":\"a\",\"id\":1}\n{\"text\":\"b\"}\nbroken\n"
                "{\"id\":2, \"text\":\"\\u0061\"}\n{\"text\":\"A\"}\n{\"text\":\"a\"}\n");
  EXPECT_EQ(ran.out, "{\"text\":\"a\",\"id\":1}\n{\"text\":\"b\"}\n{\"text\":\"A\"}\n");
  EXPECT_THAT(ran.verdicts,
              ElementsAre("kept", "kept", HasSubstr("dropped: unreadable: not valid JSON"),
                          "dropped: same text as row 0", "kept", "dropped: same text as row 0"));
  EXPECT_EQ(
      ran.summary,
      parse_json(R"({"clusters":1,"duplicates":2,"largest_clusters":[{"size":3,"rows":[0,3,5]}]})",
                 "expected"));
}

TEST(DedupExact, WhatMakesTwoTextsTheSame) {
  const std::vector<std::string> texts = {"Über  Wasser", " Über Wasser\n", "über wasser",
                                          "über, wasser!", "unter Wasser"};
  const auto kept = [&](const char* same) {
    return run_texts("dedup-exact", {{"same", same}}, texts).texts().size();
  };
  EXPECT_EQ(kept("bytes"), 5U);
  EXPECT_EQ(kept("space"), 4U);
  EXPECT_EQ(kept("case"), 3U);
  EXPECT_EQ(kept("words"), 2U);
  EXPECT_USER_ERROR(make_step("dedup-exact", {{"same", "word"}}), "did you mean 'words'?");
}

// A prompt with its completion is not one text of two lines.
TEST(DedupExact, TextsOfARowCountApart) {
  const auto ran = run_lines("dedup-exact", {},
                             "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"text\":\"a\\nb\"}\n"
                             "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
  EXPECT_THAT(ran.verdicts, ElementsAre("kept", "kept", "dropped: same text as row 0"));
}

// Words of rows drawn so that many repeat, in whole and in part.
std::vector<std::string> random_texts(uint64_t seed, int count) {
  Random random(seed);
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    if (i > 0 && random.below(3) == 0) {
      auto words = split(texts[random.below(texts.size())], ' ');
      words[random.below(words.size())] = random.below(2) == 0 ? "changed" : words.front();
      texts.push_back(join(words, " "));
      continue;
    }
    std::string text;
    for (uint64_t word = 0, words = 3 + random.below(80); word < words; ++word)
      text += str(word > 0 ? " " : "", "w", random.below(400), word % 9 == 8 ? "\n" : "");
    texts.push_back(text);
  }
  return texts;
}

TEST(DedupSteps, RunningAgainChangesNothing) {
  const auto texts = random_texts(5, 3000);
  for (const char* step : {"dedup-exact", "dedup-minhash", "dedup-lines", "dedup-paragraphs"}) {
    const auto once = run_texts(step, {}, texts);
    const auto twice = run_lines(step, {}, once.out);
    EXPECT_EQ(twice.counts.kept, twice.counts.rows) << step;
    EXPECT_EQ(twice.out, once.out) << step;
  }
}

TEST(DedupSteps, WorkersAndMemoryChangeNothing) {
  const auto texts = random_texts(6, 20000);
  for (const char* step : {"dedup-exact", "dedup-minhash", "dedup-lines", "dedup-paragraphs"}) {
    const auto first = run_texts(step, {}, texts, 1);
    EXPECT_GT(first.counts.dropped + first.counts.changed, 100) << step;
    for (const char* memory : {"1KiB", "256MiB"}) {
      const auto other = run_texts(step, {{"memory", memory}}, texts, 3);
      EXPECT_TRUE(other.out == first.out) << step << " " << memory;
      EXPECT_EQ(other.verdicts, first.verdicts) << step << " " << memory;
      EXPECT_EQ(other.summary, first.summary) << step << " " << memory;
    }
  }
}

TEST(DedupSteps, HostileTexts) {
  const auto texts = hostile_texts();
  for (const char* step :
       {"dedup-exact", "dedup-minhash", "dedup-lines", "dedup-paragraphs", "dedup-substrings"}) {
    const auto ran = run_texts(step, {}, texts);
    EXPECT_EQ(ran.counts.rows, std::ssize(texts)) << step;
    EXPECT_EQ(ran.verdicts.size(), texts.size()) << step;
    EXPECT_GT(ran.counts.dropped + ran.counts.changed, 0) << step;
  }
  const auto minhash = run_texts("dedup-minhash", {}, texts);
  EXPECT_EQ(minhash.verdicts[10], "dropped: near-duplicate of row 3, jaccard 1.00");
  EXPECT_EQ(minhash.counts.dropped, 1);  // the others have no five words in a row
  EXPECT_EQ(minhash.summary["without_shingles"], std::ssize(texts) - 2);
}

TEST(DedupLines, RepeatsGoTheFirstStays) {
  const auto ran = run_texts(
      "dedup-lines", {},
      {"Welcome to our page\nfirst text here\n", "short\nWELCOME to our page  \nshort",
       "welcome to our page\n\nfirst text here", "x\nsecond text here\nsecond text here\n"});
  EXPECT_THAT(ran.texts(), ElementsAre("Welcome to our page\nfirst text here\n", "short\nshort",
                                       "x\nsecond text here\n"));
  EXPECT_THAT(ran.verdicts, ElementsAre("kept", "changed: repeated lines 1",
                                        "dropped: nothing left of it, repeated lines 2",
                                        "changed: repeated lines 1"));
}

TEST(DedupLines, SomeMayStayAndCaseMayCount) {
  const std::vector<std::string> texts = {"a b c", "a b c", "A B C", "a b c\nd"};
  EXPECT_THAT(run_texts("dedup-lines", {{"keep", 2}}, texts).texts(),
              ElementsAre("a b c", "a b c", "d"));
  EXPECT_THAT(run_texts("dedup-lines", {{"ignore_case", false}}, texts).texts(),
              ElementsAre("a b c", "A B C", "d"));
  EXPECT_THAT(run_texts("dedup-lines", {{"min_words", 4}}, texts).texts().size(), 4U);
  EXPECT_USER_ERROR(make_step("dedup-lines", {{"keep", 0}}), "keep: expected 1 or more");
}

// A system prompt that opens every dialogue is no repetition to cut.
TEST(DedupLines, ATextOfADialogueNeverVanishes) {
  const std::string row =
      R"({"messages":[{"role":"system","content":"You are a helpful assistant"},{"role":"user","content":"hi\nsent from my phone"}]})"
      "\n";
  const auto ran = run_lines("dedup-lines", {}, row + row);
  EXPECT_EQ(ran.rows[1]["messages"][0]["content"], "You are a helpful assistant");
  EXPECT_EQ(ran.rows[1]["messages"][1]["content"], "hi");
}

TEST(DedupParagraphs, BlankLinesStandBetween) {
  const auto ran = run_texts("dedup-paragraphs", {},
                             {"one two three\nfour\n\nfive six seven",
                              "new one here\n\n\none two three\nfour\n\nlast one here\n",
                              "other words here\n\nFive six seven\n"});
  EXPECT_THAT(ran.texts(), ElementsAre("one two three\nfour\n\nfive six seven",
                                       "new one here\n\n\nlast one here\n", "other words here\n"));
}

}  // namespace
}  // namespace tunewright::corpus
