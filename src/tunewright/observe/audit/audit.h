#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/json.h"

// The audit trail: audit.jsonl, a line an event, each line bound to the one before by its hash.
//
//   {"actor":…,"artefacts":[{"path":…,"sha256":…}],"details":{…},"event":…,"index":n,"inputs":[…],
//    "previous":"…","sha256":"…","subject":…,"time":…}
//
// An input may have a "role" beside path and hash: what it was to the event ("model", "baseline").
//
// A line is canonical JSON (keys sorted, no spaces); `sha256` is that of the line without it,
// `previous` that of the line before (64 zeros for the first).  Paths are relative to the trail's
// folder.  audit.head beside it holds the number of lines and the hash of the last: with it, or
// with a head hash that somebody noted, a shortened trail is found.
namespace tunewright::observe {

struct Artefact {
  std::filesystem::path path;  // as the process sees it
  std::string sha256;
  std::string role;  // empty: the only one that the event knows
};
// A file, or every file of a folder, hashed; what is not there is left out.
std::vector<Artefact> artefacts_of(const std::vector<std::filesystem::path>& paths,
                                   const std::string& role = "");

struct AuditEvent {
  std::string actor;                // who ran the program
  std::string event;                // "run_started", "run_finished", "evaluated", "approved", …
  std::filesystem::path subject;    // what it is about: a run folder, as a rule
  std::vector<Artefact> inputs;     // what it was made from
  std::vector<Artefact> artefacts;  // what it made
  Json details = Json::object();
};

struct AuditLine {
  int64_t index = 0;
  std::string time, actor, event, subject, previous, sha256;
  std::vector<Artefact> inputs, artefacts;  // paths relative to the trail's folder
  Json details;
};

struct Head {
  int64_t lines = 0;
  std::string sha256;  // of the last line
};

class AuditTrail {
 public:
  explicit AuditTrail(std::filesystem::path file);
  // The trail that lies beside a run: the file audit.jsonl of the folder that holds it.
  static AuditTrail beside(const std::filesystem::path& run);

  const std::filesystem::path& file() const { return file_; }
  std::filesystem::path folder() const { return file_.parent_path(); }
  std::filesystem::path head_file() const { return folder() / "audit.head"; }

  // Adds a line, on disk when this returns; safe with several processes and threads.  What a killed
  // process left of a line is cut off and recorded; where the trail does not go as far as its head
  // says, the new line records that, so that the loss stays visible.  Gives the new head.
  Head append(const AuditEvent& event) const;

  // The trail and its head as they belong together, while nobody writes.
  struct Snapshot {
    std::string text;
    std::optional<Head> head;  // none: there is no such file
    std::string head_error;    // it cannot be read
  };
  Snapshot snapshot() const;
  // All lines, unchecked; those that are no JSON are left out.
  std::vector<AuditLine> read() const;
  // `path` as lines name it, and back.
  std::string name_of(const std::filesystem::path& path) const;
  std::filesystem::path path_of(const std::string& name) const;

 private:
  std::filesystem::path file_;
};

// What the chain is made of; for the verifier and tests.
std::string canonical_json(const Json& value);
std::string line_hash(const Json& line);  // of the line without its own hash
std::optional<AuditLine> parse_audit_line(const Json& json);
std::optional<Head> read_head(const std::filesystem::path& file);
inline const std::string kNoLine(64, '0');  // `previous` of the first line

}  // namespace tunewright::observe
