#pragma once
#include <string>
#include <string_view>

#include "tunewright/rows/source.h"

namespace tunewright::rows {

// How many bytes of a file detection looks at.
inline constexpr size_t kDetectBytes = size_t{1} << 16;

// By the name's extension, else by the first bytes.  What is neither known nor text is a UserError
// without place.
SourceFormat detect_source_format(std::string_view name, std::string_view begin);

// zip, tar, 7z, or anything compressed.
bool is_container(std::string_view name, std::string_view begin);

std::string source_format_name(SourceFormat format);

}  // namespace tunewright::rows
