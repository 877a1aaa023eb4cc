#include "tunewright/model/decoder.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/model/checkpoint.h"
#include "tunewright/model/kv_cache.h"
#include "tunewright/ops/ops.h"

namespace tunewright::model {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

// Hands out the weights one by one, each checked for its shape.
class WeightTaker {
 public:
  WeightTaker(WeightMap weights, const at::TensorOptions& options, const LinearStorage& storage)
      : weights_(std::move(weights)), options_(options), storage_(storage) {}

  at::Tensor take(const std::string& name, at::IntArrayRef shape) {
    return take_stored(name, shape).to(options_).contiguous();
  }
  ops::Weight take_linear(const std::string& name, at::IntArrayRef shape) {
    return storage_(name, take_stored(name, shape));
  }
  bool contains(const std::string& name) const { return weights_.contains(name); }

  // A tensor that nothing asked for means that config.json and weights are not of one model.
  void finish() const {
    for (const auto& [name, tensor] : weights_) {
      if (name.ends_with("rotary_emb.inv_freq"))
        continue;  // older checkpoints store what is computed
      throw UserError(tunewright::str("tensor '", name, "' ", tensor.sizes(),
                                      " is in the weights, but config.json has no place for it"));
    }
  }

 private:
  at::Tensor take_stored(const std::string& name, at::IntArrayRef shape) {
    const auto it = weights_.find(name);
    if (it == weights_.end()) {
      throw UserError(str("the weights have no tensor '", name, "', which config.json asks for",
                          suggestion(name, names())));
    }
    auto tensor = std::move(it->second);
    if (tensor.sizes() != shape) {
      throw UserError(tunewright::str("tensor '", name, "' has the shape ", tensor.sizes(),
                                      "; config.json asks for ", shape));
    }
    weights_.erase(it);
    return tensor;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : weights_) names.push_back(name);
    return names;
  }
  WeightMap weights_;
  at::TensorOptions options_;
  const LinearStorage& storage_;
};

Linear take_linear(WeightTaker& weights, const std::string& name, int64_t out, int64_t in,
                   bool bias) {
  Linear linear{.name = name, .weight = weights.take_linear(name + ".weight", {out, in})};
  if (bias) linear.bias = weights.take(name + ".bias", {out});
  return linear;
}

DecoderLayer take_layer(WeightTaker& weights, const DecoderConfig& c, size_t index) {
  const int64_t D = c.hidden_size, I = c.intermediate_size, E = c.head_dim;
  DecoderLayer layer{.prefix = str("model.layers.", index, "."), .window = c.windows[index]};
  layer.input_norm = weights.take(layer.prefix + "input_layernorm.weight", {D});
  layer.post_attention_norm = weights.take(layer.prefix + "post_attention_layernorm.weight", {D});
  const auto attention = layer.prefix + "self_attn.", mlp = layer.prefix + "mlp.";
  if (c.qk_norm) {
    layer.q_norm = weights.take(attention + "q_norm.weight", {E});
    layer.k_norm = weights.take(attention + "k_norm.weight", {E});
  }
  layer.q = take_linear(weights, attention + "q_proj", c.num_heads * E, D, c.qkv_bias);
  layer.k = take_linear(weights, attention + "k_proj", c.num_key_value_heads * E, D, c.qkv_bias);
  layer.v = take_linear(weights, attention + "v_proj", c.num_key_value_heads * E, D, c.qkv_bias);
  layer.o = take_linear(weights, attention + "o_proj", D, c.num_heads * E, c.o_bias);
  layer.gate = take_linear(weights, mlp + "gate_proj", I, D, c.mlp_bias);
  layer.up = take_linear(weights, mlp + "up_proj", I, D, c.mlp_bias);
  layer.down = take_linear(weights, mlp + "down_proj", D, I, c.mlp_bias);
  return layer;
}

// One stream of dropout masks for each layer of each pass.
uint64_t layer_seed(uint64_t seed, const std::string& name) {
  return Random(seed, stream_id(name)).next();
}

struct AttentionInput {
  at::Tensor q, k, v;  // [N, H, E], [N, K, E], [N, K, E]

  AttentionInput tokens(int64_t begin, int64_t end) const {
    return {q.slice(0, begin, end), k.slice(0, begin, end), v.slice(0, begin, end)};
  }
};

