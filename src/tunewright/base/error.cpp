#include "tunewright/base/error.h"

#include "tunewright/base/str.h"

namespace tunewright {

void fail_assertion(const char* expression, const char* file, int line) {
  throw InternalError(str(file, ":", line, ": assertion failed: ", expression));
}

std::string full_message(const std::exception& error) {
  std::string message = error.what();
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& inner) {
    message += ": " + full_message(inner);
  }
  return message;
}

}  // namespace tunewright
