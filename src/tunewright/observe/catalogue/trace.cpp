#include "tunewright/observe/catalogue/trace.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

// The object under a key; an empty one where it is missing or null.
Json section(const Json& object, const char* key) {
  auto found = object.value(key, Json());
  return found.is_object() ? found : Json::object();
}

constexpr int kDeepest = 20;  // adapters made from adapters
constexpr size_t kShortestHash = 6;

std::string state_of(const fs::path& file, const std::string& sha256) {
  if (!fs::is_regular_file(file)) return "gone";
  return sha256_file(file) == sha256 ? "unchanged" : "changed";
}

struct DataFile {
  std::string path, sha256, role;
};

std::vector<DataFile> data_files(const Json& manifest) {
  std::vector<DataFile> files;
  const auto data = section(manifest, "data");
  for (const auto& file : data.value("files", Json::array()))
    files.push_back(
        {file.value("path", ""), file.value("sha256", ""), file.value("role", "train")});
  return files;
}

// A trail's lines; what they name relative to the trail's folder is named as the process sees it.
std::vector<AuditLine> lines_of(const AuditTrail& trail) {
  auto lines = trail.read();
  for (auto& line : lines) {
    for (auto* files : {&line.inputs, &line.artefacts}) {
      for (auto& file : *files) file.path = trail.path_of(file.path.generic_string());
    }
    if (!line.subject.empty()) line.subject = trail.path_of(line.subject).string();
    if (const auto out = line.details.value("out", ""); !out.empty())
      line.details["out"] = trail.path_of(out).string();
  }
  return lines;
}

class Tracer {
 public:
  Tracer(const std::vector<RunRecord>& runs, const std::vector<AuditTrail>& trails) {
    for (const auto& trail : trails) std::ranges::move(lines_of(trail), std::back_inserter(lines_));
    for (const auto& run : runs) {
      const auto weights = artefacts_of(weight_files(run.path));
      runs_.push_back({.path = run.path,
                       .name = run.name,
                       .note = note_of(run),
                       .manifest = read_or_empty(run.path / "manifest.json"),
                       .weights = weights});
    }
  }

  Trace trace(const std::string& what) {
    if (const auto* run = run_at(what)) return of_run(*run);
    if (fs::is_directory(what)) return of_folder(what);
    if (fs::is_regular_file(what)) return of_hash(sha256_file(what), what);
    return of_hash_prefix(what);
  }

 private:
  struct Run {
    fs::path path;
    std::string name, note;
    Json manifest;
    std::vector<Artefact> weights;
  };

  static std::string note_of(const RunRecord& run) {
    auto note = run.facts.value("status", "");
    if (run.facts.value("eval_loss", Json()).is_number())
      note += ", eval_loss " + fact_text(run.facts["eval_loss"]);
    return note;
  }

  const Run* run_at(const std::string& what) const {
    const auto folder = fs::is_directory(what) ? run_of(what) : fs::path();
    for (const auto& run : runs_) {
      std::error_code code;
      if (run.name == what || (!folder.empty() && fs::equivalent(folder, run.path, code)))
        return &run;
    }
    return nullptr;
  }
  const Run* run_of_weights(const std::string& sha256) const {
    for (const auto& run : runs_) {
      if (std::ranges::any_of(run.weights, [&](const Artefact& w) { return w.sha256 == sha256; }))
        return &run;
    }
    return nullptr;
  }

  TraceNode node_of(const Run& run) const {
    return {.kind = "run",
            .name = run.path.string(),
            .sha256 = run.weights.empty() ? "" : run.weights.front().sha256,
            .note = run.note};
  }

  // --- backward ---

  TraceNode backward(const Run& run, int depth = 0) {
    auto node = node_of(run);
    const auto base = section(run.manifest, "base_model");
    if (!base.empty()) {
      node.next.push_back({.kind = "base model",
                           .name = base.value("path", ""),
                           .sha256 = base.value("fingerprint_sha256", ""),
                           .state = fs::exists(base.value("path", "")) ? "" : "gone"});
    }
    const auto start = section(run.manifest, "adapter");
    if (start.contains("sha256") && depth < kDeepest) {
      const auto* parent = run_of_weights(start["sha256"].get<std::string>());
      node.next.push_back(parent ? backward(*parent, depth + 1)
                                 : TraceNode{.kind = "adapter it starts from",
                                             .name = start.value("path", ""),
                                             .sha256 = start["sha256"].get<std::string>()});
    }
    for (const auto& file : data_files(run.manifest)) node.next.push_back(data_node(file));
    return node;
  }

