#pragma once
#include <string_view>

namespace tunewright {

std::string_view version();  // "0.1.0"

}  // namespace tunewright
