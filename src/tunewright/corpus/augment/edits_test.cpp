#include "tunewright/corpus/augment/edits.h"

#include <algorithm>

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/word_spans.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Files in WordNet's format with the sets of synonyms car, auto; run; and their places in bytes.
void write_wordnet(const fs::path& folder) {
  const std::string licence = "  1 a licence\n";
  const std::string car = "00000014 06 n 03 car 0 auto 0 motor_car 0 000 | a vehicle\n";
  write_file_atomic(folder / "data.noun", licence + car);
  write_file_atomic(folder / "index.noun",
                    licence +
                        "car n 1 2 @ ~ 1 1 00000014  \nauto n 1 0 1 0 00000014  \n"
                        "motor_car n 1 0 1 0 00000014  \nrun n 1 0 1 0 00000014  \n");
  write_file_atomic(folder / "data.verb", "00000000 30 v 02 run 0 sprint 2 001 @ 0 v 0000 | go\n");
  write_file_atomic(folder / "index.verb", "run v 1 1 @ 1 1 00000000  \n");
  for (const auto* part : {"adj", "adv"}) {
    write_file_atomic(folder / str("data.", part), "");
    write_file_atomic(folder / str("index.", part), "");
  }
}

TEST(WordNet, SynonymsOfTheMostUsedSense) {
  const testing::TemporaryFolder folder;
  write_wordnet(folder.path());
  const WordNet wordnet(folder.path());
  EXPECT_THAT(wordnet.synonyms("car"), ElementsAre("auto"));
  EXPECT_THAT(wordnet.synonyms("auto"), ElementsAre("car"));
  EXPECT_THAT(wordnet.synonyms("run"), ElementsAre("sprint"));  // as a verb
  EXPECT_THAT(wordnet.synonyms("tree"), IsEmpty());
  EXPECT_EQ(wordnet.words(), 3);
}

TEST(WordNet, DamagedFiles) {
  const testing::TemporaryFolder folder;
  EXPECT_USER_ERROR(WordNet(folder / "none"), "is no folder");
  EXPECT_USER_ERROR(WordNet(folder.path()), "data.noun");
  write_wordnet(folder.path());
  write_file_atomic(folder / "index.adv", "quickly r x\n");
  EXPECT_USER_ERROR(WordNet(folder.path()), "index.adv: line 1: not an index line");
  write_file_atomic(folder / "index.adv", "quickly r 1 0 1 0 99999  \n");
  EXPECT_USER_ERROR(WordNet(folder.path()).synonyms("quickly"), "no set of synonyms at byte 99999");
  write_file_atomic(folder / "data.adv", "00000000 02 r ff quickly 0");
  write_file_atomic(folder / "index.adv", "quickly r 1 0 1 0 00000000\n");
  EXPECT_USER_ERROR(WordNet(folder.path()).synonyms("quickly"), "of another version");
}

// Whatever a damaged file says, it is refused or read; never more than the file is read.
TEST(WordNet, RandomDamage) {
  const testing::TemporaryFolder folder;
  write_wordnet(folder.path());
  Random random(9);
  for (int trial = 0; trial < 400; ++trial) {
    const auto* name = trial % 2 ? "index.noun" : "data.noun";
    const auto whole = read_file(folder / name);
    auto damaged = whole.substr(0, whole.size() - random.below(whole.size() / 2));
    for (uint64_t i = 0; i < 1 + random.below(4); ++i)
      damaged[random.below(damaged.size())] = " 0f\n\xff-9z|"[random.below(10)];
    write_file_atomic(folder / name, damaged);
    try {
      const WordNet wordnet(folder.path());
      for (const auto* word : {"car", "auto", "run"}) wordnet.synonyms(word);
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(folder.path().string()));
    }
    write_file_atomic(folder / name, whole);
  }
}

std::vector<std::string> sorted_words(std::string_view text) {
  std::vector<std::string> words;
  for (const auto& span : word_spans(text)) words.push_back(span.lower);
  std::ranges::sort(words);
  return words;
}

const std::vector<std::string> kTexts = {
    "",
    " ",
    "one",
    "One two",
    "Please call, the  quick-brown fox; 42 times!\nÄpfel über Éclairs",
    "日本 語 テキスト",
    "aaaa aaaa aaaa",
    "...!?"};

TEST(Edits, SwapKeepsTheWords) {
  for (const auto& text : kTexts) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      Random random(seed);
      const auto swapped = swap_words(text, 0.3, random);
      if (!swapped) continue;
      EXPECT_EQ(sorted_words(*swapped), sorted_words(text));
      EXPECT_NE(*swapped, text);
      EXPECT_EQ(swapped->size(), text.size());
    }
  }
}

TEST(Edits, DeleteLeavesAtLeastOneWordInOrder) {
  for (const auto& text : kTexts) {
    const auto before = word_spans(text);
    for (const double rate : {0.0, 0.3, 1.0}) {
      for (uint64_t seed = 0; seed < 50; ++seed) {
        Random random(seed);
        const auto rest = delete_words(text, rate, random);
        ASSERT_EQ(rest.has_value(), before.size() >= 2) << text;
        if (!rest) continue;
        const auto after = word_spans(*rest);
        EXPECT_GE(after.size(), 1U);
        EXPECT_LT(after.size(), before.size());
        size_t at = 0;
        for (const auto& word : after) {
          while (at < before.size() && before[at].lower != word.lower) ++at;
          EXPECT_LT(at++, before.size()) << text << " -> " << *rest;
        }
        EXPECT_TRUE(text::is_valid_utf8(*rest));
      }
    }
  }
}

TEST(Edits, TyposAreOneSlipAWord) {
  for (const auto& text : kTexts) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      Random random(seed);
      const auto typed = add_typos(text, 0.1, random);
      if (!typed) continue;
      const auto before = word_spans(text), after = word_spans(*typed);
      ASSERT_EQ(before.size(), after.size());
      int changed = 0;
      for (size_t i = 0; i < before.size(); ++i) {
        if (before[i].lower == after[i].lower) continue;
        ++changed;
        EXPECT_EQ(before[i].lower[0], after[i].lower[0]);
        EXPECT_GE(before[i].size, 4U);
        EXPECT_LE(std::abs(static_cast<int>(before[i].size) - static_cast<int>(after[i].size)), 1);
      }
      EXPECT_EQ(changed, 1) << *typed;
    }
  }
}

TEST(Edits, SynonymsKeepCapitals) {
  const testing::TemporaryFolder folder;
  write_wordnet(folder.path());
  const WordNet wordnet(folder.path());
  Random random(1);
  EXPECT_EQ(replace_by_synonyms("Car, CAR and run.", 1, wordnet, random), "Auto, AUTO and sprint.");
  EXPECT_EQ(replace_by_synonyms("A tree has the leaves", 1, wordnet, random), std::nullopt);
  int changed = 0;
  const auto one = replace_by_synonyms("car car car car", 0.1, wordnet, random);
  for (const auto& word : word_spans(one.value())) changed += word.lower == "auto";
  EXPECT_EQ(changed, 1);
}

}  // namespace
}  // namespace tunewright::corpus
