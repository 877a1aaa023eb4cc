// An expression is read or refused, and gives a value for a row whatever it asks for.
#include "tunewright/base/error.h"
#include "tunewright/corpus/filters/expression.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tunewright;
  static const auto row = corpus::Document::parse(
      R"({"text":"Some words, 12 of them.","label":"ham","n":3.5,"meta":{"tags":["a","b"],"x":null}})");
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    corpus::Expression::parse(text).value(row);
  } catch (const UserError&) {
  }
  return 0;
}
