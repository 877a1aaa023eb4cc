#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::rows {

// The columns of a line: divided by tabs where it has one, else by spaces.
std::vector<std::string> conll_cells(std::string_view line);

}  // namespace tunewright::rows
