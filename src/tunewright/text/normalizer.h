#pragma once
#include <memory>

#include "tunewright/text/aligned_text.h"
#include "tunewright/text/json_node.h"

namespace tunewright::text {

// Changes a text before it is cut into words.  Immutable and thread-safe.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(AlignedText& text) const = 0;
};

// From tokenizer.json's "normalizer".
std::unique_ptr<const Normalizer> parse_normalizer(const JsonNode& node);

}  // namespace tunewright::text
