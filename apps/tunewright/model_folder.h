#pragma once
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace tunewright::app {

struct ModelFacts {
  std::string model_type;
  int64_t parameters = 0, vocab_size = 0, bytes = 0;
};

// Opens configuration, tokenizer and weights of a Hugging Face folder; what is missing or broken is
// a UserError that names the file.
ModelFacts check_model_folder(const std::filesystem::path& folder);

// Files that belong into a model folder: weights as safetensors, configuration, tokenizer,
// template, licence.  Never pickles or code.
bool belongs_to_model(std::string_view file_name);

// Hard-links a file, or where that is not possible copies it.
void link_file(const std::filesystem::path& from, const std::filesystem::path& to);

// Hard-links, or where that is not possible copies, the files that belong into a model folder; of
// `names` alone, where there are any.
void link_model_files(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::set<std::string>& names = {});

}  // namespace tunewright::app