  // A data file, and the sources that `data build` made it from.
  TraceNode data_node(const DataFile& file) {
    TraceNode node{.kind = file.role == "eval" ? "evaluation data" : "data",
                   .name = file.path,
                   .sha256 = file.sha256,
                   .state = state_of(file.path, file.sha256)};
    const auto build = read_or_empty(fs::path(file.path).parent_path() / "manifest.json");
    const auto outputs = build.value("outputs", Json::array());
    const bool made_here = std::ranges::any_of(
        outputs, [&](const Json& out) { return out.value("sha256", "") == file.sha256; });
    if (!made_here) return node;
    for (const auto& source : build.value("sources", Json::array())) {
      node.next.push_back({.kind = "source",
                           .name = source.value("path", ""),
                           .sha256 = source.value("sha256", ""),
                           .note = str(source.value("count", 0), " files")});
    }
    return node;
  }

  // --- forward ---

  TraceNode forward(const Run& run, int depth = 0) {
    auto node = node_of(run);
    std::set<std::string> hashes;
    for (const auto& weights : run.weights) hashes.insert(weights.sha256);
    add_uses(hashes, node);
    for (const auto& other : runs_) {
      const auto start = section(other.manifest, "adapter").value("sha256", "");
      if (depth < kDeepest && hashes.contains(start))
        node.next.push_back(forward(other, depth + 1));
    }
    return node;
  }

  // What the trail knows to be made from, or said about, files with these hashes.
  void add_uses(const std::set<std::string>& hashes, TraceNode& node, int depth = 0) {
    for (const auto& line : lines_) {
      std::set<std::string> roles;
      for (const auto& input : line.inputs) {
        if (hashes.contains(input.sha256)) roles.insert(input.role);
      }
      if (roles.empty() || line.event == "run_started" || line.event == "run_finished") continue;
      auto use = use_of(line);
      const bool is_about = roles.contains("model") || roles.contains("");
      for (const auto* role : {"baseline", "judge"}) {
        if (!is_about && roles.contains(role)) use.note += str(", as the ", role);
      }
      std::set<std::string> made;
      for (const auto& artefact : line.artefacts) made.insert(artefact.sha256);
      const bool goes_on =
          std::ranges::none_of(made, [&](const auto& h) { return hashes.contains(h); });
      if (depth < kDeepest && goes_on && !made.empty()) add_uses(made, use, depth + 1);
      node.next.push_back(std::move(use));
    }
  }

  TraceNode use_of(const AuditLine& line) const {
    TraceNode use{.kind = line.event, .note = line.time};
    if (line.details.contains("by")) {
      use.name = str("by ", line.details.value("by", ""));
      if (const auto note = line.details.value("note", ""); !note.empty()) use.name += ": " + note;
    } else if (line.details.contains("out")) {
      use.name = line.details.value("out", "");
    } else if (!line.artefacts.empty()) {
      use.name = line.artefacts.front().path.string();
    }
    if (!line.artefacts.empty()) use.sha256 = line.artefacts.front().sha256;
    if (line.details.contains("passed") && !line.details["passed"].is_null())
      use.note += line.details["passed"] == true ? ", gates passed" : ", gates failed";
    return use;
  }

  // --- where to begin ---

  Trace of_run(const Run& run) { return {.backward = backward(run), .forward = forward(run)}; }

  // A merged model, or another folder of files that the trail knows.
  Trace of_folder(const fs::path& folder) {
    const auto files = artefacts_of(weight_files(folder));
    for (const auto& file : files) {
      if (knows(file.sha256)) return of_hash(file.sha256, folder.string());
    }
    throw UserError(str(folder.string(),
                        ": no run, and neither a manifest nor the audit trail knows "
                        "its files"));
  }

  bool knows(const std::string& hash) const {
    return std::ranges::any_of(lines_, [&](const AuditLine& line) {
      return std::ranges::any_of(line.artefacts,
                                 [&](const Artefact& a) { return a.sha256 == hash; });
    });
  }

