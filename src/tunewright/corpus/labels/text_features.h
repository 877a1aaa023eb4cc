#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// Rows of sparse numbers, [N, columns].
struct FeatureMatrix {
  int64_t columns = 0;
  std::vector<int64_t> begins = {0};  // row i is begins[i] to begins[i + 1]
  std::vector<uint32_t> indices;      // ascending within a row
  std::vector<float> values;

  int64_t rows() const { return std::ssize(begins) - 1; }
  struct Row {
    std::span<const uint32_t> indices;
    std::span<const float> values;
  };
  Row row(int64_t i) const;
  void add(std::span<const uint32_t> indices, std::span<const float> values);
};

// How often each word and each pair of neighbours occurs, by their hash.
struct TextFeatures {
  std::vector<uint32_t> indices;  // below `columns`, ascending
  std::vector<float> values;
};
// Words are runs of word characters (\w) in lower case; of very long texts the first 20,000 count.
TextFeatures text_features(std::string_view text, int64_t columns);

// Logarithms of counts, the row's length made 1: so that long texts weigh as short ones.
void scale_logarithmic(FeatureMatrix& matrix);

}  // namespace tunewright::corpus
