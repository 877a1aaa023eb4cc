#pragma once
#include <optional>
#include <string>

namespace tunewright::model {

// A weight's name in the other format, from one table ("blk.3.attn_q.weight" and
// "model.layers.3.self_attn.q_proj.weight"); none where the other has no such weight.
std::optional<std::string> hf_name_of(const std::string& gguf_name);
std::optional<std::string> gguf_name_of(const std::string& hf_name);

}  // namespace tunewright::model
