#include "tunewright/base/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"

namespace tunewright {
namespace {

constexpr size_t kBlockBytes = 1 << 18;

using Reader = std::unique_ptr<::archive, decltype(&archive_read_free)>;

[[noreturn]] void fail(const fs::path& path, ::archive* reader) {
  const auto* text = archive_error_string(reader);
  throw UserError(
      str(path.string(), ": cannot read this archive: ", text == nullptr ? "unknown form" : text));
}

Reader open_archive(const fs::path& path) {
  Reader reader(archive_read_new(), &archive_read_free);
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_all(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK)
    fail(path, reader.get());
  return reader;
}

void check_name(const std::string& name, const fs::path& path) {
  const fs::path relative(name);
  bool climbs = relative.is_absolute() || name.empty();
  for (const auto& part : relative) climbs |= part == "..";
  if (climbs)
    throw UserError(str(path.string(), ": the entry '", excerpt(name),
                        "' points out of the archive; not unpacked"));
}

void each_file(const fs::path& path,
               const std::function<void(const ArchiveEntry&, ::archive*)>& visit) {
  const auto reader = open_archive(path);
  archive_entry* raw = nullptr;
  for (;;) {
    const int code = archive_read_next_header(reader.get(), &raw);
    if (code == ARCHIVE_EOF) return;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) fail(path, reader.get());
    if (archive_entry_filetype(raw) != AE_IFREG) continue;
    const auto* name = archive_entry_pathname_utf8(raw);
    const ArchiveEntry entry{.name = name == nullptr ? "" : name, .bytes = archive_entry_size(raw)};
    check_name(entry.name, path);
    visit(entry, reader.get());
  }
}

void copy_entry(::archive* reader, const fs::path& path, const fs::path& out) {
  AtomicFile file(out);
  std::vector<char> block(kBlockBytes);
  for (;;) {
    const auto count = archive_read_data(reader, block.data(), block.size());
    if (count < 0) fail(path, reader);
    if (count == 0) break;
    file.write(std::string_view(block.data(), static_cast<size_t>(count)));
  }
  file.commit();
}

}  // namespace

std::vector<ArchiveEntry> list_archive(const fs::path& path) {
  std::vector<ArchiveEntry> entries;
  each_file(path, [&](const ArchiveEntry& entry, ::archive*) { entries.push_back(entry); });
  return entries;
}

void extract_archive(const fs::path& path,
                     const std::function<fs::path(const ArchiveEntry&)>& place) {
  each_file(path, [&](const ArchiveEntry& entry, ::archive* reader) {
    const auto out = place(entry);
    if (!out.empty()) copy_entry(reader, path, out);
  });
}

}  // namespace tunewright
