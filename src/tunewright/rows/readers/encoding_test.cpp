#include "tunewright/rows/readers/encoding.h"

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/base/test.h"
#include "tunewright/rows/readers/source_fixture.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

using testing::ByteTrickle;

TEST(Encoding, TextsOfManyEncodingsAreRead) {
  const auto golden = read_json(testing::source_path("tests/golden/sources.json"));
  for (const auto& [encoding, text] : golden["texts"].items()) {
    const auto bytes =
        read_file(testing::source_path(str("tests/data/sources/text/", encoding, ".txt")));
    for (const size_t block : {size_t{1}, size_t{1000}}) {
      ByteTrickle stream(bytes, block);
      Utf8Stream utf8(stream, "auto");
      EXPECT_EQ(read_all(utf8, 1 << 20), text.get<std::string>())
          << encoding << " taken for " << utf8.encoding();
    }
  }
}

TEST(Encoding, ABrokenCharacterDoesNotMakeAnotherEncoding) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "schöne Grüße ";
  EXPECT_EQ(detect_encoding(text + "\xC3 x", true), "UTF-8");
  EXPECT_EQ(detect_encoding(text + "\xC3", false), "UTF-8");
  EXPECT_EQ(detect_encoding("Gr\xFC\xDF", true), "windows-1252");
  EXPECT_EQ(detect_encoding("", true), "UTF-8");
}

TEST(Encoding, HalfACharacterAtTheEndDoesNotMakeAnotherEncoding) {
  // More than the 2^18 bytes that are looked at to find the encoding.  Of the blocks behind those
  // one ends after the first byte of the half character, one after the second.
  std::string many;
  for (int i = 0; i < 300000; ++i) many += "ü";
  const auto check = [](const std::string& whole, const std::string& half, size_t block) {
    int told = 0;
    const auto bytes = whole + half;
    ByteTrickle stream(bytes, block);
    Utf8Stream utf8(stream, "auto", [&] { ++told; });
    EXPECT_TRUE(read_all(utf8, 1 << 20) == whole + "\xEF\xBF\xBD") << block;
    EXPECT_EQ(told, 1);
  };
  for (const std::string half : {"\xC3", "\xE2", "\xE2\x80", "\xF0\x9F\x98"}) {
    EXPECT_EQ(detect_encoding("Grüße" + half, true), "UTF-8");
    for (const size_t block : {1, 2, 7}) check("Grüße", half, block);
    for (const size_t block : {112619, 168929, 1001}) check(many, half, block);
  }
  EXPECT_EQ(to_utf8("ü\xFF", "UTF-8"), "ü\xFF");  // begins no character
  EXPECT_EQ(to_utf8("ü\xE2\x80\n", "UTF-8"), "ü\xE2\x80\n");
}

TEST(Encoding, HalfACharacterIsOneOnlyWhereTheRestIsUtf8) {
  EXPECT_EQ(detect_encoding("x\xC3", true), "UTF-8");
  EXPECT_EQ(detect_encoding("x\xE2\x80", true), "UTF-8");
  EXPECT_NE(detect_encoding("caf\xE9", true), "UTF-8");
  EXPECT_NE(detect_encoding("Gr\xFC\xDF \xC3", true), "UTF-8");
}

TEST(Encoding, AnUnknownNameIsAUserError) {
  EXPECT_USER_ERROR(to_utf8("x", "utf-99"), "unknown encoding 'utf-99'");
}

TEST(Utf8, FindsWhatIsBroken) {
  EXPECT_EQ(first_invalid_utf8("plain ascii text, longer than eight"), std::nullopt);
  EXPECT_EQ(first_invalid_utf8("ü 日本 🙂"), std::nullopt);
  EXPECT_EQ(first_invalid_utf8("12345678\xC3"), 8u);
  EXPECT_EQ(first_invalid_utf8("\xED\xA0\x80"), 0u);
  EXPECT_EQ(unfinished_utf8("a\xF0\x9F\x99"), 3u);
  EXPECT_EQ(unfinished_utf8("a\xC3\xBC"), 0u);
  EXPECT_EQ(unfinished_utf8("a\xFF"), 0u);
  EXPECT_EQ(text_problem(std::string("a\0b", 3)), "a NUL byte at byte 1");
  EXPECT_EQ(repaired_utf8("a\xFFü"), "a\xEF\xBF\xBDü");
}

TEST(StreamLines, EndWhereverTheBlocksEnd) {
  for (size_t block = 1; block < 12; ++block) {
    ByteTrickle stream("one\r\ntwo\nthree\r\rlast", block);
    StreamLines lines(stream, 100);
    std::vector<std::string> all;
    while (const auto line = lines.next()) all.emplace_back(line->text);
    EXPECT_EQ(all, (std::vector<std::string>{"one", "two", "three", "", "last"})) << block;
  }
}

TEST(StreamLines, ALongLineIsPassedOverInBoundedMemory) {
  const auto text = str("a\n", std::string(3 << 20, 'x'), "\r\nb\n", std::string(1 << 20, 'y'));
  for (const size_t block : {size_t{1000}, size_t{1} << 20}) {
    ByteTrickle stream(text, block);
    StreamLines lines(stream, 1000);
    std::vector<std::string> all;
    while (const auto line = lines.next())
      all.push_back(line->too_long ? "LONG" : std::string(line->text));
    EXPECT_EQ(all, (std::vector<std::string>{"a", "LONG", "b", "LONG"}));
  }
}

}  // namespace
}  // namespace tunewright::rows
