#include "tunewright/rows/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/rows/readers/container.h"
#include "tunewright/rows/readers/expand.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/source_fixture.h"

namespace tunewright::rows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::read_source;
using testing::SourceRead;
using testing::TemporaryFolder;

std::string fixture(const std::string& name) {
  return testing::source_path("tests/data/sources/" + name).string();
}

// One file of this name and these bytes.
SourceRead read_bytes(const std::string& name, const std::string& bytes,
                      SourceOptions options = {}) {
  const TemporaryFolder folder;
  write_file_atomic(folder / name, bytes);
  options.path = (folder / name).string();
  return read_source(options);
}

Json texts(const SourceRead& read, const char* column = "text") {
  Json list = Json::array();
  for (const auto& row : read.rows) list.push_back(row.value(column, Json()));
  return list;
}

TEST(Source, JsonLinesKeepTheirBytes) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "a.jsonl",
                    "\xEF\xBB\xBF{\"text\": \"x\",  \"n\":1.0}\n\n{\"text\":\"y\"}");
  std::vector<std::string> lines;
  for_each_source_row(
      {.path = (folder / "a.jsonl").string()},
      [&](SourceRow&& row) { lines.push_back(row.json_line()); }, [](SetAside&&) {});
  EXPECT_THAT(lines, ElementsAre("{\"text\": \"x\",  \"n\":1.0}", "{\"text\":\"y\"}"));
}

TEST(Source, WhatTheTakerThrowsComesOut) {
  const auto stop = [](auto&&) { throw UserError("the disk is full"); };
  EXPECT_USER_ERROR(for_each_source_row({.path = fixture("text")}, stop, [](SetAside&&) {}),
                    "the disk is full");
  EXPECT_USER_ERROR(for_each_source_row(
                        {.path = fixture("broken.parquet")}, [](SourceRow&&) {}, stop),
                    "the disk is full");
}

TEST(Source, BadRowsOfJsonLinesAreSetAside) {
  std::string deep = "{\"a\":";
  for (int i = 0; i < 10000; ++i) deep += '[';
  const auto bytes = str("{\"text\":\"1\"}\n[1]\n{\"text\":\n{\"text\":\"\xC3\"}\n{\"text\":\"a",
                         std::string(1, '\0'), "b\"}\n", deep, "\n", std::string(5000, 'x'),
                         "\n{\"text\":\"2\"}\n");
  const auto read = read_bytes("a.jsonl", bytes, {.max_row_bytes = 11000});
  EXPECT_EQ(texts(read), Json::parse(R"(["1","2"])"));
  ASSERT_EQ(read.aside.size(), 6u);
  EXPECT_THAT(read.aside[0], HasSubstr("a.jsonl #1: expected a JSON object, got a list"));
  EXPECT_THAT(read.aside[1], HasSubstr("#2: the row: not valid JSON"));
  EXPECT_THAT(read.aside[2], HasSubstr("#3: not valid UTF-8 at byte 9"));
  EXPECT_THAT(read.aside[3], HasSubstr("#4: the row: not valid JSON"));
  EXPECT_THAT(read.aside[4], HasSubstr("#5: the row: JSON is nested deeper than 500"));
  const auto limited = read_bytes("a.jsonl", bytes, {.max_row_bytes = 1000});
  EXPECT_THAT(limited.aside[5], HasSubstr("#6: the line is longer than 1000 B"));
}

