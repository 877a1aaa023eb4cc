#include "tunewright/rows/readers/container.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/expand.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;
constexpr int64_t kAlwaysAllowed = int64_t{64} << 20;
constexpr int64_t kMostWasted = 16;  // on bombs, times what is allowed

using Reader = std::unique_ptr<::archive, decltype(&archive_read_free)>;

std::string error_text(::archive* reader) {
  const auto* text = archive_error_string(reader);
  return str("broken archive: ", text == nullptr ? "unknown form" : text);
}

// Names inside archives become UTF-8 by way of the thread's locale, which the program leaves at
// "C".
class Utf8Locale {
 public:
  Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_{};
};

// What libarchive reads where the archive is no file on disk.
struct Callback {
  ByteStream& stream;
  std::string block = std::string(kBlockBytes, '\0');
  std::string failure;

  // Exceptions do not pass through C.
  static la_ssize_t read(::archive* reader, void* self, const void** data) {
    auto& callback = *static_cast<Callback*>(self);
    try {
      *data = callback.block.data();
      return static_cast<la_ssize_t>(callback.stream.read(callback.block));
    } catch (const std::exception& error) {
      callback.failure = error.what();
      archive_set_error(reader, EIO, "%s", error.what());
      return -1;
    }
  }
};

Reader new_reader() {
  Reader reader(archive_read_new(), &archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_7zip(reader.get());
  archive_read_support_format_raw(reader.get());
  return reader;
}

// One member's bytes.
class MemberStream : public ByteStream {
 public:
  MemberStream(::archive* reader, ExpansionBudget& budget) : reader_(reader), budget_(budget) {}
  size_t read(std::span<char> into) override {
    const auto got = archive_read_data(reader_, into.data(), into.size());
    if (got < 0) throw UserError(error_text(reader_));
    budget_.spend(got);
    return static_cast<size_t>(got);
  }

 private:
  ::archive* reader_;
  ExpansionBudget& budget_;
};

std::string member_name(archive_entry* entry) {
  if (const auto* name = archive_entry_pathname_utf8(entry)) return name;
  const auto* raw = archive_entry_pathname(entry);
  return raw == nullptr ? "unnamed" : to_utf8(raw, detect_encoding(raw, true));
}

// "rows.jsonl.gz" holds "rows.jsonl".
std::string uncompressed_name(const std::string& name) {
  constexpr std::array kSuffixes = {".gz", ".zst", ".bz2", ".xz", ".zstd", ".z", ".lz4"};
  const auto lower = to_lower(name);
  for (const std::string_view suffix : kSuffixes) {
    if (lower.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return lower.ends_with(".tgz") ? name.substr(0, name.size() - 4) + ".tar" : name;
}

bool is_hidden(std::string_view name) {
  const auto names = split(name, '/');
  return std::ranges::any_of(names, [](const std::string& part) {
    return part == "__MACOSX" || (part.starts_with('.') && part != "." && part != "..");
  });
}

// How much of a member may have to be expanded only to reach the next one.
int64_t cost_of_passing(::archive* reader, archive_entry* entry) {
  const int format = archive_format(reader) & ARCHIVE_FORMAT_BASE_MASK;
  const bool is_plain_tar =
      format == ARCHIVE_FORMAT_TAR && archive_filter_code(reader, 0) == ARCHIVE_FILTER_NONE;
  if (format == ARCHIVE_FORMAT_ZIP || is_plain_tar) return 0;
  return std::max<int64_t>(archive_entry_size(entry), 0);
}

void visit_members(::archive* reader, const Input& container, const SourceOptions& options,
                   ExpansionBudget& budget, const ContainerUses& uses) {
  archive_entry* entry = nullptr;
  bool is_empty = true;
  for (;;) {
    const int code = archive_read_next_header(reader, &entry);
    if (code == ARCHIVE_EOF) {
      if (is_empty) uses.failed("an archive without files");
      return;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return uses.failed(error_text(reader));
    const bool is_single = archive_format(reader) == ARCHIVE_FORMAT_RAW;
    if (is_single && archive_filter_code(reader, 0) == ARCHIVE_FILTER_NONE)
      return uses.failed("broken archive: it begins like one, and is none");
    if (!is_single && archive_entry_filetype(entry) != AE_IFREG) continue;
    is_empty = false;
    const auto inside = is_single ? "" : member_name(entry);
    if (!is_single && (is_hidden(inside) || !is_wanted(inside, options))) continue;
    MemberStream bytes(reader, budget);
    PeekStream stream(bytes);
    Input member{
        .name = is_single ? uncompressed_name(container.name) : str(container.name, "/", inside),
        .stream = stream};
    const auto before = budget.spent();
    uses.member(member);
    if (budget.is_spent() && !budget.forget_since(before, cost_of_passing(reader, entry)))
      return uses.failed("not read further: it expands too much");
  }
}

}  // namespace

ExpansionBudget::ExpansionBudget(int64_t file_bytes, int64_t max_expansion)
    : max_expansion_(max_expansion) {
  const auto most = static_cast<double>(file_bytes) * static_cast<double>(max_expansion);
  allowed_ = most > 9e18 ? INT64_MAX : std::max(kAlwaysAllowed, static_cast<int64_t>(most));
}

void ExpansionBudget::spend(int64_t bytes) {
  spent_ += bytes;
  if (!is_spent()) return;
  throw UserError(str("expands to more than ", max_expansion_, " times (",
                      human_bytes(static_cast<double>(allowed_)),
                      ") of the compressed file: a decompression bomb? raise max_expansion if "
                      "that is meant"));
}

bool ExpansionBudget::forget_since(int64_t before, int64_t rest) {
  const auto taken = spent_ - before;
  wasted_ += taken + std::min(rest, INT64_MAX - wasted_ - taken);
  if (wasted_ / kMostWasted >= allowed_) return false;
  spent_ = before;
  return true;
}

void read_container(Input& container, const SourceOptions& options, ExpansionBudget& budget,
                    const ContainerUses& uses) {
  // Zip and 7z keep their list of members at the end.
  const auto begin = container.stream.peek(4);
  const bool needs_seeking = begin.starts_with("PK") || begin.starts_with("7z");
  std::optional<LocalFile> file;
  if (needs_seeking || !container.path.empty()) file.emplace(container, options);
  Callback callback{.stream = container.stream};
  const Utf8Locale locale;
  const auto reader = new_reader();
  const int code =
      file ? archive_read_open_filename(reader.get(), file->path().c_str(), kBlockBytes)
           : archive_read_open(reader.get(), &callback, nullptr, &Callback::read, nullptr);
  if (code != ARCHIVE_OK) throw UserError(error_text(reader.get()));
  visit_members(reader.get(), container, options, budget, uses);
}

}  // namespace tunewright::rows
