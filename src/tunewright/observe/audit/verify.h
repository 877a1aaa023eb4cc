#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/observe/audit/audit.h"

namespace tunewright::observe {

struct VerifyOptions {
  std::vector<std::string> heads;  // Hashes of last lines that somebody noted, beside audit.head.
  bool artefacts = true;           // Whether files that lines name are hashed again.
};

struct AuditProblem {
  int64_t line = 0;  // from 1; 0: of the trail as a whole
  std::string text;
};

struct Verification {
  Head head;  // what to note elsewhere
  std::vector<AuditProblem> problems;
  std::vector<std::string> notes;  // what is worth knowing and no damage
  int64_t artefacts_sound = 0, artefacts_gone = 0;
  bool sound() const { return problems.empty(); }
};

// Finds altered, missing, reordered and cut-off lines, and files that are no longer what the newest
// line about them says.  A file that is gone is counted; one that was replaced by a later run in
// the same folder is not compared.  A trail that is not there is a UserError.
Verification verify(const AuditTrail& trail, const VerifyOptions& options, Reporter& reporter);

}  // namespace tunewright::observe