TEST(Source, JsonListsAndObjects) {
  EXPECT_EQ(
      texts(read_bytes("a.json", R"([{"text":"a]\"}"}, {"text":"b","x":[{}]} ,3, {"text":"c"}])")),
      Json::parse(R"(["a]\"}","b","c"])"));
  EXPECT_EQ(texts(read_bytes("a.json", "{\"text\":\n\"one\"}")), Json::parse(R"(["one"])"));
  EXPECT_EQ(texts(read_bytes("a.json", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n")),
            Json::parse(R"(["a","b"])"));
  EXPECT_EQ(texts(read_bytes("a.json", R"({"v":1,"data":{"x":[9],"items":[{"text":"t"}]}})",
                             {.records = "data.items"})),
            Json::parse(R"(["t"])"));
  EXPECT_USER_ERROR(read_bytes("a.json", R"({"v":1})", {.records = "data"}), "no key 'data'");
  const auto cut_off = read_bytes("a.json", R"([{"text":"a"},{"text":"b)");
  EXPECT_EQ(texts(cut_off), Json::parse(R"(["a"])"));
  EXPECT_THAT(cut_off.aside[0], HasSubstr("#1: the JSON text ends inside a value"));
}

TEST(Source, CsvRowsThatDoNotFitAreSetAside) {
  const auto read = read_bytes("a.csv", "text,label\na,x\nb\nc,y,z\n\"d\",\"e\nf\"\n");
  EXPECT_EQ(Json(read.rows),
            Json::parse(R"([{"text":"a","label":"x"},{"text":"d","label":"e\nf"}])"));
  EXPECT_THAT(read.aside, ElementsAre(HasSubstr("#1: line 3: has 1 fields, the table has 2"),
                                      HasSubstr("#2: line 4: has 3 fields, the table has 2")));
  const auto german = read_bytes("a.csv", "text;label\nGr\xFC\xDF;\xF6\n");
  EXPECT_EQ(Json(german.rows), Json::parse(R"([{"text":"Grüß","label":"ö"}])"));
  EXPECT_THAT(german.report.notes, ElementsAre(HasSubstr("read as windows-1252"),
                                               HasSubstr("columns are divided by ';'"),
                                               HasSubstr("taken as classification")));
  const auto named = read_bytes("a.tsv", "1\t2\n", {.header = false, .columns = {"text", "b"}});
  EXPECT_EQ(Json(named.rows), Json::parse(R"([{"text":"1","b":"2"}])"));
  const auto twice = read_bytes("a.csv", "a,a,\n1,2,3\n");
  EXPECT_EQ(Json(twice.rows), Json::parse(R"([{"a":"1","a_2":"2","column_3":"3"}])"));
}

TEST(Source, TextByFileParagraphOrLine) {
  const std::string text = "one\ntwo\n\n\nthree\n";
  EXPECT_EQ(texts(read_bytes("a.txt", text)), Json::parse(R"(["one\ntwo\n\n\nthree\n"])"));
  EXPECT_EQ(texts(read_bytes("a.txt", text, {.unit = TextUnit::kParagraph})),
            Json::parse(R"(["one\ntwo","three"])"));
  EXPECT_EQ(texts(read_bytes("a.txt", text, {.unit = TextUnit::kLine})),
            Json::parse(R"(["one","two","three"])"));
  EXPECT_USER_ERROR(read_bytes("a.txt", std::string("a\0b", 3)), "a NUL byte at byte 1");
  EXPECT_USER_ERROR(read_bytes("a.bin", std::string("a\0b\1\2\3", 6)), "binary data");
  EXPECT_USER_ERROR(read_bytes("a.txt", ""), "a.txt: gave no rows: is empty");
}

TEST(Source, TextThatIsCutOffInsideACharacterStaysUtf8) {
  for (const char* name : {"a.txt", "a.md", "a.html"}) {
    const auto read = read_bytes(name, "schöne Gr\xC3");
    EXPECT_EQ(texts(read), Json::parse(R"(["schöne Gr\uFFFD"])")) << name;
    EXPECT_EQ(read.report.cut_off, 1) << name;
    EXPECT_THAT(read.report.notes, ::testing::Contains(HasSubstr("ends inside a character")));
  }
  const auto table = read_bytes("a.csv", "text,label\nGrüße,ä\nSchluß,\xC3");
  EXPECT_EQ(table.rows.at(0)["label"], "ä");
  EXPECT_EQ(table.rows.at(1)["label"], "\uFFFD");
  EXPECT_EQ(read_bytes("a.txt", "schöne Grüße").report.cut_off, 0);
}

TEST(Source, MarkdownHtmlAndPdf) {
  EXPECT_EQ(
      read_bytes("a.md", "---\ntitle: \"The title\"\nx: 1\n---\n# Head\n\ntext\n").rows[0]["title"],
      "The title");
  const auto markdown = read_bytes("a.md", "```\n# code\n```\n## Head ##\ntext\n");
  EXPECT_EQ(markdown.rows[0]["title"], "Head");
  EXPECT_EQ(
      read_bytes("a.html", "<meta charset=koi8-r><title>\xF0</title><p>\xD2\xD5").rows[0]["text"],
      "ру");
  EXPECT_USER_ERROR(read_bytes("a.pdf", "%PDF-1.4\nbroken"), "pdftotext cannot read it");
  const std::string pdf =
      "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
      "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
      "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F "
      "5 0 R>>>>>>endobj\n"
      "4 0 obj<</Length 44>>stream\nBT /F 18 Tf 10 100 Td (Hello from PDF) Tj ET \nendstream "
      "endobj\n"
      "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
      "6 0 obj<</Title(The Title)>>endobj\ntrailer<</Root 1 0 R/Info 6 0 R>>\n";
  const auto read = read_bytes("a.pdf", pdf);
  EXPECT_EQ(read.rows[0]["text"], "Hello from PDF");
  EXPECT_EQ(read.rows[0]["title"], "The Title");
}

TEST(Source, Conll) {
  const auto read = read_bytes("a.conll",
                               "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n"
                               "# comment\nPeter NNP B-NP B-PER\n\nonly\n");
  EXPECT_EQ(Json(read.rows),
            Json::parse(R"([{"tokens":["EU","rejects"],"tags":["B-ORG","O"],"text":"EU rejects"},
      {"tokens":["Peter"],"tags":["B-PER"],"text":"Peter"}])"));
  EXPECT_THAT(read.aside, ElementsAre(HasSubstr("#2: a line with 1 columns: 'only'")));
  const auto conllu = read_bytes("a.conllu",
                                 "# text = im "
                                 "Haus\n1-2\tim\t_\t_\t_\t_\t_\t_\t_\t_\n1\tin\tin\tADP\t_\t_\t_\t_"
                                 "\t_\t_\n2\tdem\tder\tDET\t_\t_\t_\t_\t_\t_\n");
  EXPECT_EQ(conllu.rows[0]["tokens"], Json::parse(R"(["in","dem"])"));
  EXPECT_EQ(conllu.rows[0]["tags"], Json::parse(R"(["ADP","DET"])"));
}

TEST(Source, SqliteTablesAndQueries) {
  const auto path = fixture("shop.sqlite");
  EXPECT_EQ(Json(read_source({.path = path, .to = Target::kAsIs}).rows),
            Json::parse(R"([{"id":1,"body":"first","score":0.5,"extra":null},
      {"id":2,"body":"zwei ü","score":null,"extra":"/wA="},{"id":3,"body":"third","score":2.0,"extra":"blob"}])"));
  const auto read = read_source(
      {.path = "sqlite:" + path + "?SELECT body AS text FROM mails ORDER BY id DESC", .limit = 1});
  EXPECT_EQ(texts(read), Json::parse(R"(["third"])"));
  EXPECT_EQ(read.sources[0], "sqlite:" + path);
  EXPECT_USER_ERROR(read_source({.path = fixture("two_tables.sqlite")}),
                    "holds 2 tables (labels, mails)");
  EXPECT_USER_ERROR(read_source({.path = path, .query = "DELETE FROM mails"}),
                    "one that only reads");
  EXPECT_USER_ERROR(read_source({.path = path, .query = "SELECT nope"}), "no such column: nope");
}

TEST(Source, PostgresqlMessagesHoldNoPassword) {
  EXPECT_EQ(without_password("postgresql://jo:secret@host:5432/db?password=x"),
            "postgresql://jo@host:5432/db");
  EXPECT_EQ(without_password("postgresql://host:5432/db"), "postgresql://host:5432/db");
  try {
    read_source({.path = "postgresql://jo:secret@127.0.0.1:1/db", .query = "SELECT 1"});
    ADD_FAILURE();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("secret")));
    EXPECT_THAT(error.what(), HasSubstr("PostgreSQL: "));
  }
}

