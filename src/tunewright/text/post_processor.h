#pragma once
#include <cstdint>
#include <vector>

#include "tunewright/text/json_node.h"

namespace tunewright::text {

// What a tokenizer adds by itself around one text.
struct PostProcessor {
  std::vector<int32_t> prefix;
  std::vector<int32_t> suffix;
};

// From tokenizer.json's "post_processor"; ids have to lie below `vocab_size`.
PostProcessor parse_post_processor(const JsonNode& node, int32_t vocab_size);

}  // namespace tunewright::text