at::Tensor packed_attention(const PackedInput& input, const AttentionInput& all, double scale,
                            int64_t window) {
  if (input.continues.empty())
    return ops::span_attention(all.q, all.k, all.v, input.offsets, scale, window);
  const auto sequence = [&](size_t i) {
    return all.tokens(input.offsets[i], input.offsets[i + 1]);
  };
  const size_t first = input.offsets.size() - 1 - input.continues.size();
  const auto offsets = std::span(input.offsets).first(first + 1);
  const auto begun = all.tokens(0, offsets.back());
  std::vector<at::Tensor> parts = {
      ops::span_attention(begun.q, begun.k, begun.v, offsets, scale, window)};
  for (size_t i = first; i + 1 < input.offsets.size(); ++i) {
    std::vector<at::Tensor> k, v;  // of the sequence and all that it goes on from, the last first
    for (size_t link = i;; link = static_cast<size_t>(input.continues[link - first])) {
      const auto tokens = sequence(link);
      k.push_back(tokens.k);
      v.push_back(tokens.v);
      if (link < first) break;
    }
    std::ranges::reverse(k);
    std::ranges::reverse(v);
    parts.push_back(ops::cached_attention(sequence(i).q, at::cat(k), at::cat(v), scale, window));
  }
  return at::cat(parts);
}

// The same numbers, with a gradient of their own where they train.
void take_alias(at::Tensor& tensor) {
  if (tensor.defined() && tensor.requires_grad()) tensor = tensor.detach().set_requires_grad(true);
}

void take_alias(Linear& linear) {
  if (linear.weight.requires_grad()) {
    auto dense = linear.weight.dense();
    take_alias(dense);
    linear.weight = dense;
  }
  if (linear.bias) take_alias(*linear.bias);
  if (!linear.lora) return;
  take_alias(linear.lora->a);
  take_alias(linear.lora->b);
}

}  // namespace

Decoder::Decoder(Json config, WeightMap weights, const at::TensorOptions& options,
                 const LinearStorage& storage)
    : json_(std::move(config)),
      config_(decoder_config(json_)),
      dtype_(c10::typeMetaToScalarType(options.dtype())) {
  WeightTaker taker(std::move(weights), options, storage);
  embedding_ = taker.take(kEmbedding, {config_.vocab_size, config_.hidden_size});
  for (size_t i = 0; i < static_cast<size_t>(config_.num_layers); ++i)
    layers_.push_back(take_layer(taker, config_, i));
  norm_ = taker.take("model.norm.weight", {config_.hidden_size});
  head_ = embedding_;
  if (!config_.tied || taker.contains(kHead)) {
    // As transformers does: an own head beside tied embeddings counts where it differs.
    const auto own = taker.take(kHead, embedding_.sizes());
    if (!config_.tied || !own.equal(embedding_)) head_ = own;
  }
  taker.finish();
}

std::unique_ptr<CausalLm> Decoder::replica() const {
  auto copy = std::make_unique<Decoder>(*this);
  copy->observer_ = {};
  const bool tied = head_.is_same(embedding_);
  take_alias(copy->embedding_);
  if (tied) {
    copy->head_ = copy->embedding_;
  } else {
    take_alias(copy->head_);
  }
  take_alias(copy->norm_);
  for (auto& layer : copy->layers_) {
    for (auto* norm : {&layer.input_norm, &layer.post_attention_norm, &layer.q_norm, &layer.k_norm})
      take_alias(*norm);
  }
  for (auto* linear : copy->linears()) take_alias(*linear);
  return copy;
}

std::optional<ops::LoraArguments> Decoder::lora_arguments(const Linear& linear,
                                                          const Pass& pass) const {
  if (!linear.lora || !pass.adapted) return std::nullopt;
  return ops::LoraArguments{.lora_a = linear.lora->a,
                            .lora_b = linear.lora->b,
                            .scale = linear.lora->scale,
                            .dropout = pass.dropout ? linear.lora->dropout : 0.0,
                            .dropout_seed = layer_seed(pass.dropout_seed, linear.name),
                            .dropout_rows = pass.rows};
}

at::Tensor Decoder::seen(std::string_view prefix, std::string_view part, at::Tensor x) const {
  if (observer_) observer_(str(prefix, part), x);
  return x;
}

at::Tensor Decoder::apply(const Linear& linear, const at::Tensor& x, const Pass& pass) const {
  return seen(linear.name, "", adapted_product(linear, x, pass));
}

