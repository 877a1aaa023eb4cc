#pragma once
#include <filesystem>
#include <string_view>

namespace tunewright::observe {

// A file that another program follows while it grows: written through at once, never renamed.
class StreamFile {
 public:
  explicit StreamFile(const std::filesystem::path& path);  // its folder is made; an old file is cut
  StreamFile(const StreamFile&) = delete;
  StreamFile& operator=(const StreamFile&) = delete;
  ~StreamFile();
  void write(std::string_view bytes);  // a full disk is a UserError that names the file

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace tunewright::observe
