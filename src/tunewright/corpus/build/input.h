#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/build/recipe.h"
#include "tunewright/rows/source.h"

namespace tunewright::corpus {

// Files of a recipe's input that are read together, or one that is read alone.
struct Unit {
  size_t source = 0;  // which of the recipe's
  rows::SourceOptions options;
  std::vector<rows::SourceOptions> reads;  // one a file
  int64_t bytes = 0;
  // A unit small enough for one job of an array: no other one opens its files.
  bool is_whole = true;
  std::vector<rows::SetAside> failed;  // what could not even be opened
};

// A file that rows are read from, as it was found.
struct InputFile {
  size_t source = 0;
  std::string path;
  int64_t bytes = 0;
  int64_t modified = 0;  // nanoseconds, of the file system's clock
};

struct Input {
  std::vector<Unit> units;
  std::vector<InputFile> files;  // databases behind a server are none
  int64_t bytes = 0;
};

// What the sources of a recipe name, in the order in which it is read.  A file that lies in the
// recipe's own output folder is a UserError.
Input find_input(const Recipe& recipe);

struct UnitReport {
  int64_t files = 0;
  int64_t cut_off = 0;  // files that end inside a character
  std::map<std::string, int64_t> formats;
  std::vector<std::string> notes;
};

// Reads a unit's rows in order.  What `use` and `set_aside` throw comes out as it is; a file that
// cannot be read at all is set aside as its row 0.
UnitReport read_unit(const Unit& unit, const rows::UseRow& use, const rows::UseSetAside& set_aside);

}  // namespace tunewright::corpus
