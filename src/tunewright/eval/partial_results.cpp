#include "tunewright/eval/partial_results.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {

std::string stamp_of_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::string stamp;
  for (const auto& file : files) {
    if (!fs::is_regular_file(file, error)) continue;
    stamp += str(file.filename().string(), " ", fs::file_size(file, error), " ",
                 fs::last_write_time(file, error).time_since_epoch().count(), "\n");
  }
  return stamp;
}

void remove_partial_results(const fs::path& folder) {
  // NAME.WHO-KEY.jsonl; a complete one is NAME.WHO.jsonl, in which '-' stands before a '.' at most.
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) files.push_back(entry.path());
  for (const auto& file : files) {
    const auto who = file.stem().extension().string();
    if (file.extension() == ".jsonl" && who.find('-') != std::string::npos) fs::remove(file, error);
  }
}

PartialResults::PartialResults(const fs::path& folder, const std::string& name,
                               const std::string& key)
    : path_(folder / str(name, "-", key, ".jsonl")), final_path_(folder / (name + ".jsonl")) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UserError(str(folder.string(), ": cannot make this folder: ", error.message()));
  read();
  writer_ = std::make_unique<LineWriter>(path_);
}

// What a killed process leaves is whole lines and at most one part of a line.
void PartialResults::read() {
  if (!fs::exists(path_)) return;
  std::string whole;
  LineReader reader(path_);
  while (const auto line = reader.next()) {
    const auto json = Json::parse(*line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("part") || !json.contains("row") ||
        !json.contains("result"))
      break;
    results_[{json["part"].get<std::string>(), json["row"].get<int64_t>()}] = json["result"];
    whole.append(*line).append("\n");
  }
  found_ = static_cast<int64_t>(results_.size());
  write_file_atomic(path_, whole);
}

const Json* PartialResults::find(const std::string& part, int64_t row) const {
  const auto it = results_.find({part, row});
  return it == results_.end() ? nullptr : &it->second;
}

void PartialResults::add(const std::string& part, int64_t row, Json result) {
  if (writer_) writer_->write(dump_json({{"part", part}, {"row", row}, {"result", result}}));
  results_[{part, row}] = std::move(result);
}

void PartialResults::complete() {
  if (!writer_) return;
  writer_.reset();
  std::error_code error;
  fs::rename(path_, final_path_, error);
  if (error) {
    throw UserError(str(path_.string(), ": cannot be renamed to ", final_path_.string(), ": ",
                        error.message()));
  }
}

}  // namespace tunewright::eval
