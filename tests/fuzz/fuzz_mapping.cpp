// Templates, values and parsing: a map of any text, on a row of any text.
#include <cstdint>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/rows/mapping.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tunewright;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = text.find('\n');
  const auto map = std::string(text.substr(0, end));
  const auto row =
      end == std::string_view::npos ? std::string() : std::string(text.substr(end + 1));
  try {
    const rows::Template any(map, "map");
    (void)any.render({{"a", row}, {"b", {{"c", {row, 1}}}}}, row);
  } catch (const UserError&) {
  }
  try {
    const auto fields = parse_json(row, "row");
    if (!fields.is_object()) return 0;
    for (const auto& [name, target] : rows::kTargetNames) {
      try {
        const auto guess = rows::guess_target(fields, target);
        if (guess.turn) (void)guess.turn(fields);
      } catch (const UserError&) {
      }
    }
  } catch (const UserError&) {
  }
  return 0;
}
