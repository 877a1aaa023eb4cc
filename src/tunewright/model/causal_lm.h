#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/io/peft_config.h"
#include "tunewright/model/linear.h"
#include "tunewright/model/options.h"

namespace tunewright::model {

// Packed input: sequences laid end to end.  N tokens in all; sequence i is [offsets[i], offsets[i +
// 1]).
struct PackedInput {
  at::Tensor ids;                // [N] int64
  at::Tensor positions;          // [N] int64
  std::vector<int64_t> offsets;  // [sequences + 1]
  // The last continues.size() sequences go on where an earlier one ends: they see its tokens, and
  // those that it goes on from, as their own.  For inference: no gradient flows through it.
  std::vector<int64_t> continues;
  // [M] int64: the tokens whose hidden states are needed (in training: those with a label), so that
  // the last block computes no more of them.  Undefined: all.
  at::Tensor wanted = {};
};

// Keys and values of one growing sequence.
class KvCache {
 public:
  KvCache();
  KvCache(KvCache&&) noexcept;
  KvCache& operator=(KvCache&&) noexcept;
  ~KvCache();
  int64_t length() const;
  void truncate(int64_t length);  // forget what came after
  // Becomes a copy of the first `length` tokens of `source`; keeps its memory where that is enough.
  void assign(const KvCache& source, int64_t length);

  struct Layers;
  Layers& layers() { return *layers_; }
  const Layers& layers() const { return *layers_; }

 private:
  std::unique_ptr<Layers> layers_;
};

// Next tokens of several sequences, laid end to end.  Sequence i reads ids [offsets[i], offsets[i +
// 1]), one token or more, and goes on from *caches[i].
struct CachedBatch {
  at::Tensor ids;                // [N] int64
  std::vector<int64_t> offsets;  // [sequences + 1]
  std::vector<KvCache*> caches;  // borrowed; all different
};

struct Parameter {
  std::string name;  // Hugging Face's ("model.layers.0.self_attn.q_proj.weight"); adapters: PEFT's
                     // in-model name
  at::Tensor tensor;
  bool decay = true;       // false for norms and biases
  bool embedding = false;  // or the output head: a row a token
};

// Sees what each layer of a forward pass gives, in order, under the layer's Hugging Face name.  The
// first axis of the output is the tokens: the wanted ones in what follows the last attention.
using LayerObserver = std::function<void(const std::string& layer, const at::Tensor& output)>;

// A causal language model that trains and generates.  Without gradient, hidden() may run on several
// threads at once; to compute gradients, each thread takes a replica of its own.
class CausalLm {
 public:
  virtual ~CausalLm() = default;

  // The same model on the same memory, whose trainable parameters collect gradients of their own.
  // Made after prepare_for_training(); an update of the weights is seen by all.
  virtual std::unique_ptr<CausalLm> replica() const = 0;

  // Final hidden states after the last norm, of the wanted tokens.  [N or M, D], in the model's
  // dtype.
  virtual at::Tensor hidden(const PackedInput& input) = 0;
  // The same for the next T tokens of one sequence, whose past is in `cache`; appends to it.
  // ids [T] int64 -> [T, D].
  virtual at::Tensor hidden_cached(const at::Tensor& ids, KvCache& cache) = 0;
  // The same of several sequences at once, of the last token of each: [sequences, D].
  virtual at::Tensor hidden_cached(const CachedBatch& batch) = 0;
  virtual int64_t cache_bytes_per_token() const = 0;
  // Output embedding [V, D]; logits = hidden · head^T (scaled as the architecture asks).
  virtual const at::Tensor& head() const = 0;
  at::Tensor logits(const at::Tensor& hidden) const;  // [M, D] -> [M, V] float32

  // Every base weight that is a tensor under its Hugging Face name, tied ones once; quantised ones
  // are left out.
  virtual std::vector<Parameter> base_parameters() = 0;
  // What the optimizer updates: requires_grad() is set for these only.
  virtual std::vector<Parameter> trainable_parameters() = 0;

  // The backward pass computes the activations of the first `count` blocks again instead of keeping
  // them.  The first, because the others' are gone by then.
  virtual void set_checkpointed_blocks(int64_t count) = 0;

  // Every linear layer but the output head, in order: what adapters are put on.
  virtual std::vector<Linear*> linears() = 0;
  // The adapter that is on the model; none without one.
  virtual std::optional<io::PeftConfig>& adapter() = 0;
  virtual const std::optional<io::PeftConfig>& adapter() const = 0;
  virtual void set_adapter_enabled(bool enabled) = 0;

  // Training mode switches LoRA dropout on; `seed` fixes its masks for the coming forward pass.
  virtual void set_training(bool training, uint64_t seed) = 0;

  // For diagnosis; an empty one, as at first, costs nothing.
  virtual void set_observer(LayerObserver observer) = 0;

  // Called between two blocks of hidden() and, where gradients are recorded, of its backward pass;
  // what it throws ends the pass.  An empty one, as at first, costs nothing.
  virtual void set_between_blocks(std::function<void()> check) = 0;

  virtual const Json& config() const = 0;  // config.json
  virtual at::ScalarType dtype() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual int64_t max_positions() const = 0;
};

// Where load_causal_lm would put the model: `auto` is a CUDA device where build and machine have
// one. A UserError where cuda is asked for and is not there.
at::DeviceType choose_device(Device device);

// The number format that load_causal_lm would give the model.
at::ScalarType chosen_dtype(const ModelOptions& options);

// Loads config.json and the weights, every tensor checked for its shape.  An unknown architecture
// is a UserError that lists the known ones.
std::unique_ptr<CausalLm> load_causal_lm(const ModelOptions& options, Reporter& reporter);

// How a model holds a linear layer's weight: made of its name ("model.layers.0.mlp.up_proj.weight")
// and the tensor that the checkpoint has for it.
using LinearStorage = std::function<ops::Weight(const std::string& name, const at::Tensor& stored)>;

// The same architecture with weights given by name: for tests and conversions.  Without `storage`
// every weight is a tensor of `dtype`.
std::unique_ptr<CausalLm> make_causal_lm(const Json& config,
                                         std::vector<std::pair<std::string, at::Tensor>> weights,
                                         at::ScalarType dtype, LinearStorage storage = {});

// Writes config.json and model.safetensors (in `dtype`) atomically and copies tokenizer files of
// `base_folder`.  A quantised model is a UserError.
void save_causal_lm(CausalLm& model, const std::filesystem::path& base_folder,
                    const std::filesystem::path& out);

}  // namespace tunewright::model
