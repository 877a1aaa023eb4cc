#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tunewright/eval/lm_eval_config.h"
#include "tunewright/eval/python_random.h"

namespace tunewright::eval {

// Documents of a split: JSON objects with the same keys, null where a row lacks one.
using Docs = std::vector<Json>;

struct LmEvalDocs {
  Docs evaluated;
  Docs fewshot;                   // examples are drawn from them; empty where none are wanted
  std::set<std::string> columns;  // of `evaluated`
  std::string file;               // that `evaluated` came from
};

// Files that take the place of those that the task file names.
struct LmEvalFiles {
  std::string evaluated, fewshot;  // empty: the task file's
  int64_t limit = 0;               // of the evaluated documents; 0: all
};

// Reads JSON Lines, or a JSON list.  Paths are relative to the current folder, or else to the task
// file's.  `shots`: how many examples are wanted.
LmEvalDocs read_docs(const LmEvalConfig& config, const LmEvalFiles& files, int64_t shots);

// Draws examples as lm-evaluation-harness's samplers do with its seed, 1234: one document after the
// other, in order.
class ShotSampler {
 public:
  ShotSampler(const LmEvalConfig& config, const Docs& docs);
  // `count` documents for `doc`, which is none of them where both come from one split.
  std::vector<const Json*> sample(int64_t count, const Json& doc);

 private:
  std::vector<const Json*> without(const Json* doc, const std::vector<const Json*>& docs) const;

  const LmEvalConfig& config_;
  std::vector<const Json*> docs_;
  bool same_split_;
  PythonRandom random_;
};

}  // namespace tunewright::eval
