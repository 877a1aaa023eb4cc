#include "tunewright/base/version.h"

namespace tunewright {

std::string_view version() { return "0.1.0"; }

}  // namespace tunewright
