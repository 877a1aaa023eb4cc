#include <fstream>
#include <set>

#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/progress.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/base/yaml.h"

namespace tunewright {
namespace {

using testing::TemporaryFolder;

enum class Color { kRed, kBlue };
constexpr std::array kColors = {std::pair{"red", Color::kRed}, std::pair{"blue", Color::kBlue}};

struct Inner {
  double rate = 0.5;
};
template <class V>
void fields(V& v, Inner& o) {
  v("rate", o.rate, "A rate.");
}

struct Outer {
  int64_t count = 3;
  std::optional<std::string> name;
  Color color = Color::kRed;
  Inner inner;
  std::vector<Inner> many;
};
template <class V>
void fields(V& v, Outer& o) {
  v("count", o.count, "How many.");
  v("name", o.name, "A name.");
  v.choice("color", o.color, kColors, "A color.");
  v("inner", o.inner, "Nested.");
  v("many", o.many, "A list.");
}

TEST(Fields, ReadsAndWritesBack) {
  const auto json = parse_json(
      R"({"count":4,"name":"x","color":"blue","inner":{"rate":1},"many":[{"rate":2.5}]})", "t");
  auto value = from_json<Outer>(json);
  EXPECT_EQ(value.count, 4);
  EXPECT_EQ(value.color, Color::kBlue);
  EXPECT_EQ(value.many.at(0).rate, 2.5);
  EXPECT_EQ(from_json<Outer>(to_json_object(value)).inner.rate, 1.0);
}

TEST(Fields, UnknownKeyNamesTheNearest) {
  EXPECT_USER_ERROR(from_json<Outer>(parse_json(R"({"inner":{"rat":1}})", "t")),
                    "inner.rat: unknown key (did you mean 'rate'?)");
  EXPECT_USER_ERROR(from_json<Outer>(parse_json(R"({"color":"bleu"})", "t")),
                    "did you mean 'blue'?");
  EXPECT_USER_ERROR(from_json<Outer>(parse_json(R"({"count":"4"})", "t")),
                    "count: expected a whole number, got \"4\"");
}

TEST(Fields, WholeNumbersAreNeverRounded) {
  EXPECT_EQ(from_json<Outer>(Json{{"count", 1e3}}).count, 1000);
  EXPECT_EQ(from_json<Outer>(Json{{"count", INT64_MIN}}).count, INT64_MIN);
  for (const Json& other : {Json(0.5), Json(1e19), Json(-1e19), Json(UINT64_MAX)}) {
    EXPECT_USER_ERROR(from_json<Outer>(Json{{"count", other}}),
                      "count: expected a whole number, got");
  }
}

TEST(Fields, DescribesEachKeyWithItsDefault) {
  const auto text = describe_fields(Outer{}, "outer");
  EXPECT_THAT(text, ::testing::HasSubstr("outer.count: 3 "));
  EXPECT_THAT(text, ::testing::HasSubstr("outer.color: red "));
  EXPECT_THAT(text, ::testing::HasSubstr("A color. (red | blue)"));
  EXPECT_THAT(text, ::testing::HasSubstr("outer.inner.rate: 0.5 "));
}

TEST(Yaml, ScalarsHaveTheirTypes) {
  const auto yaml = parse_yaml(
      "a: 1e-4\nb: '1'\nc: true\nd: ~\ne: text with spaces\nf: [1, 2]\ng: 12\nh: \"\"\n", "t");
  EXPECT_DOUBLE_EQ(yaml["a"].get<double>(), 1e-4);
  EXPECT_EQ(yaml["b"], "1");
  EXPECT_EQ(yaml["c"], true);
  EXPECT_TRUE(yaml["d"].is_null());
  EXPECT_EQ(yaml["h"], "");
  EXPECT_EQ(yaml["f"].size(), 2);
  EXPECT_EQ(parse_yaml(dump_yaml(yaml), "t"), yaml);
}

TEST(Yaml, ErrorsNameTheLine) {
  EXPECT_USER_ERROR(parse_yaml("a: 1\na: 2\n", "c.yaml"), "key 'a' is given twice");
  EXPECT_USER_ERROR(parse_yaml("a: [1\n", "c.yaml"), "c.yaml: line");
}

TEST(Json, DeepNestingIsRefused) {
  EXPECT_USER_ERROR(parse_json(std::string(100000, '['), "row 1"), "row 1");
}

TEST(Files, AtomicWriteLeavesNothingBehindWhenNotCommitted) {
  const TemporaryFolder folder;
  {
    AtomicFile(folder / "a").write("half");
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  write_file_atomic(folder / "a", "whole");
  EXPECT_EQ(read_file(folder / "a"), "whole");
  EXPECT_USER_ERROR(read_file(folder / "missing"), "missing: cannot open: No such file");
}

TEST(Files, FullDiskIsAnErrorThatNamesTheFile) {
  // /dev/full gives ENOSPC on every write.
  EXPECT_USER_ERROR(LineWriter("/dev/full").write("x"), "No space left on device; free some space");
}

TEST(Files, FolderIsReplacedWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const auto target = folder / "checkpoint";
  write_folder_atomic(target, [](const fs::path& p) { write_file_atomic(p / "x", "1"); });
  EXPECT_THROW(write_folder_atomic(target, [](const fs::path&) { throw UserError("no"); }),
               UserError);
  EXPECT_EQ(read_file(target / "x"), "1");
  write_folder_atomic(target, [](const fs::path& p) { write_file_atomic(p / "y", "2"); });
  EXPECT_FALSE(fs::exists(target / "x"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}), 1);
}

TEST(Hash, Sha256OfTheStandardsExample) {
  EXPECT_EQ(sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
}

TEST(Hash, GitsNamesOfContents) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "a", "hello\n");
  write_file_atomic(folder / "b", "");
  // As `git hash-object` prints them.
  EXPECT_EQ(git_blob_id(folder / "a"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(git_blob_id(folder / "b"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Random, PhiloxMatchesItsPublishedVector) {
  // Random123's known answer for philox4x32-10 with counter 0 and key 0.
  Random random(0);
  EXPECT_EQ(random.next(), 0xe169c58d6627e8d5ULL);
  EXPECT_EQ(random.next(), 0x9b00dbd8bc57ac4cULL);
}

TEST(Random, SeekContinuesExactly) {
  Random a(7, 3);
  for (int i = 0; i < 5; ++i) a.next();
  Random b(7, 3);
  b.seek(a.position());
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(Random(7, 3).next(), Random(7, 4).next());
}

TEST(Str, HumanUnits) {
  EXPECT_EQ(human_bytes(1536), "1.50 KiB");
  EXPECT_EQ(human_seconds(125), "2 min 05 s");
  EXPECT_EQ(nearest("learning_rat", std::vector<std::string>{"learning_rate", "seed"}),
            "learning_rate");
  EXPECT_EQ(excerpt("a\nb\x01"), "a\\nb\\x01");
  EXPECT_EQ(without_controls("é\n\ta\x1b[2J\x7f\xc2\x9bm"), "é\n\ta\\x1b[2J\\x7f\\x9bm");
}

TEST(Progress, ShowsRateAndRemainingTime) {
  const auto line = progress_text("training", 12, 24, "steps", 1.5, "loss 0.5", 100);
  EXPECT_THAT(line,
              ::testing::HasSubstr("50 % · 12/24 steps · 1.50 steps/s · 8.0 s left · loss 0.5"));
  EXPECT_THAT(line, ::testing::HasSubstr("####"));
}

}  // namespace
}  // namespace tunewright
