#include "tunewright/metrics/coherence.h"

#include <cmath>
#include <set>

#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/metrics/options.h"

namespace tunewright::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::vector<std::string>>;

TEST(Coherence, SentencesOfSeveralScripts) {
  EXPECT_THAT(sentences("One. Two? Three!"), ElementsAre("One.", "Two?", "Three!"));
  EXPECT_THAT(sentences("a list\n- first\n\n- second"),
              ElementsAre("a list", "- first", "- second"));
  EXPECT_THAT(sentences("我喜欢猫。猫很可爱。"), ElementsAre("我喜欢猫。", "猫很可爱。"));
  EXPECT_THAT(sentences("It costs 3.14 euros"), ElementsAre("It costs 3.14 euros"));
  EXPECT_THAT(sentences(""), IsEmpty());
  EXPECT_THAT(sentences(" ... \n !!"), IsEmpty());
}

TEST(Coherence, ContentWordsNameSomething) {
  EXPECT_THAT(content_words("The dog and the dog's bone: it was HIS, not yours."),
              ElementsAre("bone", "dog"));
  EXPECT_THAT(content_words("Die Größe der Ärzte 42"), ElementsAre("der", "die", "größe", "ärzte"));
  EXPECT_THAT(content_words("Don't; don’t"), IsEmpty());
}

TEST(Coherence, TransitionsOfASmallGrid) {
  //           dog  bone  garden
  // sentence 1  X    X     -
  // sentence 2  X    -     -
  // sentence 3  X    -     X
  const Words words = {{"bone", "dog"}, {"dog"}, {"dog", "garden"}};
  const auto counts = entity_transitions(words);
  EXPECT_EQ(counts.kept, 2);
  EXPECT_EQ(counts.dropped, 1);
  EXPECT_EQ(counts.introduced, 1);
  EXPECT_EQ(counts.absent, 2);
  EXPECT_EQ(counts.total(), 3 * 2);
}

// The grid as a table of truth values, counted cell by cell.
EntityTransitions plain_transitions(const Words& words) {
  std::set<std::string> entities;
  for (const auto& sentence : words) entities.insert(sentence.begin(), sentence.end());
  EntityTransitions counts;
  for (const auto& entity : entities) {
    for (size_t i = 1; i < words.size(); ++i) {
      const bool before = std::ranges::count(words[i - 1], entity) > 0;
      const bool after = std::ranges::count(words[i], entity) > 0;
      (before  ? (after ? counts.kept : counts.dropped)
       : after ? counts.introduced
               : counts.absent)++;
    }
  }
  return counts;
}

TEST(Coherence, TransitionsEqualThePlainGrid) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    Words words(random.below(6));
    for (auto& sentence : words) {
      std::set<std::string> drawn;
      for (auto size = random.below(5); size > 0; --size) drawn.insert(str("w", random.below(6)));
      sentence.assign(drawn.begin(), drawn.end());
    }
    const auto got = entity_transitions(words), plain = plain_transitions(words);
    EXPECT_EQ(got.kept, plain.kept);
    EXPECT_EQ(got.dropped, plain.dropped);
    EXPECT_EQ(got.introduced, plain.introduced);
    EXPECT_EQ(got.absent, plain.absent);
  }
}

// A direction for each first letter, with a large part that all have in common.
std::vector<std::vector<float>> by_first_letter(std::span<const std::string> texts) {
  std::vector<std::vector<float>> vectors;
  for (const auto& text : texts) {
    const double angle = (text[0] - 'A') * M_PI / 2;
    vectors.push_back(
        {100, static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
  }
  return vectors;
}

TEST(Coherence, SimilarityIsOfNeighboursWithoutWhatAllShare) {
  const std::vector<std::string> texts = {"A cat. A dog.", "A cat. C dog.", "B x.", "B x. D y.",
                                          ""};
  const auto found = coherence(texts, by_first_letter);
  ASSERT_EQ(found.size(), 5U);
  // Mean of the second and third coordinates over the seven sentences: 3 A, 1 C, 2 B, 1 D.
  const double x = (3.0 - 1) / 7, y = (2.0 - 1) / 7;
  const auto cosine = [](double a, double b, double c, double d) {
    return (a * c + b * d) / std::sqrt((a * a + b * b) * (c * c + d * d));
  };
  EXPECT_NEAR(found[0].similarity.value(), 1, 1e-6);
  EXPECT_NEAR(found[1].similarity.value(), cosine(1 - x, -y, -1 - x, -y), 1e-5);
  EXPECT_FALSE(found[2].similarity);
  EXPECT_NEAR(found[3].similarity.value(), cosine(-x, 1 - y, -x, -1 - y), 1e-5);
  EXPECT_FALSE(found[4].similarity);
  EXPECT_EQ(found[4].sentences, 0);
  EXPECT_FALSE(found[2].linked);
}

TEST(Coherence, TextsThatGoOnScoreAboveTheirShuffles) {
  const std::vector<std::string> told = {
      "Anna bought a boat. The boat had a red sail. The sail tore in a storm. The storm lasted a "
      "night."};
  const std::vector<std::string> mixed = {
      "Anna bought a boat. The storm lasted a night. The boat had a red sail. The winner sang."};
  const auto one = coherence(told, {})[0], other = coherence(mixed, {})[0];
  EXPECT_EQ(one.linked, 1.0);
  EXPECT_EQ(other.linked, 0.0);
  EXPECT_GT(one.continuity.value(), other.continuity.value());
  EXPECT_FALSE(one.similarity);
}

TEST(Coherence, HostileTextAndVectors) {
  const std::vector<std::string> texts = {"\xFF\xFE. \x80!", std::string(5000, 'a'), "a.\0b.",
                                          "😀. 😀!"};
  const auto flat = [](std::span<const std::string> sentences) {
    return std::vector<std::vector<float>>(sentences.size(), {1, 2});
  };
  for (const auto& found : coherence(texts, flat))
    EXPECT_FALSE(found.similarity);  // all alike: no direction
  const auto broken = [](std::span<const std::string> sentences) {
    return std::vector<std::vector<float>>(sentences.size(), {NAN, 2});
  };
  const std::vector<std::string> two = {"One. Two."};
  EXPECT_FALSE(coherence(two, broken)[0].similarity);
}

TEST(CoherenceMetrics, AreMeansOverTheAnswersThatHaveSentences) {
  const std::vector<PredictionRow> rows = {
      {.where = "row 0", .prediction = "The cat sat. The cat slept."},
      {.where = "row 1", .prediction = "The cat sat. Rain fell."},
      {.where = "row 2", .prediction = "One sentence alone."}};
  const auto linked = score_linked(rows, {});
  EXPECT_EQ(linked.score, 0.5);
  EXPECT_EQ(linked.details["too_short"], 1);
  // "cat" of {cat, sat} is taken up, nothing of the second text.
  EXPECT_EQ(score_continuity(rows, {}).score, 0.25);
  EXPECT_USER_ERROR(score_linked(std::span(rows).last(1), {}),
                    "coherence_linked: is not defined, as no prediction has two sentences");
}

}  // namespace
}  // namespace tunewright::metrics
