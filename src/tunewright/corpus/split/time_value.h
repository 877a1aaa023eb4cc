#pragma once
#include <optional>

#include "tunewright/base/json.h"

namespace tunewright::corpus {

// Seconds since 1970 of a number (which is that already) or an ISO 8601 date, with or without a
// time ("2024-05-01", "2024-05-01T12:30:00.5+02:00"; no zone: UTC).  None: it is neither.
std::optional<double> time_value(const Json& value);

}  // namespace tunewright::corpus
