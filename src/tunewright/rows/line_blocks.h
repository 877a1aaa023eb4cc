#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace tunewright::rows {

// Consecutive lines as they stand in the file.  Movable: the bytes keep their place.
struct LineBlock {
  std::vector<char> bytes;
  std::vector<std::string_view> lines;  // of `bytes`, without the ends; blank ones are left out
  int64_t first_row = 0;                // number of the first of them, from 0
};

// Calls `use` for blocks of about `block_bytes`, in order: the fast way through a large file, whose
// work can be shared among threads.  The lines, and the errors, are those of for_each_raw_row; what
// gzip, zstd, xz or bzip2 has compressed is read too.
void for_each_line_block(const std::filesystem::path& file, size_t block_bytes,
                         const std::function<void(LineBlock&&)>& use);

// The first line of a file without a byte order mark.  A binary format that is none of lines is a
// UserError.
std::string_view checked_first_line(const std::filesystem::path& file, std::string_view line);

}  // namespace tunewright::rows
