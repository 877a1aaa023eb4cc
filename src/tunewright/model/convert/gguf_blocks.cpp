#include "tunewright/model/convert/gguf_blocks.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/io/gguf.h"
#include "tunewright/model/convert/gguf_config.h"
#include "tunewright/model/convert/gguf_weights.h"
#include "tunewright/model/convert/names.h"

namespace tunewright::model {
namespace {

struct File {
  io::Gguf gguf;
  GgufModel model;
};

bool is_quantized(io::GgmlType type) {
  return type != io::GgmlType::kF32 && type != io::GgmlType::kF16 && type != io::GgmlType::kBF16;
}

// Which row of the file is row `row` of the model: Llama's files hold the rows of a rotated head in
// pairs (0, 1), (2, 3), …, the model in halves.
int64_t stored_row(int64_t row, int64_t head_dim) {
  const int64_t within = row % head_dim, half = head_dim / 2;
  return row - within + 2 * (within % half) + within / half;
}

// Blocks never reach over the end of a row, so rows are read one by one where they are permuted.
class GgufMatrix final : public ops::QuantizedMatrix {
 public:
  // paired_head_dim: 0 where rows are stored in order.
  GgufMatrix(std::shared_ptr<const File> file, const io::GgufTensor& tensor,
             int64_t paired_head_dim)
      : QuantizedMatrix(tensor.shape[0], tensor.shape[1]),
        file_(std::move(file)),
        type_(tensor.type),
        bytes_(file_->gguf.bytes(tensor)),
        paired_head_dim_(paired_head_dim) {}

  void decode_rows(int64_t begin, int64_t count, float* out) const override {
    if (paired_head_dim_ == 0) return decode_stored(begin, count, out);
    for (int64_t i = 0; i < count; ++i)
      decode_stored(stored_row(begin + i, paired_head_dim_), 1, out + i * columns());
  }
  int64_t bytes() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  void decode_stored(int64_t begin, int64_t count, float* out) const {
    const auto row_bytes = bytes_.size() / static_cast<size_t>(rows());
    io::dequantize(type_,
                   bytes_.subspan(static_cast<size_t>(begin) * row_bytes,
                                  static_cast<size_t>(count) * row_bytes),
                   {out, static_cast<size_t>(count * columns())});
  }

  std::shared_ptr<const File> file_;
  io::GgmlType type_;
  std::span<const std::byte> bytes_;
  int64_t paired_head_dim_;
};

const io::GgufTensor& tensor_of(const File& file, const std::string& name, at::IntArrayRef shape,
                                const std::string& where) {
  const auto gguf_name = gguf_name_of(name);
  const auto& tensors = file.gguf.header().tensors;
  const auto found = gguf_name ? tensors.find(*gguf_name) : tensors.end();
  if (found == tensors.end())
    throw UserError(str(where, ": has no tensor for '", name, "', so it is of another model"));
  if (at::IntArrayRef(found->second.shape) != shape) {
    throw UserError(tunewright::str(where, ": tensor '", *gguf_name, "' has the shape ",
                                    at::IntArrayRef(found->second.shape), "; the model asks for ",
                                    shape, ", so it is of another model"));
  }
  return found->second;
}

bool is_rotated(const std::string& name) {
  return name.ends_with(".q_proj.weight") || name.ends_with(".k_proj.weight");
}

ops::Weight weight_of(const std::shared_ptr<const File>& file, const std::string& name,
                      const io::GgufTensor& tensor, at::ScalarType dtype) {
  const bool paired = file->model.rotary_interleaved && is_rotated(name);
  const auto matrix =
      std::make_shared<const GgufMatrix>(file, tensor, paired ? file->model.head_dim : 0);
  if (is_quantized(tensor.type)) return ops::QuantizedPointer(matrix);
  return ops::decoded_rows(*matrix, 0, matrix->rows()).to(dtype);
}

}  // namespace

LinearStorage gguf_storage(const std::filesystem::path& path, at::ScalarType dtype) {
  const auto where = path.string();
  if (!std::filesystem::exists(path)) {
    throw UserError(str("model.quantization: gguf needs ", where,
                        ", which is not there; `tunewright pull SOURCE.gguf --keep-gguf --out ",
                        path.parent_path().string(), "` keeps it"));
  }
  auto gguf = io::Gguf::open(path);
  auto model = gguf_model(gguf.header(), where);
  const auto file = std::make_shared<const File>(File{std::move(gguf), std::move(model)});
  return [file, dtype, where](const std::string& name, const at::Tensor& stored) {
    return weight_of(file, name, tensor_of(*file, name, stored.sizes(), where), dtype);
  };
}

}  // namespace tunewright::model
