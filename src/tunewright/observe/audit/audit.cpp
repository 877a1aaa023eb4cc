#include "tunewright/observe/audit/audit.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::observe {
namespace {

[[noreturn]] void fail(const fs::path& path, std::string_view action) {
  throw UserError(str(path.string(), ": cannot ", action, ": ", std::strerror(errno)));
}

// The trail's file, held by this object: alone to write, with other readers to read.  The lock
// belongs to the open file, so threads of one process wait for each other as processes do.
class LockedFile {
 public:
  enum class Use { kRead, kWrite };
  LockedFile(const fs::path& path, Use use) : path_(path) {
    std::error_code code;
    if (use == Use::kWrite) fs::create_directories(path.parent_path(), code);
    const int flags = use == Use::kWrite ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY;
    descriptor_ = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail(path_, "open the audit trail");
    while (::flock(descriptor_, use == Use::kWrite ? LOCK_EX : LOCK_SH) != 0) {
      if (errno != EINTR) fail(path_, "lock the audit trail");
    }
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;
  ~LockedFile() { ::close(descriptor_); }

  std::string read() const {
    struct stat info{};
    if (::fstat(descriptor_, &info) != 0) fail(path_, "read");
    std::string text(static_cast<size_t>(info.st_size), '\0');
    size_t got = 0;
    while (got < text.size()) {
      const auto count =
          ::pread(descriptor_, text.data() + got, text.size() - got, static_cast<off_t>(got));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path_, "read");
      if (count == 0) break;
      got += static_cast<size_t>(count);
    }
    text.resize(got);
    return text;
  }
  void cut(size_t size) const {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail(path_, "write");
  }
  void append(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path_, "write");
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    if (::fsync(descriptor_) != 0) fail(path_, "write");
  }

 private:
  fs::path path_;
  int descriptor_ = -1;
};

struct Tail {
  int64_t lines = 0;
  std::string last_hash = kNoLine;
  size_t whole_bytes = 0;  // up to the end of the last whole line
};

// Where the trail ends.  A last line that cannot be read is damage that the verifier names; the new
// line is bound to its bytes all the same.
Tail tail_of(const std::string& text) {
  Tail tail;
  const auto end = text.rfind('\n');
  if (end == std::string::npos) return tail;
  tail.whole_bytes = end + 1;
  tail.lines = std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(end) + 1, '\n');
  const auto begin = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  const auto first = begin == std::string::npos ? 0 : begin + 1;
  const auto line = text.substr(first, end - first);
  try {
    tail.last_hash = parse_json(line, "").value("sha256", sha256(line));
  } catch (const std::exception&) {
    tail.last_hash = sha256(line);
  }
  return tail;
}

Json artefacts_json(const AuditTrail& trail, const std::vector<Artefact>& artefacts) {
  Json list = Json::array();
  for (const auto& artefact : artefacts) {
    list.push_back({{"path", trail.name_of(artefact.path)}, {"sha256", artefact.sha256}});
    if (!artefact.role.empty()) list.back()["role"] = artefact.role;
  }
  return list;
}

Json line_json(const AuditTrail& trail, const AuditEvent& event, const Tail& tail) {
  Json line = {{"actor", event.actor},
               {"artefacts", artefacts_json(trail, event.artefacts)},
               {"details", event.details},
               {"event", event.event},
               {"index", tail.lines},
               {"inputs", artefacts_json(trail, event.inputs)},
               {"previous", tail.last_hash},
               {"subject", event.subject.empty() ? "" : trail.name_of(event.subject)},
               {"time", utc_now()}};
  line["sha256"] = line_hash(line);
  return line;
}

// Two lines, where a killed process left half of one: what was cut off, then the event.
std::string recovery_line(const AuditTrail& trail, std::string_view torn, Tail& tail) {
  const auto line =
      line_json(trail,
                {.event = "recovered",
                 .details = {{"torn_bytes", torn.size()}, {"torn_sha256", sha256(torn)}}},
                tail);
  ++tail.lines;
  tail.last_hash = line["sha256"].get<std::string>();
  return canonical_json(line) + "\n";
}

// What the head says and the trail does not hold.  A head that is behind is what a process leaves
// that was killed between the two.
Json missing_of(const std::optional<Head>& head, const Tail& tail) {
  if (!head) return nullptr;
  const bool is_short = head->lines > tail.lines;
  const bool is_other = head->lines == tail.lines && head->sha256 != tail.last_hash;
  if (!is_short && !is_other) return nullptr;
  return {{"head_lines", head->lines}, {"head_sha256", head->sha256}, {"lines", tail.lines}};
}

