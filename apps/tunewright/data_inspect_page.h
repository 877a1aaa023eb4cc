#pragma once
#include <string>
#include <vector>

#include "tunewright/rows/inspect.h"

namespace tunewright::app {

struct InspectedFile {
  std::string path;
  rows::Inspection found;
};

// One page without scripts or outside parts: figures, plots, columns and samples of each source.
std::string inspect_page(const std::vector<InspectedFile>& files);

}  // namespace tunewright::app
