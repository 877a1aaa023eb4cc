// Any text comes out as valid UTF-8, with nothing left to repair.
#include "tunewright/base/error.h"
#include "tunewright/corpus/filters/normalise.h"
#include "tunewright/text/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tunewright;
  static const corpus::Normalise step({.collapse_spaces = true, .boilerplate = true});
  std::string text;
  text::append_lossy(text, {reinterpret_cast<const char*>(data), size});
  std::vector<std::string> reasons;
  const auto once = step.normalised(text, reasons);
  if (!text::is_valid_utf8(once)) throw InternalError("not valid UTF-8");
  return 0;
}
