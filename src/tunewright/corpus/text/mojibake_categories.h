#pragma once
#include <cstdint>

#include "tunewright/corpus/text/mojibake_tables.h"

namespace tunewright::corpus {

// The MojibakeCategory bits of a character; 0 for most.
uint32_t mojibake_category(char32_t point);

}  // namespace tunewright::corpus
