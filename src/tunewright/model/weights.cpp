#include "tunewright/model/weights.h"

#include <ATen/ATen.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::model {
namespace {

constexpr std::array kTypes = {
    std::pair{io::DType::kF32, at::kFloat},
    std::pair{io::DType::kBF16, at::kBFloat16},
    std::pair{io::DType::kF16, at::kHalf},
    std::pair{io::DType::kF64, at::kDouble},
    std::pair{io::DType::kI64, at::kLong},
    std::pair{io::DType::kI32, at::kInt},
    std::pair{io::DType::kI16, at::kShort},
    std::pair{io::DType::kI8, at::kChar},
    std::pair{io::DType::kU8, at::kByte},
    std::pair{io::DType::kBool, at::kBool},
    std::pair{io::DType::kF8E4M3, at::kFloat8_e4m3fn},
    std::pair{io::DType::kF8E5M2, at::kFloat8_e5m2},
};

// What was read once need not stay in memory: the whole pages inside `bytes`.
void release_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size()) / page * page;
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

at::Tensor view_of(const std::shared_ptr<const io::Safetensors>& file, const io::TensorView& view) {
  const auto dtype = scalar_type(view.dtype);
  auto* bytes =
      const_cast<std::byte*>(view.bytes.data());  // borrowed for reading: see read_weights
  if (reinterpret_cast<uintptr_t>(bytes) % io::dtype_bytes(view.dtype) == 0) {
    const auto release = [file, read = view.bytes](void*) { release_pages(read); };
    return at::from_blob(bytes, view.shape, release, at::TensorOptions().dtype(dtype));
  }
  auto copy = at::empty(view.shape, at::TensorOptions().dtype(dtype));
  std::memcpy(copy.mutable_data_ptr(), bytes, view.bytes.size());
  release_pages(view.bytes);
  return copy;
}

}  // namespace

at::ScalarType scalar_type(io::DType dtype) {
  for (const auto& [file, type] : kTypes) {
    if (file == dtype) return type;
  }
  throw UserError(str("weights of type ", io::dtype_name(dtype),
                      " cannot be used; convert them to F32, BF16 or F16"));
}

io::DType file_dtype(at::ScalarType dtype) {
  for (const auto& [file, type] : kTypes) {
    if (type == dtype) return file;
  }
  throw InternalError(str("no file type for ", at::toString(dtype)));
}

WeightMap read_weights(const std::filesystem::path& file_or_folder, at::ScalarType wanted,
                       const std::function<bool(const std::string& name)>& chosen) {
  const auto file = std::make_shared<const io::Safetensors>(io::Safetensors::open(file_or_folder));
  WeightMap weights;
  for (const auto& name : file->names()) {
    if (chosen && !chosen(name)) continue;
    const auto view = file->get(name);
    auto tensor = view_of(file, view);
    const bool converted = wanted != at::ScalarType::Undefined && tensor.is_floating_point() &&
                           tensor.scalar_type() != wanted;
    if (converted) tensor = tensor.to(wanted);
    weights.emplace(name, std::move(tensor));
  }
  return weights;
}

void write_weights(const std::filesystem::path& path, const WeightList& weights,
                   at::ScalarType dtype) {
  std::vector<at::Tensor> kept;  // alive until everything is written
  std::vector<io::NamedTensor> named;
  for (const auto& [name, tensor] : weights) {
    const auto type = dtype == at::ScalarType::Undefined ? tensor.scalar_type() : dtype;
    const auto& host = kept.emplace_back(tensor.detach().to(at::kCPU, type).contiguous());
    const std::span bytes(static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes());
    named.push_back({name, {file_dtype(type), host.sizes().vec(), bytes}});
  }
  io::write_safetensors(path, named);
}

}  // namespace tunewright::model
