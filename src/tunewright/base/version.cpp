#include "tunewright/base/version.h"

#include "tunewright/base/hash.h"

namespace tunewright {

std::string_view version() { return "0.1.0"; }

const std::string& program_sha256() {
  static const std::string hash = sha256_file("/proc/self/exe");
  return hash;
}

}  // namespace tunewright