at::Tensor Decoder::adapted_product(const Linear& linear, const at::Tensor& x,
                                    const Pass& pass) const {
  const auto lora = lora_arguments(linear, pass);
  return lora ? ops::lora_linear(x, linear.weight, linear.bias, *lora)
              : ops::linear(x, linear.weight, linear.bias);
}

at::Tensor Decoder::mlp(const DecoderLayer& layer, const at::Tensor& x, const Pass& pass) const {
  const auto gate = apply(layer.gate, x, pass), up = apply(layer.up, x, pass);
  const auto& down = layer.down;
  auto lora = lora_arguments(down, pass);
  if (!lora) {
    return seen(down.name, "",
                ops::linear(ops::swiglu(gate, up), down.weight, down.bias, pass.block_value));
  }
  lora->value = pass.block_value;
  return seen(down.name, "", ops::swiglu_lora_linear(gate, up, down.weight, down.bias, *lora));
}

at::Tensor Decoder::attention(const DecoderLayer& layer, size_t index, const at::Tensor& x,
                              const Pass& pass) const {
  const int64_t N = x.size(0), H = config_.num_heads, K = config_.num_key_value_heads,
                E = config_.head_dim;
  auto q = apply(layer.q, x, pass).view({N, H, E});
  auto k = apply(layer.k, x, pass).view({N, K, E});
  const auto v = apply(layer.v, x, pass).view({N, K, E});
  if (config_.qk_norm) {
    q = ops::rms_norm(q, layer.q_norm, config_.rms_norm_epsilon);
    k = ops::rms_norm(k, layer.k_norm, config_.rms_norm_epsilon);
  }
  q = ops::rotary(q, pass.rope.cosine, pass.rope.sine);
  k = ops::rotary(k, pass.rope.cosine, pass.rope.sine);
  return seen(layer.prefix, "self_attn", pass.attend(index, q, k, v).reshape({N, H * E}));
}

at::Tensor Decoder::rest_of_block(const DecoderLayer& layer, const at::Tensor& x,
                                  const at::Tensor& attended, const Pass& pass) const {
  const auto [sum, normed] = ops::residual_rms_norm(
      x, apply(layer.o, attended, pass), layer.post_attention_norm, config_.rms_norm_epsilon);
  return sum + mlp(layer, seen(layer.prefix, "post_attention_layernorm", normed), pass);
}

at::Tensor Decoder::block(size_t index, const at::Tensor& x, const Pass& pass) const {
  const auto& layer = layers_[index];
  const auto normed = seen(layer.prefix, "input_layernorm",
                           ops::rms_norm(x, layer.input_norm, config_.rms_norm_epsilon));
  const auto attended = attention(layer, index, normed, pass);
  const bool narrows = index + 1 == layers_.size() && pass.wanted.defined();
  if (!narrows) return rest_of_block(layer, x, attended, pass);
  auto narrowed = pass;
  narrowed.rows = pass.wanted;
  return rest_of_block(layer, x.index_select(0, pass.wanted), attended.index_select(0, pass.wanted),
                       narrowed);
}

at::Tensor Decoder::checkpointed_block(size_t layer, const at::Tensor& x, const Pass& pass) {
  return checkpointed(x, trainable_tensors(layers_[layer]),
                      [this, layer, pass](const at::Tensor& input, ops::Value value) {
                        auto own = pass;
                        own.block_value = value;
                        return block(layer, input, own);
                      });
}

void Decoder::pause(const at::Tensor& x) const {
  if (!between_blocks_) return;
  between_blocks_();
  if (x.requires_grad()) x.register_hook([check = between_blocks_](const at::Tensor&) { check(); });
}

at::Tensor Decoder::run(at::Tensor x, const Pass& pass) {
  const auto checkpointed =
      static_cast<size_t>(at::GradMode::is_enabled() ? checkpointed_blocks_ : 0);
  for (size_t i = 0; i < layers_.size(); ++i) {
    pause(x);
    x = i < checkpointed ? checkpointed_block(i, x, pass) : block(i, x, pass);
  }
  return seen("model.norm", "", ops::rms_norm(x, norm_, config_.rms_norm_epsilon));
}

Decoder::Pass Decoder::make_pass(const at::Tensor& positions) const {
  return {.rope = rotary_tables(config_.rope, positions),
          .attend = {},
          .wanted = {},
          .rows = {},
          .adapted = adapter_.has_value() && adapter_enabled_,
          .dropout = training_,
          .dropout_seed = dropout_seed_};
}

