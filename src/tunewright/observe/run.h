#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"

namespace tunewright::observe {

// The folder of a training run: names of its files, metrics, manifest (see the user guide, "The run
// folder").
class RunFolder {
 public:
  enum class Mode { kNew, kOverwrite, kResume };

  // Whether `path` holds a run already: a configuration, metrics or checkpoints.
  static bool holds_run(const std::filesystem::path& path);
  // kNew: a folder that holds a run already is a UserError naming --resume and --overwrite.
  static void require_usable(const std::filesystem::path& path, Mode mode);
  // require_usable(), then: kOverwrite removes the run's files (and no others); kResume removes
  // what a killed process left half-written, and starts a new run where there is none.
  static RunFolder open(const std::filesystem::path& path, Mode mode);
  // To read what is there; nothing is touched.
  static RunFolder at(const std::filesystem::path& path) { return RunFolder(path); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config_file() const { return path_ / "config.yaml"; }
  std::filesystem::path manifest_file() const { return path_ / "manifest.json"; }
  std::filesystem::path metrics_file() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path ledger_file() const { return path_ / "ledger.jsonl"; }
  std::filesystem::path adapter_folder() const { return path_ / "adapter"; }
  std::filesystem::path model_folder() const { return path_ / "model"; }
  std::filesystem::path checkpoints_folder() const { return path_ / "checkpoints"; }
  std::filesystem::path report_file() const {
    return path_ / "report.json";
  }  // written last: the run is finished
  std::filesystem::path report_page() const { return path_ / "report.html"; }
  std::filesystem::path card_file() const { return path_ / "README.md"; }

  // Appends a line to metrics.jsonl, flushed at once.
  void log_metrics(const Json& line);
  // Is told each line before it is written, on the thread that logs it.
  void on_metrics(std::function<void(const Json&)> listener) { listener_ = std::move(listener); }
  // Cuts metrics.jsonl back to lines whose "step" is at most `step`; kBeforeEvaluation leaves out
  // an evaluation of that step too.
  enum class CutBack { kAfterEvaluation, kBeforeEvaluation };
  void rewind_metrics(int64_t step, CutBack where = CutBack::kAfterEvaluation);
  // A last line cut off by a killed process is left out.
  std::vector<Json> read_metrics() const;

  // Complete checkpoints ("step-000050"), newest last.
  std::vector<std::filesystem::path> checkpoints() const;
  static std::string checkpoint_name(int64_t step);

 private:
  explicit RunFolder(std::filesystem::path path);
  std::filesystem::path path_;
  std::unique_ptr<LineWriter> metrics_;  // opened by the first line
  std::function<void(const Json&)> listener_;
};

// The object that a JSON or YAML file holds; an empty one where it is missing, damaged or no
// object.
Json read_or_empty(const std::filesystem::path& file);

}  // namespace tunewright::observe
