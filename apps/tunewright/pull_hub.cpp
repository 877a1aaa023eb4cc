// hf:org/name: the file list from the hub's API, then each file with resume and hash check.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"
#include "tunewright/model_folder.h"
#include "tunewright/pull_source.h"

namespace tunewright::app {
namespace {

constexpr const char* kIndexName = "model.safetensors.index.json";

struct RemoteFile {
  std::string name;
  int64_t bytes = -1;
  std::string sha256, git_blob;  // one of them, where the hub says it
};

struct Repository {
  std::string name, revision;
  std::map<std::string, RemoteFile> files;  // of the top folder
};

std::string url_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF", kPlain = "-._~/";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || kPlain.find(c) != std::string_view::npos;
    if (plain) {
      result += c;
    } else {
      result += '%';
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

bool is_plain_name(const std::string& text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-._/").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, allowed) &&
         std::ranges::count(text, '/') <= 1 && !text.starts_with('/') && !text.ends_with('/') &&
         text.find("..") == std::string::npos;
}

RemoteFile remote_file(const Json& sibling, const std::string& where) {
  if (!sibling.is_object() || !sibling.contains("rfilename") || !sibling["rfilename"].is_string()) {
    throw UserError(str(where, ": the hub's list of files has an entry without 'rfilename': ",
                        excerpt(dump_json(sibling))));
  }
  RemoteFile file{.name = sibling["rfilename"].get<std::string>()};
  if (sibling.contains("size") && sibling["size"].is_number_unsigned())
    file.bytes = sibling["size"].get<int64_t>();
  const auto lfs = sibling.value("lfs", Json());
  if (!lfs.is_object()) {
    if (sibling.contains("blobId") && sibling["blobId"].is_string())
      file.git_blob = sibling["blobId"].get<std::string>();
    return file;
  }
  for (const auto* key : {"sha256", "oid"}) {
    if (lfs.contains(key) && lfs[key].is_string()) file.sha256 = lfs[key].get<std::string>();
  }
  if (lfs.contains("size") && lfs["size"].is_number_unsigned())
    file.bytes = lfs["size"].get<int64_t>();
  return file;
}

Repository list_repository(const std::string& name, const std::string& revision,
                           const PullOptions& options) {
  const auto url = str(options.endpoint, "/api/models/", url_encoded(name), "/revision/",
                       url_encoded(revision), "?blobs=true");
  const auto json = parse_json(http_get(url, options.http), url);
  if (!json.is_object() || !json.contains("siblings") || !json["siblings"].is_array()) {
    throw UserError(str(url, ": the answer has no list 'siblings'; is this a Hugging Face hub?"));
  }
  Repository repository{.name = name, .revision = json.value("sha", revision)};
  for (const auto& sibling : json["siblings"]) {
    auto file = remote_file(sibling, url);
    // Only the top folder: others hold other formats.  This also keeps every name inside the
    // staging folder.
    if (file.name.find('/') == std::string::npos && !file.name.empty() && file.name[0] != '.')
      repository.files[file.name] = file;
  }
  return repository;
}

class Downloader {
 public:
  Downloader(const Repository& repository, const fs::path& staging, const PullOptions& options,
             Reporter& reporter)
      : repository_(repository), staging_(staging), options_(options), reporter_(reporter) {}

  fs::path get(const std::string& name) const {
    const auto& file = repository_.files.at(name);
    const auto url = str(options_.endpoint, "/", url_encoded(repository_.name), "/resolve/",
                         url_encoded(repository_.revision), "/", url_encoded(name));
    const HttpFile wanted{.url = url,
                          .out = staging_ / name,
                          .sha256 = file.sha256,
                          .git_blob = file.git_blob,
                          .bytes = file.bytes,
                          .label = name};
    if (!is_there(wanted)) http_download(wanted, options_.http, reporter_);
    return wanted.out;
  }

 private:
  // From an earlier try.
  static bool is_there(const HttpFile& file) {
    const bool has_hash = !file.sha256.empty() || !file.git_blob.empty();
    return has_hash && fs::exists(file.out) && difference_from(file, file.out).empty();
  }

  const Repository& repository_;
  const fs::path& staging_;
  const PullOptions& options_;
  Reporter& reporter_;
};

// The safetensors of the model itself: other variants may lie beside them.
std::set<std::string> weight_files(const Repository& repository, const Downloader& downloader) {
  if (!repository.files.contains(kIndexName)) return {"model.safetensors"};
  std::set<std::string> names;
  const auto index = read_json(downloader.get(kIndexName));
  const auto places = index.value("weight_map", Json::object());  // outlives the loop over it
  for (const auto& [tensor, file] : places.items()) {
    const auto name = file.is_string() ? file.get<std::string>() : "";
    if (!repository.files.contains(name)) {
      throw UserError(str(repository.name, ": its index names the file '", excerpt(name),
                          "', which is not there"));
    }
    names.insert(name);
  }
  return names;
}

Fetched fetch_folder(const Repository& repository, const fs::path& staging,
                     const Downloader& downloader) {
  // What an interrupted pull of another model left in `staging` is not linked.
  Fetched fetched{.path = staging, .revision = repository.revision};
  const auto weights = weight_files(repository, downloader);
  for (const auto& [name, file] : repository.files) {
    const bool wanted =
        name.ends_with(".safetensors") ? weights.contains(name) : belongs_to_model(name);
    if (!wanted) continue;
    downloader.get(name);
    fetched.names.insert(name);
  }
  return fetched;
}

}  // namespace

Fetched fetch_from_hub(const std::string& source, const fs::path& staging,
                       const PullOptions& options, Reporter& reporter) {
  const auto at = source.find('@');
  const auto name = source.substr(0, at);
  const auto revision = at == std::string::npos ? std::string("main") : source.substr(at + 1);
  if (!is_plain_name(name) || revision.empty() || revision.find("..") != std::string::npos) {
    throw UserError(str("hf:", excerpt(source), ": expected hf:org/name or hf:org/name@revision"));
  }
  const auto repository = list_repository(name, revision, options);
  const Downloader downloader(repository, staging, options, reporter);
  const auto& files = repository.files;
  const bool has_safetensors = files.contains("model.safetensors") || files.contains(kIndexName);
  if (has_safetensors && options.file.empty()) return fetch_folder(repository, staging, downloader);
  std::vector<std::string> ggufs;
  for (const auto& [file_name, file] : files) {
    if (file_name.ends_with(".gguf")) ggufs.push_back(file_name);
  }
  if (ggufs.empty()) {
    throw UserError(str("hf:", name, ": no safetensors and no .gguf among its ", files.size(),
                        " files; pickled weights (.bin, .pt) can run code and are not loaded"));
  }
  return {.path = downloader.get(choose_gguf(ggufs, options.file, "hf:" + name)),
          .revision = repository.revision};
}

}  // namespace tunewright::app
