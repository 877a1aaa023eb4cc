#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// The words of valid UTF-8 as Python's re.findall(r"\w+", text.lower()) gives them (of characters
// that Unicode 15, ICU's, knows).  `lowered` is room to work in, and holds the words; they are
// valid until it changes.
void lower_words(std::string_view text, std::string& lowered, std::vector<std::string_view>& words);

// A hash of each word, in order.
void hash_words(std::string_view text, std::string& lowered, std::vector<uint64_t>& hashes);

// A hash of each `size` words in a row, from the hashes of the words; none where there are fewer.
void hash_shingles(const std::vector<uint64_t>& words, int64_t size,
                   std::vector<uint64_t>& shingles);

}  // namespace tunewright::corpus
