#pragma once
#include <stdexcept>
#include <string>

namespace tunewright {

// The input or the machine does not allow it: a bad file, key or row, a full disk, a diverged run.
// One clear message: what, where, limit, got, next step.  The program ends with status 2.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A bug in tunewright.  The program ends with status 1.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_assertion(const char* expression, const char* file, int line);

// The message of `error` and of every exception nested in it, outermost first, joined by ": ".
std::string full_message(const std::exception& error);

}  // namespace tunewright

// For bugs only; bad input throws UserError.
#define TUNEWRIGHT_ASSERT(expression) \
  ((expression) ? void(0) : ::tunewright::fail_assertion(#expression, __FILE__, __LINE__))
