#include "tunewright/observe/run.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"

namespace tunewright::observe {
namespace {

constexpr std::string_view kCheckpointPrefix = "step-";
constexpr const char* kRunFiles[] = {
    "config.yaml",   "manifest.json", "metrics.jsonl", "ledger.jsonl", "report.json",
    "report.html",   "README.md",     "adapter",       "model",        "checkpoints",
    "tracking.json", "tensorboard",   "wandb"};

// The step of a complete checkpoint's folder name.
std::optional<int64_t> checkpoint_step(const std::string& name) {
  if (!name.starts_with(kCheckpointPrefix)) return std::nullopt;
  const auto digits = name.substr(kCheckpointPrefix.size());
  if (digits.empty() || digits.size() > 18) return std::nullopt;
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return std::stoll(digits);
}

void remove_entirely(const fs::path& path) {
  std::error_code code;
  fs::remove_all(path, code);
  if (code) throw UserError(str(path.string(), ": cannot remove: ", code.message()));
}

// Temporary names are those of AtomicFile and write_folder_atomic.
void remove_half_written(const fs::path& folder) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with('.') &&
        (name.find(".tmp-") != std::string::npos || name.find(".old-") != std::string::npos)) {
      leftovers.push_back(entry.path());
    }
  }
  for (const auto& path : leftovers) remove_entirely(path);
}

}  // namespace

bool RunFolder::holds_run(const fs::path& path) {
  return fs::exists(path / "config.yaml") || fs::exists(path / "metrics.jsonl") ||
         fs::exists(path / "checkpoints");
}

void RunFolder::require_usable(const fs::path& path, Mode mode) {
  if (fs::exists(path) && !fs::is_directory(path)) {
    throw UserError(str(path.string(), ": is a file; output_dir must name a folder"));
  }
  if (mode == Mode::kNew && holds_run(path)) {
    throw UserError(
        str(path.string(),
            ": holds a run already; continue it with --resume, replace it with --overwrite, ",
            "or choose another output_dir"));
  }
}

RunFolder RunFolder::open(const fs::path& path, Mode mode) {
  require_usable(path, mode);
  if (mode == Mode::kOverwrite) {
    for (const auto* name : kRunFiles) remove_entirely(path / name);
  }
  remove_half_written(path);
  remove_half_written(path / "checkpoints");
  return RunFolder(path);
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {}

void RunFolder::log_metrics(const Json& line) {
  if (listener_) listener_(line);
  if (!metrics_) metrics_ = std::make_unique<LineWriter>(metrics_file());
  metrics_->write(dump_json(line));
}

void RunFolder::rewind_metrics(int64_t step, CutBack where) {
  metrics_.reset();
  if (!fs::exists(metrics_file())) return;
  std::string kept;
  for (const auto& line : read_metrics()) {
    const auto of = line.value("step", int64_t{0});
    const bool undone = of == step && where == CutBack::kBeforeEvaluation;
    if (of <= step && !(undone && line.contains("eval_loss"))) kept += dump_json(line) + "\n";
  }
  write_file_atomic(metrics_file(), kept);
}

std::vector<Json> RunFolder::read_metrics() const {
  std::vector<Json> lines;
  if (!fs::exists(metrics_file())) return lines;
  LineReader reader(metrics_file());
  std::optional<UserError> torn;
  while (const auto text = reader.next()) {
    if (torn) throw *torn;
    try {
      lines.push_back(parse_json(*text, str(metrics_file().string(), ": line ", lines.size() + 1)));
    } catch (const UserError& error) {
      torn = error;
    }
  }
  return lines;
}

std::vector<fs::path> RunFolder::checkpoints() const {
  std::vector<std::pair<int64_t, fs::path>> found;
  if (fs::is_directory(checkpoints_folder())) {
    for (const auto& entry : fs::directory_iterator(checkpoints_folder())) {
      const auto step = checkpoint_step(entry.path().filename().string());
      if (step && entry.is_directory()) found.emplace_back(*step, entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::string RunFolder::checkpoint_name(int64_t step) {
  auto digits = std::to_string(step);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return str(kCheckpointPrefix, digits);
}

Json read_or_empty(const fs::path& file) {
  if (!fs::is_regular_file(file)) return Json::object();
  try {
    auto json = file.extension() == ".yaml" ? read_yaml(file) : read_json(file);
    return json.is_object() ? json : Json::object();
  } catch (const UserError&) {
    return Json::object();
  }
}

}  // namespace tunewright::observe
