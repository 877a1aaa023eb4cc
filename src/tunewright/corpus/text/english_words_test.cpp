#include "tunewright/corpus/text/english_words.h"

#include "tunewright/base/json.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::corpus {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  EnglishWords words;
  words.split(text);
  return {words.words().begin(), words.words().end()};
}

TEST(EnglishWords, EqualSpacysToTheLetter) {
  const auto golden = read_json(testing::source_path("tests/golden/corpus_words.json"));
  EnglishWords words;
  for (const auto& item : golden.at("cases")) {
    const auto text = item.at("text").get<std::string>();
    words.split(text);
    EXPECT_EQ(std::vector<std::string>(words.words().begin(), words.words().end()),
              item.at("words").get<std::vector<std::string>>())
        << text;
    EXPECT_EQ(words.sentences(), item.at("sentences").get<int64_t>()) << text;
  }
}

// White space aside, what comes out is what went in.
TEST(EnglishWords, NothingIsLostOrInvented) {
  for (const std::string& text :
       {std::string("\"Don't,\" (she'd) said... [no] <a.b@c.org>!"), std::string(100000, '.'),
        std::string(1 << 20, 'x'), std::string(1 << 18, '@') + ".com", std::string(200000, '-'),
        std::string("é̀̂👩‍👩‍👧 日本語。"), std::string("\x01\x02\x7f"),
        std::string()}) {
    EXPECT_EQ(join(words_of(text), ""), replace_all(text, " ", ""));
  }
}

// Words are built so that a scan from every place would take minutes.
TEST(EnglishWords, HostileWordsTakeLinearTime) {
  std::string addresses, stops;
  for (int i = 0; i < 100000; ++i) {
    addresses += "a.b@";
    stops += "A.b,c-d:";
  }
  EXPECT_EQ(words_of(addresses).size(), 1U);
  EXPECT_GT(words_of(stops).size(), 100000U);
  EXPECT_EQ(words_of(std::string(500000, '(')).size(), 500000U);
}

}  // namespace
}  // namespace tunewright::corpus