at::Tensor Decoder::hidden(const PackedInput& input) {
  const auto device = embedding_.device();
  auto pass = make_pass(input.positions.to(device));
  if (input.wanted.defined()) pass.wanted = input.wanted.to(device);
  const double scale = 1.0 / std::sqrt(static_cast<double>(config_.head_dim));
  pass.attend = [this, input, scale](size_t layer, const at::Tensor& q, const at::Tensor& k,
                                     const at::Tensor& v) {
    return packed_attention(input, {q, k, v}, scale, layers_[layer].window);
  };
  return run(seen("model.embed_tokens", "", at::embedding(embedding_, input.ids.to(device))), pass);
}

at::Tensor Decoder::hidden_cached(const at::Tensor& ids, KvCache& cache) {
  const at::NoGradGuard no_grad;
  auto& past = cache.layers();
  const int64_t T = ids.size(0);
  past.reserve(layers_.size(), T, {config_.num_key_value_heads, config_.head_dim},
               embedding_.options().requires_grad(false));
  auto pass = make_pass(at::arange(past.length, past.length + T,
                                   embedding_.options().dtype(at::kLong).requires_grad(false)));
  pass.dropout = false;
  const double scale = 1.0 / std::sqrt(static_cast<double>(config_.head_dim));
  pass.attend = [this, &past, scale](size_t layer, const at::Tensor& q, const at::Tensor& k,
                                     const at::Tensor& v) {
    const auto all = past.append(layer, k, v);
    return ops::cached_attention(q, all.keys, all.values, scale, layers_[layer].window);
  };
  const auto x = run(at::embedding(embedding_, ids.to(embedding_.device())), pass);
  past.length += T;
  return x;
}

std::vector<Linear*> Decoder::linears() {
  std::vector<Linear*> list;
  for (auto& layer : layers_) {
    for (auto* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
      list.push_back(linear);
  }
  return list;
}

std::vector<Parameter> Decoder::base_parameters() {
  std::vector<Parameter> list = {{.name = kEmbedding, .tensor = embedding_, .embedding = true}};
  for (auto& layer : layers_) {
    list.push_back({layer.prefix + "input_layernorm.weight", layer.input_norm, false});
    list.push_back(
        {layer.prefix + "post_attention_layernorm.weight", layer.post_attention_norm, false});
    if (config_.qk_norm) {
      list.push_back({layer.prefix + "self_attn.q_norm.weight", layer.q_norm, false});
      list.push_back({layer.prefix + "self_attn.k_norm.weight", layer.k_norm, false});
    }
  }
  for (const auto* linear : linears()) {
    if (!linear->weight.is_quantized())
      list.push_back({linear->name + ".weight", linear->weight.dense(), true});
    if (linear->bias) list.push_back({linear->name + ".bias", *linear->bias, false});
  }
  list.push_back({"model.norm.weight", norm_, false});
  if (!head_.is_same(embedding_))
    list.push_back({.name = kHead, .tensor = head_, .embedding = true});
  return list;
}

std::vector<Parameter> Decoder::trainable_parameters() {
  std::vector<Parameter> list;
  for (auto& parameter : base_parameters()) {
    if (parameter.tensor.requires_grad()) list.push_back(parameter);
  }
  for (const auto* linear : linears()) {
    if (!linear->lora || !linear->lora->a.requires_grad()) continue;
    list.push_back(
        {str("base_model.model.", linear->name, ".lora_A.weight"), linear->lora->a, true});
    list.push_back(
        {str("base_model.model.", linear->name, ".lora_B.weight"), linear->lora->b, true});
  }
  return list;
}

std::vector<at::Tensor> Decoder::trainable_tensors(DecoderLayer& layer) const {
  std::vector<at::Tensor> list;
  const auto add = [&](const at::Tensor& tensor) {
    if (tensor.defined() && tensor.requires_grad()) list.push_back(tensor);
  };
  for (const auto* norm :
       {&layer.input_norm, &layer.post_attention_norm, &layer.q_norm, &layer.k_norm})
    add(*norm);
  for (const auto* linear :
       {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
    add(linear->weight.variable());
    if (linear->bias) add(*linear->bias);
    if (linear->lora) {
      add(linear->lora->a);
      add(linear->lora->b);
    }
  }
  return list;
}

void Decoder::set_training(bool training, uint64_t seed) {
  training_ = training;
  dropout_seed_ = seed;
}

}  // namespace tunewright::model
