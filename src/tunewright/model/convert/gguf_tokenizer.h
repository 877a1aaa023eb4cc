#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/io/gguf.h"

namespace tunewright::model {

// The tokenizer files of a Hugging Face folder.
struct HfTokenizer {
  Json tokenizer;         // tokenizer.json
  Json config;            // tokenizer_config.json
  Json special_tokens;    // special_tokens_map.json
  std::string template_;  // chat_template.jinja; empty: the file has none
};

// From the metadata `tokenizer.*`: byte-level BPE ("gpt2") with the pre-tokenizer that
// tokenizer.ggml.pre names, or SentencePiece scores ("llama").  What is not known is a UserError
// that lists what is.
HfTokenizer hf_tokenizer(const io::GgufHeader& header, int64_t max_positions,
                         std::string_view where, Reporter& reporter);

// Merges that rebuild SentencePiece's choices from its scores: each way of cutting a piece in two
// pieces, the best pieces first.
std::vector<std::pair<std::string, std::string>> merges_of_scores(
    const std::vector<std::string>& pieces, const std::vector<double>& scores);

}  // namespace tunewright::model
