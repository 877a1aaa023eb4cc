#include "tunewright/corpus/build/manifest.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/corpus/build/pass.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kMostFiles = 1000;  // that are listed one by one

constexpr const char* kUnreadable = "unreadable";

bool is_forbidden(const std::string& path) {
  return ::access(path.c_str(), R_OK) != 0 && errno == EACCES;
}

// Piece by piece: a mapped file would count as memory of the process.
std::string hash_of(const InputFile& file) {
  std::ifstream stream(file.path, std::ios::binary);
  if (!stream) throw UserError(str(file.path, ": can no longer be read"));
  Sha256 hash;
  int64_t bytes = 0;
  std::string piece(1 << 20, '\0');
  while (stream) {
    stream.read(piece.data(), std::ssize(piece));
    hash.update(std::string_view(piece).substr(0, static_cast<size_t>(stream.gcount())));
    bytes += stream.gcount();
  }
  if (bytes != file.bytes)
    throw UserError(str(file.path, ": has changed since the build began; build again"));
  return hash.hex_digest();
}

// A file without permission was set aside when it should have been read; the others make the build.
std::string hash_of_source(const InputFile& file) {
  return is_forbidden(file.path) ? kUnreadable : hash_of(file);
}

std::vector<std::string> hash_all(const ManifestInput& input, Reporter& reporter) {
  std::vector<std::string> hashes;
  OrderedWorkers<InputFile, std::string> workers(input.workers, hash_of_source);
  int64_t done = 0;
  const auto take = [&] {
    done += input.input.files[hashes.size()].bytes;
    hashes.push_back(workers.take());
    reporter.progress("hashing sources", done, input.input.bytes, "B", "");
  };
  for (const auto& file : input.input.files) {
    check_stop();
    if (workers.is_full()) take();
    workers.put(file);
  }
  while (!workers.is_empty()) take();
  reporter.finish_progress();
  return hashes;
}

// A source's hash is that of the lines "HASH  PATH" of its files, as sha256sum writes them
// (with "unreadable" for a file without permission).
Json sources_json(const ManifestInput& input, Reporter& reporter) {
  const auto hashes = hash_all(input, reporter);
  const auto& sources = input.recipe["sources"];
  Json list = Json::array();
  for (size_t s = 0; s < sources.size(); ++s) {
    Json files = Json::array();
    std::string lines;
    int64_t bytes = 0, count = 0;
    for (size_t f = 0; f < hashes.size(); ++f) {
      const auto& file = input.input.files[f];
      if (file.source != s) continue;
      ++count;
      bytes += file.bytes;
      lines += str(hashes[f], "  ", file.path, "\n");
      if (files.size() < kMostFiles)
        files.push_back({{"path", file.path},
                         {"bytes", file.bytes},
                         {"sha256", hashes[f] == kUnreadable ? Json(nullptr) : Json(hashes[f])}});
    }
    Json source = {{"path", sources[s]["path"]},
                   {"count", count},
                   {"bytes", bytes},
                   {"sha256", sha256(lines)}};
    if (std::ssize(files) == count) source["files"] = std::move(files);
    list.push_back(std::move(source));
  }
  return list;
}

Json outputs_json(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  Json list = Json::array();
  for (const auto& file : files) {
    const InputFile whole{.path = file.string(),
                          .bytes = static_cast<int64_t>(fs::file_size(file))};
    list.push_back(
        {{"path", file.filename().string()}, {"bytes", whole.bytes}, {"sha256", hash_of(whole)}});
  }
  return list;
}

}  // namespace

Json build_manifest(const ManifestInput& input, Reporter& reporter) {
  auto sources = sources_json(input, reporter);
  return {{"tunewright", version()},       {"program_sha256", program_sha256()},
          {"recipe", input.recipe},        {"recipe_sha256", sha256(dump_json(input.recipe))},
          {"sources", std::move(sources)}, {"outputs", outputs_json(input.folder)}};
}

}  // namespace tunewright::corpus
