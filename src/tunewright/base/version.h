#pragma once
#include <string>
#include <string_view>

namespace tunewright {

std::string_view version();  // "0.1.0"

// SHA-256 of the running program's file, which is read once.
const std::string& program_sha256();

}  // namespace tunewright
