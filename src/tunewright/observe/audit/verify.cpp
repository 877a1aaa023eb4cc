#include "tunewright/observe/audit/verify.h"

#include <algorithm>
#include <map>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::observe {
namespace {

struct Chain {
  int64_t position = 0;  // lines so far
  std::string last_hash = kNoLine;
  std::vector<AuditLine> lines;
  std::vector<std::string> hashes;  // by position
};

void check_order(const AuditLine& line, const Chain& chain, Verification& found) {
  const auto expected = chain.position;
  if (line.index > expected) {
    found.problems.push_back(
        {expected + 1,
         str(line.index - expected, " line(s) before this one are missing: its index is ",
             line.index, ", ", expected, " was expected")});
  } else if (line.index < expected) {
    found.problems.push_back({expected + 1, str("stands in the wrong place: its index is ",
                                                line.index, ", ", expected, " was expected")});
  } else if (line.previous != chain.last_hash) {
    found.problems.push_back(
        {expected + 1, "is not bound to the line before: one of the two was replaced"});
  }
}

void check_remarks(const AuditLine& line, int64_t number, Verification& found) {
  if (line.details.contains("missing_before")) {
    const auto& missing = line.details["missing_before"];
    found.problems.push_back(
        {number, str("when it was written the head said ", dump_json(missing["head_lines"]),
                     " lines, and ", dump_json(missing["lines"]), " were there")});
  }
  if (line.details.contains("head"))
    found.problems.push_back({number, "when it was written the head could not be read"});
  if (line.event == "recovered")
    found.notes.push_back(str("line ", number,
                              ": a process was killed while it wrote a line, which "
                              "was cut off before anything relied on it"));
}

void check_line(std::string_view text, Chain& chain, Verification& found) {
  const auto number = chain.position + 1;
  std::optional<Json> json;
  try {
    json = parse_json(text, "");
  } catch (const UserError&) {
    found.problems.push_back({number, "was altered: it is not JSON"});
  }
  const auto line = json ? parse_audit_line(*json) : std::nullopt;
  if (json && !line) found.problems.push_back({number, "was altered: its fields are not a line's"});
  if (line) {
    if (line_hash(*json) != line->sha256 || canonical_json(*json) != text)
      found.problems.push_back({number, "was altered: its hash is not that of its content"});
    check_order(*line, chain, found);
    check_remarks(*line, number, found);
    chain.lines.push_back(*line);
  }
  chain.last_hash = line ? line->sha256 : sha256(text);
  chain.position = line && line->index > chain.position ? line->index + 1 : chain.position + 1;
  chain.hashes.push_back(chain.last_hash);
}

Chain check_lines(const std::string& text, Verification& found) {
  Chain chain;
  size_t begin = 0;
  while (begin < text.size()) {
    const auto end = text.find('\n', begin);
    if (end == std::string::npos) {
      found.problems.push_back(
          {chain.position + 1,
           "is cut off: the last line does not end (a writer that was killed, or "
           "somebody who shortened the file)"});
      break;
    }
    check_line(std::string_view(text).substr(begin, end - begin), chain, found);
    begin = end + 1;
  }
  return chain;
}

void check_head(const AuditTrail::Snapshot& snapshot, const Chain& chain, Verification& found) {
  const auto lines = std::ssize(chain.hashes);
  const auto& head = snapshot.head;
  if (!snapshot.head_error.empty()) found.problems.push_back({0, snapshot.head_error});
  if (!head) {
    // A process that is killed after the very first line leaves none either.
    if (lines > 1 && snapshot.head_error.empty())
      found.problems.push_back(
          {0, "audit.head is missing: whether lines at the end are, cannot be told"});
    return;
  }
  if (head->lines > lines) {
    found.problems.push_back({0, str(head->lines - lines,
                                     " line(s) at the end are missing: the head "
                                     "counts ",
                                     head->lines, ", the trail has ", lines)});
  } else if (head->lines < 1 ||
             chain.hashes[static_cast<size_t>(head->lines - 1)] != head->sha256) {
    found.problems.push_back({0, str("line ", head->lines, " is not the one that the head names")});
  } else if (head->lines < lines) {
    found.notes.push_back(str("the head is ", lines - head->lines,
                              " line(s) behind: its writer was killed, or is writing now"));
  }
}

void check_noted_head(const std::string& noted, const Chain& chain, Verification& found) {
  if (std::ranges::find(chain.hashes, noted) != chain.hashes.end()) return;
  found.problems.push_back({0, str("no line has the hash ", excerpt(noted, 64),
                                   " that was noted: the trail was shortened or rewritten since")});
}

struct Claim {
  int64_t line;  // that makes it
  std::string sha256;
};

bool is_within(const std::string& path, const std::string& folder) {
  return !folder.empty() && path.starts_with(folder + "/");
}

// What the newest line about each file says.  A run that starts (again) in a folder will write its
// files anew.
std::map<std::string, Claim> newest_claims(const std::vector<AuditLine>& lines) {
  std::map<std::string, Claim> claims;
  for (const auto& line : lines) {
    if (line.event == "run_started")
      std::erase_if(claims,
                    [&](const auto& claim) { return is_within(claim.first, line.subject); });
    for (const auto& made : line.artefacts)
      claims[made.path.generic_string()] = {line.index + 1, made.sha256};
  }
  return claims;
}

void check_artefacts(const AuditTrail& trail, const Chain& chain, Verification& found,
                     Reporter& reporter) {
  const auto claims = newest_claims(chain.lines);
  int64_t done = 0;
  for (const auto& [name, claim] : claims) {
    reporter.progress("hashing files", ++done, std::ssize(claims), "files", name);
    const auto path = trail.path_of(name);
    if (!fs::is_regular_file(path)) {
      ++found.artefacts_gone;
    } else if (sha256_file(path) != claim.sha256) {
      found.problems.push_back({claim.line, str(name,
                                                " is no longer the file that it names: its "
                                                "content has changed")});
    } else {
      ++found.artefacts_sound;
    }
  }
  reporter.finish_progress();
}

}  // namespace

Verification verify(const AuditTrail& trail, const VerifyOptions& options, Reporter& reporter) {
  if (!fs::exists(trail.file())) {
    throw UserError(str(trail.file().string(),
                        ": there is no audit trail; `train` begins one beside "
                        "its run folder (--root names the folder)"));
  }
  Verification found;
  const auto snapshot = trail.snapshot();
  const auto chain = check_lines(snapshot.text, found);
  check_head(snapshot, chain, found);
  for (const auto& noted : options.heads) check_noted_head(noted, chain, found);
  found.head = {.lines = std::ssize(chain.hashes), .sha256 = chain.last_hash};
  if (options.artefacts) check_artefacts(trail, chain, found, reporter);
  return found;
}

}  // namespace tunewright::observe
