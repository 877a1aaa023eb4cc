#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/model/causal_lm.h"
#include "tunewright/model/decoder_config.h"
#include "tunewright/model/weights.h"
#include "tunewright/ops/ops.h"

namespace tunewright::model {

// One block: attention, then a gated MLP, each behind a norm and added to the stream.
struct DecoderLayer {
  std::string prefix;                          // "model.layers.0."
  at::Tensor input_norm, post_attention_norm;  // [D]
  at::Tensor q_norm, k_norm;                   // [E]; undefined without
  Linear q, k, v, o, gate, up, down;
  int64_t window = 0;
};

// The decoder-only transformer that Llama, Mistral, Qwen 2 and Qwen 3 are.
//   N tokens, D hidden size, H heads, K key/value heads, E head dim, V vocabulary
class Decoder final : public CausalLm {
 public:
  // Takes every weight by its Hugging Face name, those of linear layers as `storage` holds them,
  // the others in the dtype and on the device of `options`.  A missing, surplus or misshapen one is
  // a UserError.
  Decoder(Json config, WeightMap weights, const at::TensorOptions& options,
          const LinearStorage& storage);

  std::unique_ptr<CausalLm> replica() const override;
  at::Tensor hidden(const PackedInput& input) override;
  at::Tensor hidden_cached(const at::Tensor& ids, KvCache& cache) override;
  at::Tensor hidden_cached(const CachedBatch& batch) override;
  int64_t cache_bytes_per_token() const override;
  const at::Tensor& head() const override { return head_; }
  std::vector<Parameter> base_parameters() override;
  std::vector<Parameter> trainable_parameters() override;
  void set_checkpointed_blocks(int64_t count) override { checkpointed_blocks_ = count; }
  std::vector<Linear*> linears() override;
  std::optional<io::PeftConfig>& adapter() override { return adapter_; }
  const std::optional<io::PeftConfig>& adapter() const override { return adapter_; }
  void set_adapter_enabled(bool enabled) override { adapter_enabled_ = enabled; }
  void set_training(bool training, uint64_t seed) override;
  void set_observer(LayerObserver observer) override { observer_ = std::move(observer); }
  void set_between_blocks(std::function<void()> check) override {
    between_blocks_ = std::move(check);
  }
  const Json& config() const override { return json_; }
  at::ScalarType dtype() const override { return dtype_; }
  int64_t vocab_size() const override { return config_.vocab_size; }
  int64_t max_positions() const override { return config_.max_positions; }

 private:
  // What is the same for every block of a forward pass.
  struct Pass {
    RotaryTables rope;
    // q [N, H, E], k and v [N, K, E] of a layer -> [N, H, E].
    std::function<at::Tensor(size_t layer, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v)>
        attend;
    at::Tensor wanted = {};  // [M]: tokens that the last block is to give; undefined: all
    at::Tensor rows = {};    // [M]: the tokens whose rows are worked on; undefined: all
    bool adapted = false;    // the adapter takes part
    bool dropout = false;
    uint64_t dropout_seed = 0;
    ops::Value block_value = ops::Value::kNeeded;  // what a block's last product gives
  };
  Pass make_pass(const at::Tensor& positions) const;
  at::Tensor run(at::Tensor x, const Pass& pass);
  at::Tensor block(size_t layer, const at::Tensor& x, const Pass& pass) const;
  // What follows the attention of a block: `attended` is what it gave, x the block's input.
  at::Tensor rest_of_block(const DecoderLayer& layer, const at::Tensor& x,
                           const at::Tensor& attended, const Pass& pass) const;
  void pause(const at::Tensor& x) const;  // between two blocks
  at::Tensor checkpointed_block(size_t layer, const at::Tensor& x, const Pass& pass);
  at::Tensor attention(const DecoderLayer& layer, size_t index, const at::Tensor& x,
                       const Pass& pass) const;
  at::Tensor apply(const Linear& linear, const at::Tensor& x, const Pass& pass) const;
  at::Tensor adapted_product(const Linear& linear, const at::Tensor& x, const Pass& pass) const;
  at::Tensor mlp(const DecoderLayer& layer, const at::Tensor& x, const Pass& pass) const;
  // None where no adapter takes part.
  std::optional<ops::LoraArguments> lora_arguments(const Linear& linear, const Pass& pass) const;
  // x, after the observer has seen it as what the layer `prefix` + `part` gives.
  at::Tensor seen(std::string_view prefix, std::string_view part, at::Tensor x) const;
  std::vector<at::Tensor> trainable_tensors(DecoderLayer& layer) const;

  Json json_;
  DecoderConfig config_;
  at::ScalarType dtype_;
  at::Tensor embedding_, norm_, head_;  // [V, D], [D], [V, D]
  std::vector<DecoderLayer> layers_;
  LayerObserver observer_;
  std::function<void()> between_blocks_;
  std::optional<io::PeftConfig> adapter_;
  bool adapter_enabled_ = true;
  int64_t checkpointed_blocks_ = 0;
  bool training_ = false;
  uint64_t dropout_seed_ = 0;
};

}  // namespace tunewright::model
