// Against tests/golden/corpus_dedup.json, made by tools/golden/corpus_dedup.py.
#include <cstdio>
#include <map>

#include "tunewright/base/random.h"
#include "tunewright/corpus/dedup/dedup_test.h"
#include "tunewright/corpus/dedup/suffix_repeats.h"
#include "tunewright/corpus/dedup/words.h"
#include "tunewright/corpus/split/assign.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

const Json& golden() {
  static const Json json = parse_json(
      read_file(tunewright::testing::source_path("tests/golden/corpus_dedup.json")), "golden");
  return json;
}

std::vector<std::string> words_of(std::string_view text) {
  std::string lowered;
  std::vector<std::string_view> words;
  lower_words(text, lowered, words);
  return {words.begin(), words.end()};
}

std::vector<bool> members(const Json& ranges) {
  std::vector<bool> is_in(0x110000);
  for (const auto& range : ranges) {
    for (size_t c = range[0]; c <= range[1]; ++c) is_in[c] = true;
  }
  return is_in;
}

TEST(Words, AsPythonFindsThem) {
  for (const auto& [text, words] :
       golden()["words"].get<std::vector<std::pair<std::string, Json>>>())
    EXPECT_EQ(Json(words_of(text)), words) << text;
}

// Each character that Python's Unicode has, alone between two letters.
TEST(Words, EveryCharacterAsPythonHasIt) {
  const auto& characters = golden()["characters"];
  const auto word = members(characters["word"]), unassigned = members(characters["unassigned"]);
  int64_t wrong = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (unassigned[c] || (c >= 0xD800 && c < 0xE000)) continue;
    std::string text = "a", key = str(std::hex, std::uppercase, static_cast<uint32_t>(c));
    text::append_utf8(text, c);
    std::string lower(text, 1);
    if (const auto it = characters["lower"].find(key); it != characters["lower"].end())
      lower = it->get<std::string>();
    // A capital sigma after a letter and before none is a final one.
    if (c == 0x3A3) lower = "\u03C2";
    const auto words = words_of(text);
    std::string expected = "a";
    for (const char32_t point : text::python::decode(lower)) {
      if (!word[point]) break;
      text::append_utf8(expected, point);
    }
    if (words.front() != expected && ++wrong < 10) ADD_FAILURE() << key << " " << words.front();
  }
  EXPECT_EQ(wrong, 0);
}

// The words of one text and of the whole through the fast paths are those of the plain definition.
TEST(Words, RandomMixturesAsThePlainDefinition) {
  Random random(1);
  const std::u32string letters =
      U"aZ_9 .,\u00e9\u00c9\u00df\u0130\u03a3\u03c3\u4e2d\U0001F600\u2019\u0301\n";
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (uint64_t k = random.below(40); k > 0; --k)
      text::append_utf8(text, letters[random.below(letters.size())]);
    std::vector<std::string> plain(1);
    for (const char32_t c : text::python::decode(text::python::lower(text))) {
      if (text::python::is_word(c)) {
        text::append_utf8(plain.back(), c);
      } else if (!plain.back().empty()) {
        plain.emplace_back();
      }
    }
    if (plain.back().empty()) plain.pop_back();
    EXPECT_EQ(words_of(text), plain) << text;
  }
}

// Clusters are the connected components of the pairs whose true similarity is 0.8 or more.
TEST(DedupMinhash, ClustersAsTrueJaccardHasThem) {
  const auto& planted = golden()["near_duplicates"];
  const auto texts = planted["texts"].get<std::vector<std::string>>();
  std::vector<size_t> first(texts.size());
  for (size_t i = 0; i < first.size(); ++i) first[i] = i;
  std::map<std::pair<size_t, size_t>, double> similarity;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& pair : planted["pairs"]) {
      const size_t a = pair[0], b = pair[1];
      similarity[{a, b}] = similarity[{b, a}] = pair[2];
      if (pair[2].get<double>() < 0.8 || first[a] == first[b]) continue;
      first[a] = first[b] = std::min(first[a], first[b]);
      changed = true;
    }
  }
  const auto ran = testing::run_texts("dedup-minhash", {}, texts);
  for (size_t row = 0; row < texts.size(); ++row) {
    const auto& verdict = ran.verdicts[row];
    EXPECT_EQ(verdict != "kept", first[row] != row) << row << " " << verdict;
    if (verdict == "kept") continue;
    size_t of = 0;
    double jaccard = 0;
    ASSERT_EQ(std::sscanf(verdict.c_str(), "dropped: near-duplicate of row %zu, jaccard %lf", &of,
                          &jaccard),
              2)
        << verdict;
    EXPECT_NEAR(jaccard, (similarity[{row, of}]), 0.00501) << verdict;
    EXPECT_EQ(first[of], first[row]) << verdict;
  }
}

std::vector<ByteRange> narrowed(const std::string& text, std::vector<ByteRange> ranges) {
  const auto inside = [&](size_t i) { return i < text.size() && (text[i] & 0xC0) == 0x80; };
  for (auto& range : ranges) {
    while (inside(range.begin)) ++range.begin;
    while (inside(range.end)) --range.end;
  }
  std::erase_if(ranges, [](const ByteRange& range) { return range.begin >= range.end; });
  return ranges;
}

TEST(RepeatShard, RangesAsTextDedupMergesThem) {
  for (const auto& golden_case : golden()["repeats"]) {
    const auto texts = golden_case["texts"].get<std::vector<std::string>>();
    RepeatShard shard;
    for (const auto& text : texts) shard.add(text);
    const auto all = shard.ranges(golden_case["size"], RepeatShard::Keep::kNone);
    const auto later = shard.ranges(golden_case["size"], RepeatShard::Keep::kFirst);
    for (size_t i = 0; i < texts.size(); ++i) {
      std::vector<ByteRange> expected, expected_later;
      for (const auto& range : golden_case["all"][i]) expected.push_back({range[0], range[1]});
      for (const uint32_t byte : golden_case["later_bytes"][i]) {
        if (expected_later.empty() || expected_later.back().end != byte)
          expected_later.push_back({byte, byte});
        ++expected_later.back().end;
      }
      EXPECT_EQ(all[i], narrowed(texts[i], expected)) << texts[i];
      EXPECT_EQ(later[i], narrowed(texts[i], expected_later)) << texts[i];
    }
  }
}

TEST(Split, SharesAsScikitLearnRoundsThem) {
  for (const auto& golden_case : golden()["splits"]) {
    std::vector<SplitRow> rows;
    for (size_t stratum = 0; stratum < golden_case["counts"].size(); ++stratum) {
      for (int64_t i = golden_case["counts"][stratum]; i > 0; --i) {
        rows.push_back({.unit = static_cast<uint32_t>(rows.size()),
                        .stratum = static_cast<uint32_t>(stratum)});
      }
    }
    const auto counts =
        split_counts(std::ssize(rows), golden_case["validation"], golden_case["test"]);
    const auto splits = assign_at_random(rows, counts, 7);
    Json found = Json::array({Json::array(), Json::array(), Json::array()});
    for (auto& of : found) of = std::vector<int64_t>(golden_case["counts"].size());
    for (size_t i = 0; i < rows.size(); ++i) {
      auto& count = found[splits[i]][rows[i].stratum];
      count = count.get<int64_t>() + 1;
    }
    EXPECT_EQ(found, golden_case["splits"]) << golden_case["counts"];
  }
}

}  // namespace
}  // namespace tunewright::corpus