TEST(Source, ContainersAreLookedInto) {
  EXPECT_EQ(texts(read_source({.path = fixture("rows.jsonl.gz")}), "n"), Json::parse("[0,1,2]"));
  const auto zip = read_source({.path = fixture("mixed.zip"), .exclude = {"*.parquet"}});
  EXPECT_EQ(zip.rows.size(), 6u);
  EXPECT_EQ(zip.sources[3], fixture("mixed.zip") + "/ham/größe.txt");
  EXPECT_THAT(zip.aside, ElementsAre(HasSubstr("mixed.zip/picture.png #0: binary data")));
  const auto mails = read_source({.path = fixture("mails.tar.xz"),
                                  .map = {{"text", "{subject}"}, {"label", "{path.parent}"}}});
  EXPECT_EQ(Json(mails.rows),
            Json::parse(R"([{"text":"s","label":"spam"},{"text":"h","label":"ham"}])"));
  EXPECT_USER_ERROR(read_bytes("a.zip", "PK\x03\x04 broken"), "broken archive");
  EXPECT_USER_ERROR(read_bytes("a.txt.gz", "\x1F\x8B broken"), "broken archive");
}

TEST(Source, ABombIsSetAside) {
  EXPECT_USER_ERROR(read_source({.path = fixture("bomb.txt.bz2")}), "a decompression bomb?");
  EXPECT_USER_ERROR(read_source({.path = fixture("bomb.zip")}), "a decompression bomb?");
}

