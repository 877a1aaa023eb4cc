#pragma once
#include <string>
#include <string_view>
#include <vector>

// libphonenumber, behind two questions.  Thread-safe.
namespace tunewright::corpus::pii {

// Whether `number` is one that the numbering plan gives out; `region`: where it is dialled, "ZZ"
// where it carries its country.  About 20 microseconds.
bool is_valid_phone_number(std::string_view number, const std::string& region);

bool is_phone_region(const std::string& region);  // "US", "GB", …
std::vector<std::string> phone_regions();

}  // namespace tunewright::corpus::pii
