#include "tunewright/model/convert/gguf_to_hf.h"

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/model/convert/gguf_config.h"
#include "tunewright/model/convert/gguf_tokenizer.h"
#include "tunewright/model/convert/gguf_weights.h"

namespace tunewright::model {
namespace {

std::string dtype_text(io::DType dtype) {
  switch (dtype) {
    case io::DType::kF32:
      return "float32";
    case io::DType::kBF16:
      return "bfloat16";
    case io::DType::kF16:
      return "float16";
    default:
      throw InternalError("a model is written in float32, bfloat16 or float16");
  }
}

void write_json(const fs::path& path, const Json& json) {
  write_file_atomic(path, pretty_json(json));
}

}  // namespace

void convert_gguf(const fs::path& path, const fs::path& folder, const GgufConversion& options,
                  Reporter& reporter) {
  const auto where = path.string();
  const auto gguf = io::Gguf::open(path);
  const auto& header = gguf.header();
  const auto model = gguf_model(header, where);
  const auto tokenizer = hf_tokenizer(header, model.max_positions, where, reporter);
  write_json(folder / "config.json",
             hf_config(model, header, rope_factors(gguf), dtype_text(options.dtype), where));
  write_json(folder / "generation_config.json", hf_generation_config(header, where));
  write_json(folder / "tokenizer.json", tokenizer.tokenizer);
  write_json(folder / "tokenizer_config.json", tokenizer.config);
  write_json(folder / "special_tokens_map.json", tokenizer.special_tokens);
  if (!tokenizer.template_.empty())
    write_file_atomic(folder / "chat_template.jinja", tokenizer.template_);
  write_hf_weights(gguf, model, options.dtype, folder / "model.safetensors", where, reporter);
}

}  // namespace tunewright::model