TEST(Source, WhatLiesBehindABombIsRead) {
  for (const std::string name : {"bombs_between.zip", "bombs_between.tar.bz2"}) {
    const auto read = read_source({.path = fixture(name)});
    EXPECT_EQ(texts(read), Json::parse(R"(["before","between","behind"])")) << name;
    EXPECT_THAT(read.aside,
                ElementsAre(HasSubstr(name + "/bomb.txt #0: expands to more than 250 times"),
                            HasSubstr(name + "/packed.txt #0: expands to more than 250 times")));
  }
}

TEST(ExpansionBudget, ForgetsBombsUntilTheyCostTooMuch) {
  constexpr int64_t kAllowed = int64_t{64} << 20;
  const auto forgotten = [&](int64_t rest) {
    ExpansionBudget budget(1, 250);
    budget.spend(kAllowed);
    EXPECT_FALSE(budget.is_spent());
    for (int bombs = 0; bombs < 100; ++bombs) {
      EXPECT_USER_ERROR(budget.spend(kAllowed), "expands to more than 250 times");
      if (!budget.forget_since(kAllowed, rest)) return bombs;
    }
    return 100;
  };
  EXPECT_EQ(forgotten(0), 15);
  EXPECT_EQ(forgotten(3 * kAllowed), 3);
  EXPECT_EQ(forgotten(INT64_MAX), 0);
}

TEST(Source, FoldersAndGlobsInOrder) {
  const TemporaryFolder folder;
  for (const char* name :
       {"a/z.txt", "a-b/y.txt", "a.txt", ".hidden.txt", "b/.git/x.txt", "b/c/w.md"}) {
    fs::create_directories((folder / name).parent_path());
    write_file_atomic(folder / name, name);
  }
  fs::create_directory_symlink(folder.path(), folder / "b/loop");
  const auto at = [&](const std::string& pattern, SourceOptions options = {}) {
    options.path = (folder / pattern).string();
    return texts(read_source(options));
  };
  EXPECT_EQ(at(""), Json::parse(R"(["a-b/y.txt","a.txt","a/z.txt","b/c/w.md"])"));
  EXPECT_EQ(at("**"), at(""));
  EXPECT_EQ(at("**/*.txt"), Json::parse(R"(["a-b/y.txt","a.txt","a/z.txt"])"));
  EXPECT_EQ(at("a*/*"), Json::parse(R"(["a-b/y.txt","a/z.txt"])"));
  EXPECT_EQ(at("*.txt"), Json::parse(R"(["a.txt"])"));
  EXPECT_EQ(at("b/**/w.[mt]d"), Json::parse(R"(["b/c/w.md"])"));
  EXPECT_EQ(at(".hid*"), Json::parse(R"([".hidden.txt"])"));
  EXPECT_EQ(at("", {.include = {"*.txt"}, .exclude = {"y.*"}}),
            Json::parse(R"(["a.txt","a/z.txt"])"));
  EXPECT_USER_ERROR(at("nowhere"), "there is no such file or folder");
  EXPECT_USER_ERROR(at("nowhere/*"), "is not there");
  EXPECT_USER_ERROR(at("*.csv"), "gave no rows");
}

TEST(Source, AFolderWithoutPermissionIsSetAside) {
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  fs::create_directories(folder / "closed");
  write_file_atomic(folder / "open.txt", "open");
  write_file_atomic(folder / "closed/a.txt", "x");
  write_file_atomic(folder / "shut.txt", "x");
  ::chmod((folder / "closed").c_str(), 0);
  ::chmod((folder / "shut.txt").c_str(), 0);
  ::chmod((folder / "open.txt").c_str(), 0644);
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }  // root may read everything
  const auto read = read_source({.path = folder.path().string()});
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ::chmod((folder / "closed").c_str(), 0755);
  EXPECT_EQ(texts(read), Json::parse(R"(["open"])"));
  EXPECT_THAT(read.aside,
              ElementsAre(HasSubstr("closed #0: cannot read this folder: Permission denied"),
                          HasSubstr("shut.txt #0: cannot open: Permission denied")));
}

TEST(Source, MappingsThatFailSetTheRowAside) {
  const auto read =
      read_bytes("a.jsonl", "{\"q\":\"1\"}\n{\"p\":\"2\"}\n", {.map = {{"text", "{q}"}}});
  EXPECT_EQ(texts(read), Json::parse(R"(["1"])"));
  EXPECT_THAT(read.aside, ElementsAre(HasSubstr("#1: map.text: there is no 'q' (the row has p)")));
  EXPECT_USER_ERROR(read_bytes("a.jsonl", "{\"q\":1}\n", {.map = {{"text", "{r}"}}}),
                    "gave no rows: ");
}

}  // namespace
}  // namespace tunewright::rows
