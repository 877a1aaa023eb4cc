#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"

namespace tunewright::eval {

// Names, sizes and times of a folder's files, a line each, to make a key of: another model in the
// same place is another model.
std::string stamp_of_files(const std::filesystem::path& folder);

// Removes what evaluations that were interrupted left in a folder, but not what complete ones did.
void remove_partial_results(const std::filesystem::path& folder);

// Results of the rows of a task as they come, a line each, so that an interrupted evaluation goes
// on where it was: {"part":"answers","row":3,"result":…} in a file named by what it depends on.
class PartialResults {
 public:
  // Keeps them in memory only.
  PartialResults() = default;
  // Goes on with `folder`/`name`-`key`.jsonl where it is there; a last line that was cut off is
  // dropped.  `key`: a hash of everything that the results depend on.
  PartialResults(const std::filesystem::path& folder, const std::string& name,
                 const std::string& key);

  const Json* find(const std::string& part, int64_t row) const;
  void add(const std::string& part, int64_t row, Json result);
  int64_t found() const { return found_; }  // so many were there at first

  // All is done: the file becomes `folder`/`name`.jsonl, the record of what the model gave.
  void complete();

 private:
  void read();

  std::filesystem::path path_, final_path_;
  std::map<std::pair<std::string, int64_t>, Json> results_;
  std::unique_ptr<LineWriter> writer_;
  int64_t found_ = 0;
};

}  // namespace tunewright::eval
