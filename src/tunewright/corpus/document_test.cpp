#include "tunewright/corpus/document.h"

#include "tunewright/base/test.h"

namespace tunewright::corpus {
namespace {

using ::testing::ElementsAre;

TEST(Document, TextsInTheOrderOfTheLine) {
  const auto document = Document::parse(
      R"({"id": 7, "completion": "b", "messages": [{"role": "user", "content": "q"}, 3,)"
      R"( {"content": null}, {"content": "a\u00e9"}], "prompt": "p", "other": "x"})");
  EXPECT_THAT(document.texts(), ElementsAre("b", "q", "aé", "p"));
  EXPECT_EQ(document.text(), "b\nq\naé\np");
  EXPECT_EQ(Document::parse(R"({"conversations":[{"from":"human","value":"hi"}]})").text(), "hi");
}

TEST(Document, ReplacingATextKeepsEveryOtherByte) {
  auto document = Document::parse(R"( { "a" : 1.50 , "text" : "x\u0041y"  , "z":[ 1 ] } )");
  document.replace(0, "new \"line\"\n\x01");
  EXPECT_EQ(document.line(), R"( { "a" : 1.50 , "text" : "new \"line\"\n\u0001"  , "z":[ 1 ] } )");
  EXPECT_EQ(Document::parse(document.line()).text(), document.text());
  auto two = Document::parse(R"({"prompt":"one","completion":"two"})");
  two.replace(0, "a longer one");
  two.replace(1, "2");
  EXPECT_EQ(two.line(), R"({"prompt":"a longer one","completion":"2"})");
  EXPECT_EQ(two.text(), "a longer one\n2");
}

TEST(Document, FieldsAtTheTop) {
  auto document = Document::parse(R"({"text":"t","label":"ham","meta":{"k":[1,2]},"n":3 })");
  EXPECT_EQ(document.field("label"), "ham");
  EXPECT_EQ(document.field("meta"), Json::parse(R"({"k":[1,2]})"));
  EXPECT_TRUE(document.field("k").is_null());
  document.set_field("meta", 5);
  document.set_field("split", "train");
  EXPECT_EQ(document.line(), R"({"text":"t","label":"ham","meta":5,"n":3 ,"split":"train"})");
  document.replace(0, "u");
  EXPECT_EQ(document.line(), R"({"text":"u","label":"ham","meta":5,"n":3 ,"split":"train"})");
}

TEST(Document, UnreadableLines) {
  EXPECT_USER_ERROR(Document::parse(R"({"text":"a")"), "not valid JSON");
  EXPECT_USER_ERROR(Document::parse(R"({"text":"a","x":[1,2})"), "not valid JSON");
  EXPECT_USER_ERROR(Document::parse("{\"text\":\"\xc3\"}"), "UTF-8");
  EXPECT_USER_ERROR(Document::parse("[1]"), "object");
  EXPECT_USER_ERROR(Document::parse(R"({"label":"ham"})"), "no text");
  const auto deep = std::string(10000, '[') + std::string(10000, ']');
  EXPECT_USER_ERROR(Document::parse("{\"text\":\"a\",\"x\":" + deep + "}"), "500 levels");
}

}  // namespace
}  // namespace tunewright::corpus