  Trace of_hash(const std::string& hash, const std::string& name) {
    if (const auto* run = run_of_weights(hash)) return of_run(*run);
    Trace result{.backward = {.kind = "file", .name = name, .sha256 = hash},
                 .forward = {.kind = "file", .name = name, .sha256 = hash}};
    for (const auto& line : lines_) {
      const bool made =
          std::ranges::any_of(line.artefacts, [&](const Artefact& a) { return a.sha256 == hash; });
      if (made) add_makers(line, result.backward);
    }
    for (const auto& run : runs_) {
      for (const auto& file : data_files(run.manifest)) {
        if (file.sha256 != hash) continue;
        result.backward.next = data_node(file).next;
        result.forward.next.push_back(forward(run));
        break;
      }
    }
    add_uses({hash}, result.forward);
    if (result.backward.next.empty() && result.forward.next.empty()) {
      throw UserError(
          str(name, ": neither a manifest nor the audit trail knows its content (", hash, ")"));
    }
    return result;
  }

  // What a line's artefacts were made from.
  void add_makers(const AuditLine& line, TraceNode& node) {
    TraceNode maker{.kind = line.event, .name = line.subject, .note = line.time};
    std::set<const Run*> seen;
    for (const auto& input : line.inputs) {
      const auto* run = run_of_weights(input.sha256);
      if (run && seen.insert(run).second) maker.next.push_back(backward(*run));
      if (!run)
        maker.next.push_back({.kind = "file", .name = input.path.string(), .sha256 = input.sha256});
    }
    node.next.push_back(std::move(maker));
  }

  Trace of_hash_prefix(const std::string& what) {
    std::map<std::string, std::string> found;  // hash: name
    const auto consider = [&](const std::string& hash, const std::string& name) {
      if (what.size() >= kShortestHash && hash.starts_with(what)) found.emplace(hash, name);
    };
    for (const auto& run : runs_) {
      for (const auto& weights : run.weights) consider(weights.sha256, weights.path.string());
      for (const auto& file : data_files(run.manifest)) consider(file.sha256, file.path);
    }
    for (const auto& line : lines_) {
      for (const auto& one : line.artefacts) consider(one.sha256, one.path.string());
    }
    if (found.empty()) {
      throw UserError(str(what,
                          ": is neither a run, nor a file, nor the beginning of a hash that "
                          "manifests or the audit trail know; `runs list` names the runs"));
    }
    if (found.size() > 1)
      throw UserError(str(what, ": ", found.size(), " hashes begin so; give more digits"));
    return of_hash(found.begin()->first, found.begin()->second);
  }

  std::vector<AuditLine> lines_;
  std::vector<Run> runs_;
};

void write_tree(const TraceNode& node, const std::string& before, std::string& text) {
  text += str(node.kind, node.name.empty() ? "" : " ", without_controls(node.name));
  if (!node.sha256.empty()) text += str("  ", node.sha256.substr(0, 12));
  if (!node.state.empty()) text += str("  [", node.state, "]");
  if (!node.note.empty()) text += str("  (", without_controls(node.note), ")");
  text += "\n";
  for (size_t i = 0; i < node.next.size(); ++i) {
    const bool last = i + 1 == node.next.size();
    text += before + (last ? "└─ " : "├─ ");
    write_tree(node.next[i], before + (last ? "   " : "│  "), text);
  }
}

}  // namespace

Trace trace(const std::string& what, const std::vector<RunRecord>& runs,
            const std::vector<AuditTrail>& trails) {
  return Tracer(runs, trails).trace(what);
}

Json trace_json(const TraceNode& node) {
  Json json = {{"kind", node.kind}, {"name", node.name}};
  if (!node.sha256.empty()) json["sha256"] = node.sha256;
  if (!node.state.empty()) json["state"] = node.state;
  if (!node.note.empty()) json["note"] = node.note;
  if (!node.next.empty()) {
    json["next"] = Json::array();
    for (const auto& next : node.next) json["next"].push_back(trace_json(next));
  }
  return json;
}

std::string trace_text(const TraceNode& node) {
  std::string text;
  write_tree(node, "", text);
  return text;
}

}  // namespace tunewright::observe
