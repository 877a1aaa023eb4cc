#include "tunewright/rows/readers/reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;

void write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw UserError(str("cannot write ", path, ": ", std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void copy_to(int descriptor, ByteStream& stream, const std::string& path) {
  std::string block(kBlockBytes, '\0');
  while (const auto got = stream.read(block))
    write_all(descriptor, std::string_view(block).substr(0, got), path);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kLetters[group >> (18 - 6 * k) & 63];
  }
  return text;
}

}  // namespace

void Sink::row(Json fields, std::string line) {
  targets_.use(
      {.fields = std::move(fields), .source = source_, .row = row_++, .line = std::move(line)});
}

void Sink::set_aside(std::string reason) {
  targets_.set_aside({.source = source_, .row = row_++, .reason = std::move(reason)});
}

void Sink::note(const std::string& text) { targets_.note(str(source_, ": ", text)); }

void Sink::cut_off() {
  note("ends inside a character, in whose place U+FFFD stands");
  targets_.cut_off();
}

LocalFile::LocalFile(Input& input, const SourceOptions& options) : path_(input.path) {
  if (!path_.empty()) return;
  auto name = options.temporary_folder + "/tunewright-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0)
    throw UserError(str("cannot make a file in ", options.temporary_folder, ": ",
                        std::strerror(errno), "; set temporary_folder"));
  path_ = name;
  is_copy_ = true;
  try {
    copy_to(descriptor, input.stream, name);
  } catch (...) {
    ::close(descriptor);
    ::unlink(name.c_str());
    throw;
  }
  ::close(descriptor);
}

LocalFile::~LocalFile() {
  if (is_copy_) ::unlink(path_.c_str());
}

Json bytes_value(std::string_view bytes) {
  return text_problem(bytes) ? base64(bytes) : std::string(bytes);
}

}  // namespace tunewright::rows
