#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::model {

enum class DTypeChoice { kAuto, kFloat32, kBFloat16, kFloat16 };
inline constexpr std::array kDTypeNames = {
    std::pair{"auto", DTypeChoice::kAuto}, std::pair{"float32", DTypeChoice::kFloat32},
    std::pair{"bfloat16", DTypeChoice::kBFloat16}, std::pair{"float16", DTypeChoice::kFloat16}};
enum class Device { kAuto, kCpu, kCuda };
inline constexpr std::array kDeviceNames = {std::pair{"auto", Device::kAuto},
                                            std::pair{"cpu", Device::kCpu},
                                            std::pair{"cuda", Device::kCuda}};

// How the weights of linear layers are held: as dtype says, or frozen in fewer bits.
enum class Quantization { kNone, kInt8, kNf4, kGguf };
inline constexpr std::array kQuantizationNames = {
    std::pair{"null", Quantization::kNone}, std::pair{"int8", Quantization::kInt8},
    std::pair{"nf4", Quantization::kNf4}, std::pair{"gguf", Quantization::kGguf}};

// `model:` of the configuration.
struct ModelOptions {
  std::string path;
  std::optional<std::string> adapter;  // a PEFT folder put on top (evaluation, generation)
  DTypeChoice dtype =
      DTypeChoice::kAuto;  // auto: the checkpoint's own (float16 becomes float32 on a CPU)
  Quantization quantization = Quantization::kNone;  // gguf: the blocks of model.gguf in the folder
  Device device = Device::kAuto;
  int64_t first_blocks = 0;  // to measure with: only so many blocks are loaded; 0: all
};

enum class AdapterType { kNone, kLora, kFreeze };
inline constexpr std::array kAdapterNames = {std::pair{"none", AdapterType::kNone},
                                             std::pair{"lora", AdapterType::kLora},
                                             std::pair{"freeze", AdapterType::kFreeze}};

// `adapter:` of the configuration.
struct AdapterOptions {
  AdapterType type = AdapterType::kLora;
  int64_t r = 16;  // Width of the update.
  double lora_alpha =
      32.0;  // The update is scaled by lora_alpha / r, with rsLoRA by lora_alpha / sqrt(r).
  double lora_dropout = 0.0;           // On the adapter's input while training; 0: off.
  Json target_modules = "all-linear";  // or a list of suffixes: [q_proj, v_proj]
  bool use_rslora = false;
  std::string path;  // start from this PEFT adapter, whose own settings hold
  int64_t trainable_layers =
      2;  // freeze: the last N blocks, the final norm and an untied head train
};

template <class V>
void fields(V& v, ModelOptions& o) {
  v("path", o.path, "Folder of the base model, as `tunewright pull` makes it.");
  v("adapter", o.adapter, "Folder of a PEFT adapter to put on top.");
  v.choice("dtype", o.dtype, kDTypeNames, "Number format of weights and activations.");
  v.choice("quantization", o.quantization, kQuantizationNames,
           "Linear layers frozen in 8 or 4 bits, or as the folder's model.gguf has them.");
  v.choice("device", o.device, kDeviceNames, "Where the model runs.");
}

template <class V>
void fields(V& v, AdapterOptions& o) {
  v.choice("type", o.type, kAdapterNames,
           "lora, freeze (only the last layers train), or none (full fine-tuning).");
  v("r", o.r, "LoRA: width of the update.");
  v("lora_alpha", o.lora_alpha, "LoRA: the update is scaled by lora_alpha / r.");
  v("lora_dropout", o.lora_dropout, "LoRA: dropout on the adapter's input while training.");
  v("target_modules", o.target_modules, "LoRA: all-linear, or a list of layer names.");
  v("use_rslora", o.use_rslora, "LoRA: scale by lora_alpha / sqrt(r).");
  v("path", o.path, "LoRA: start from this PEFT adapter.");
  v("trainable_layers", o.trainable_layers, "freeze: how many of the last blocks train.");
}

}  // namespace tunewright::model
