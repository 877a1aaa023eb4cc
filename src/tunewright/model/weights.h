#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/io/safetensors.h"

// Between the bytes of safetensors files and tensors.
namespace tunewright::model {

using WeightMap = std::map<std::string, at::Tensor>;
using WeightList = std::vector<std::pair<std::string, at::Tensor>>;

at::ScalarType scalar_type(io::DType dtype);  // a dtype that libtorch lacks is a UserError
io::DType file_dtype(at::ScalarType dtype);

// Every tensor of a file or folder.  One whose dtype is `wanted` (Undefined: any) is a view of the
// mapped file, which stays open as long as a view lives; it must not be written to.  Others are
// converted.  The pages that a tensor was read from are given back once no view of it is left.
// `chosen`: only tensors of these names; empty: all.
WeightMap read_weights(const std::filesystem::path& file_or_folder, at::ScalarType wanted,
                       const std::function<bool(const std::string& name)>& chosen = {});

// Written in the order given, converted to `dtype` (Undefined: as they are).
void write_weights(const std::filesystem::path& path, const WeightList& weights,
                   at::ScalarType dtype);

}  // namespace tunewright::model
