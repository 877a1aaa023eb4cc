// Against what pyarrow and datasets wrote.  Builds without Arrow C++ have arrow_absent_test.cpp.
#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/rows/readers/source_fixture.h"
#include "tunewright/rows/rows.h"

namespace tunewright::rows {
namespace {

using testing::read_source;
using testing::TemporaryFolder;

std::string fixture(const std::string& name) {
  return testing::source_path("tests/data/sources/" + name).string();
}

Json golden(const char* key) {
  return read_json(testing::source_path("tests/golden/sources.json"))[key];
}

TEST(Arrow, TablesAsPythonReadsThem) {
  for (const char* name : {"snappy.parquet", "zstd.parquet", "lz4.feather", "stream.arrow"}) {
    const auto read = read_source({.path = fixture(str("tables/", name)), .to = Target::kAsIs});
    EXPECT_EQ(Json(read.rows), golden("table")) << name;
    EXPECT_TRUE(read.aside.empty()) << name;
  }
  const auto inside =
      read_source({.path = fixture("mixed.zip"), .to = Target::kAsIs, .include = {"*.parquet"}});
  EXPECT_EQ(Json(inside.rows), golden("table"));
}

TEST(Arrow, SavedHuggingFaceSetsWithTheNamesOfTheirClasses) {
  const auto rows = golden("hugging_face");
  const auto dict = read_source({.path = fixture("saved_dict"), .to = Target::kAsIs});
  EXPECT_EQ(Json(dict.rows), rows);
  EXPECT_THAT(dict.sources.front(),
              ::testing::HasSubstr("saved_dict/train/data-00000-of-00001.arrow"));
  EXPECT_EQ(dict.report.formats, (std::map<std::string, int64_t>{{"huggingface", 2}}));
  const auto shards = read_source({.path = fixture("saved_set"), .to = Target::kAsIs});
  EXPECT_EQ(Json(shards.rows), Json({rows[0], rows[1], rows[2]}));
}

TEST(Arrow, BrokenFilesAreSetAside) {
  EXPECT_USER_ERROR(read_source({.path = fixture("broken.parquet")}), "broken file: ");
  const auto whole = read_file(fixture("tables/stream.arrow"));
  const TemporaryFolder folder;
  for (size_t size = 0; size < whole.size(); size += 97) {
    write_file_atomic(folder / "cut.arrow", whole.substr(0, size));
    write_file_atomic(folder / "good.txt", "good");
    const auto read = read_source({.path = folder.path().string(), .to = Target::kAsIs});
    EXPECT_EQ(read.rows.back()["text"], "good") << size;
  }
}

// Whatever byte of a file is wrong, the process lives.
TEST(Arrow, DamagedFilesNeverCrash) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "good.txt", "good");
  for (const char* name : {"snappy.parquet", "lz4.feather", "stream.arrow"}) {
    const auto whole = read_file(fixture(str("tables/", name)));
    for (size_t i = 0; i < whole.size(); i += 41) {
      auto damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)) ^ 0x80);
      write_file_atomic(folder / name, damaged);
      const auto read = read_source({.path = folder.path().string(), .to = Target::kAsIs});
      EXPECT_GE(read.rows.size(), 1u);
    }
    fs::remove(folder / name);
  }
}

// As training and evaluation read them: what is null is absent.
TEST(Arrow, TablesAreReadAsRows) {
  for (const char* name : {"tables/snappy.parquet", "tables/stream.arrow"}) {
    const auto expected = read_source({.path = fixture(name), .to = Target::kAsIs}).rows;
    std::vector<Json> rows;
    for_each_row(fixture(name), [&](const RowPlace& place, Json&& row) {
      EXPECT_EQ(place.row, std::ssize(rows));
      rows.push_back(std::move(row));
    });
    ASSERT_EQ(rows.size(), expected.size()) << name;
    for (size_t i = 0; i < rows.size(); ++i) {
      for (const auto& [key, value] : expected[i].items()) {
        EXPECT_EQ(rows[i].contains(key), !value.is_null()) << name << " " << key;
        if (value.is_string() || value.is_number()) {
          EXPECT_EQ(rows[i][key], value) << name << " " << key;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tunewright::rows
