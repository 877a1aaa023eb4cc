#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/io/dtype.h"

namespace tunewright::io {

// A tensor's bytes where they lie; little-endian, row-major.  Borrowed from what made it.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

struct SafetensorsHeader {
  struct Entry {
    DType dtype = DType::kF32;
    std::vector<int64_t> shape;
    size_t begin = 0, end = 0;  // bytes from the file's start
  };
  std::map<std::string, Entry> tensors;
  std::map<std::string, std::string> metadata;
};

// Checks everything that the file says of itself (lengths, overlaps, holes, dtype × shape) before
// anything is used.  A lie is a UserError with the tensor, the limit and what was found.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, std::string_view where);

// One file, or a folder's model.safetensors, or its model.safetensors.index.json with all shards.
// Mapped into memory: nothing is read before it is used.
class Safetensors {
 public:
  static Safetensors open(const std::filesystem::path& file_or_folder);

  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  // A missing name is a UserError with the nearest one.
  TensorView get(const std::string& name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  struct Place {
    size_t file;
    SafetensorsHeader::Entry entry;
  };
  std::vector<MappedFile> files_;
  std::map<std::string, Place> places_;
  std::map<std::string, std::string> metadata_;
};

// Writes a file tensor by tensor, so that one at a time need be in memory.  Atomic: without
// finish() nothing is left.  Header padded to 8 bytes, as the safetensors library does.
class SafetensorsWriter {
 public:
  struct Entry {
    std::string name;
    DType dtype = DType::kF32;
    std::vector<int64_t> shape;
  };
  SafetensorsWriter(const std::filesystem::path& path, std::span<const Entry> entries,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
  void write(std::span<const std::byte> tensor);  // the next entry's bytes
  void finish();

 private:
  AtomicFile file_;
  std::vector<size_t> sizes_;
  size_t next_ = 0;
};

struct NamedTensor {
  std::string name;
  TensorView view;
};

// The same for tensors that are in memory.  Written in the order given.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace tunewright::io
