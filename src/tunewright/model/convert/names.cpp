#include "tunewright/model/convert/names.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tunewright::model {
namespace {

struct Names {
  std::string_view gguf, hf;
};

constexpr std::array kWhole = {
    Names{"token_embd", "model.embed_tokens"},
    Names{"output_norm", "model.norm"},
    Names{"output", "lm_head"},
};

constexpr Names kBlock = {"blk.", "model.layers."};
constexpr std::array kInBlock = {
    Names{"attn_norm", "input_layernorm"},    Names{"attn_q", "self_attn.q_proj"},
    Names{"attn_k", "self_attn.k_proj"},      Names{"attn_v", "self_attn.v_proj"},
    Names{"attn_output", "self_attn.o_proj"}, Names{"attn_q_norm", "self_attn.q_norm"},
    Names{"attn_k_norm", "self_attn.k_norm"}, Names{"ffn_norm", "post_attention_layernorm"},
    Names{"ffn_gate", "mlp.gate_proj"},       Names{"ffn_up", "mlp.up_proj"},
    Names{"ffn_down", "mlp.down_proj"},
};

using Side = std::string_view Names::*;

template <class Table>
std::optional<std::string> look_up(const Table& table, std::string_view stem, Side from, Side to) {
  for (const auto& names : table) {
    if (names.*from == stem) return std::string(names.*to);
  }
  return std::nullopt;
}

std::optional<std::string> translate(std::string_view name, Side from, Side to) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto suffix = name.substr(dot);
  if (suffix != ".weight" && suffix != ".bias") return std::nullopt;
  const auto stem = name.substr(0, dot);
  if (!stem.starts_with(kBlock.*from)) {
    const auto whole = look_up(kWhole, stem, from, to);
    return whole ? std::optional(*whole + std::string(suffix)) : std::nullopt;
  }
  const auto rest = stem.substr((kBlock.*from).size());
  const auto digits = std::min(rest.find('.'), rest.size());
  const auto number = rest.substr(0, digits);
  const bool is_number =
      !number.empty() && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || digits == rest.size()) return std::nullopt;
  const auto inner = look_up(kInBlock, rest.substr(digits + 1), from, to);
  if (!inner) return std::nullopt;
  return std::string(kBlock.*to) + std::string(number) + "." + *inner + std::string(suffix);
}

}  // namespace

std::optional<std::string> hf_name_of(const std::string& gguf_name) {
  return translate(gguf_name, &Names::gguf, &Names::hf);
}

std::optional<std::string> gguf_name_of(const std::string& hf_name) {
  return translate(hf_name, &Names::hf, &Names::gguf);
}

}  // namespace tunewright::model