std::vector<Artefact> read_artefacts(const Json& list) {
  std::vector<Artefact> artefacts;
  for (const auto& one : list)
    artefacts.push_back({.path = one.at("path").get<std::string>(),
                         .sha256 = one.at("sha256").get<std::string>(),
                         .role = one.value("role", "")});
  return artefacts;
}

}  // namespace

std::vector<Artefact> artefacts_of(const std::vector<fs::path>& paths, const std::string& role) {
  std::vector<fs::path> files;
  for (const auto& path : paths) {
    if (fs::is_regular_file(path)) files.push_back(path);
    if (!fs::is_directory(path)) continue;
    std::vector<fs::path> inside;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) inside.push_back(entry.path());
    }
    std::ranges::sort(inside);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  std::vector<Artefact> artefacts;
  for (const auto& file : files) artefacts.push_back({file, sha256_file(file), role});
  return artefacts;
}

std::string canonical_json(const Json& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string line_hash(const Json& line) {
  auto rest = line;
  rest.erase("sha256");
  return sha256(canonical_json(rest));
}

std::optional<AuditLine> parse_audit_line(const Json& json) {
  try {
    return AuditLine{.index = json.at("index").get<int64_t>(),
                     .time = json.at("time").get<std::string>(),
                     .actor = json.at("actor").get<std::string>(),
                     .event = json.at("event").get<std::string>(),
                     .subject = json.at("subject").get<std::string>(),
                     .previous = json.at("previous").get<std::string>(),
                     .sha256 = json.at("sha256").get<std::string>(),
                     .inputs = read_artefacts(json.at("inputs")),
                     .artefacts = read_artefacts(json.at("artefacts")),
                     .details = json.at("details")};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::optional<Head> read_head(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  try {
    const auto json = read_json(file);
    return Head{.lines = json.at("lines").get<int64_t>(),
                .sha256 = json.at("sha256").get<std::string>()};
  } catch (const std::exception&) {
    throw UserError(str(file.string(), ": is not a head of an audit trail, which reads ",
                        R"({"lines":n,"sha256":"…"}; `tunewright runs verify --head HASH` takes )",
                        "one that was noted elsewhere"));
  }
}

AuditTrail::AuditTrail(fs::path file) : file_(fs::absolute(file).lexically_normal()) {}

AuditTrail AuditTrail::beside(const fs::path& run) {
  auto path = fs::absolute(run).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "runs/x/"
  return AuditTrail(path.parent_path() / "audit.jsonl");
}

std::string AuditTrail::name_of(const fs::path& path) const {
  auto full = fs::absolute(path).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  return full.lexically_proximate(folder()).generic_string();
}

fs::path AuditTrail::path_of(const std::string& name) const {
  return (folder() / name).lexically_normal();
}

Head AuditTrail::append(const AuditEvent& event) const {
  const LockedFile locked(file_, LockedFile::Use::kWrite);
  const auto text = locked.read();
  auto tail = tail_of(text);
  const auto torn = std::string_view(text).substr(tail.whole_bytes);
  std::string added;
  if (!torn.empty()) added += recovery_line(*this, torn, tail);
  auto recorded = event;
  std::optional<Head> head;
  try {
    head = read_head(head_file());
  } catch (const UserError& error) {
    recorded.details["head"] = error.what();
  }
  // The head knows nothing of a recovery line.
  if (auto missing = missing_of(head, tail_of(text)); !missing.is_null())
    recorded.details["missing_before"] = std::move(missing);
  const auto line = line_json(*this, recorded, tail);
  added += canonical_json(line) + "\n";
  if (!torn.empty()) locked.cut(tail.whole_bytes);
  locked.append(added);
  const Head now{.lines = tail.lines + 1, .sha256 = line["sha256"].get<std::string>()};
  write_file_atomic(head_file(), dump_json({{"lines", now.lines}, {"sha256", now.sha256}}) + "\n");
  return now;
}

AuditTrail::Snapshot AuditTrail::snapshot() const {
  const LockedFile locked(file_, LockedFile::Use::kRead);
  Snapshot snapshot{.text = locked.read(), .head = std::nullopt, .head_error = {}};
  try {
    snapshot.head = read_head(head_file());
  } catch (const UserError& error) {
    snapshot.head_error = error.what();
  }
  return snapshot;
}

std::vector<AuditLine> AuditTrail::read() const {
  std::vector<AuditLine> lines;
  if (!fs::exists(file_)) return lines;
  LineReader reader(file_);
  while (const auto text = reader.next()) {
    try {
      if (auto line = parse_audit_line(parse_json(*text, file_.string())))
        lines.push_back(std::move(*line));
    } catch (const UserError&) {
      continue;  // the verifier names it
    }
  }
  return lines;
}

}  // namespace tunewright::observe
