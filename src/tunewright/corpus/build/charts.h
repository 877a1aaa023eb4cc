#pragma once
#include <string>

#include "tunewright/base/json.h"

namespace tunewright::corpus {

// SVG of the report's page, with colours by class: left, gone, before, after, soft.

// A bar a step: how many rows are left, and how many it dropped.
std::string funnel_chart(const Json& steps);
// Rows by length, of two sets: lists of {"from", "rows"}.
std::string length_chart(const Json& before, const Json& after);
// A bar a name, the most frequent first.
std::string count_chart(const Json& counts);

// A step's summary as text to read, cut where it is long.
std::string excerpt_of_summary(const Json& summary);

}  // namespace tunewright::corpus
