#include "tunewright/base/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"

namespace tunewright {
namespace {

using testing::TemporaryFolder;

void write_zip(const fs::path& path,
               const std::vector<std::pair<std::string, std::string>>& files) {
  auto* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_open_filename(writer, path.c_str());
  for (const auto& [name, text] : files) {
    auto* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, text.data(), text.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

TEST(Archive, ListsAndExtractsWhatIsAskedFor) {
  TemporaryFolder folder;
  const std::string large(600'000, 'y');
  write_zip(folder / "a.whl", {{"pkg/a.txt", "one"}, {"pkg/model.gguf", large}});
  const auto entries = list_archive(folder / "a.whl");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].name, "pkg/model.gguf");
  EXPECT_EQ(entries[1].bytes, 600'000);
  extract_archive(folder / "a.whl", [&](const ArchiveEntry& entry) {
    return entry.name.ends_with(".gguf") ? folder / "m.gguf" : fs::path();
  });
  EXPECT_EQ(read_file(folder / "m.gguf"), large);
  EXPECT_FALSE(fs::exists(folder / "a.txt"));
}

TEST(Archive, NamesThatClimbOutAreRefused) {
  TemporaryFolder folder;
  for (const std::string name : {"../evil", "/etc/evil", "a/../../evil"}) {
    write_zip(folder / "a.zip", {{name, "x"}});
    EXPECT_USER_ERROR(list_archive(folder / "a.zip"), "points out of the archive");
  }
}

TEST(Archive, BrokenOnesAreAUserError) {
  TemporaryFolder folder;
  write_file_atomic(folder / "a.zip", "PK\x03\x04 this is no archive");
  EXPECT_USER_ERROR(list_archive(folder / "a.zip"), "a.zip: cannot read this archive");
  EXPECT_USER_ERROR(list_archive(folder / "absent.zip"), "absent.zip: cannot read this archive");
}

}  // namespace
}  // namespace tunewright
