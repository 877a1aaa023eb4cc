#pragma once
#include <memory>
#include <vector>

#include "tunewright/text/aligned_text.h"
#include "tunewright/text/json_node.h"

namespace tunewright::text {

// A normalised text and the words it is cut into so far.
struct Words {
  AlignedText text;
  std::vector<Range> pieces;
  bool opens_input = false;  // the text's first byte is the first of the whole input
};

// One step of pre-tokenization.  Immutable and thread-safe.
class PreTokenizerStep {
 public:
  virtual ~PreTokenizerStep() = default;
  virtual void apply(Words& words) const = 0;
};

struct PreTokenizer {
  std::vector<std::unique_ptr<const PreTokenizerStep>> steps;
  // The words are to be spelt as bytes (ByteLevel) after the last step; the model does that itself
  // where it can, otherwise append spell_bytes_step().
  bool spells_bytes_last = false;
};

// From tokenizer.json's "pre_tokenizer".
PreTokenizer parse_pre_tokenizer(const JsonNode& node);
std::unique_ptr<const PreTokenizerStep> spell_bytes_step();

}  // namespace tunewright::text
