// Reading and shaping of JSON Lines rows: only UserError may come out, and what is accepted is
// sound.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "tunewright/base/error.h"
#include "tunewright/rows/rows.h"

namespace {

using namespace tunewright;

void shape_in_every_format(const Json& row, const rows::RowPlace& place) {
  for (const auto& [name, format] : rows::kFormatNames) {
    try {
      const auto shaped = rows::to_row(row, format, place);
      TUNEWRIGHT_ASSERT(shaped.input_ids.size() == shaped.labels.size());
      TUNEWRIGHT_ASSERT(shaped.kind != rows::Row::Kind::kMessages || !shaped.messages.empty());
    } catch (const UserError&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto path = std::filesystem::temp_directory_path() /
                           ("tunewright_fuzz_jsonl_" + std::to_string(::getpid()));
  try {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    rows::for_each_row(
        path, [](const rows::RowPlace& place, Json&& row) { shape_in_every_format(row, place); });
  } catch (const UserError&) {
  }
  return 0;
}
