// Parquet and Arrow, in builds without Arrow C++.
#include "tunewright/base/error.h"
#include "tunewright/rows/readers/reader.h"

namespace tunewright::rows {
namespace {

[[noreturn]] void refuse() {
  throw UserError(
      "Parquet and Arrow files are not read by this build, which has no Arrow C++; build with "
      "./dev build, which brings it, or convert the file to JSON Lines");
}

}  // namespace

void read_parquet(Input& /*input*/, Sink& /*sink*/) { refuse(); }
void read_arrow(Input& /*input*/, Sink& /*sink*/) { refuse(); }

}  // namespace tunewright::rows
