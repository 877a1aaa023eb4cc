#include "tunewright/corpus/labels/text_features.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "tunewright/base/hash.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kMostWords = 20000;

std::vector<uint64_t> word_hashes(std::string_view text) {
  std::vector<uint64_t> hashes;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) hashes.push_back(fast_hash(word));
    word.clear();
  };
  for (size_t at = 0; at < text.size() && hashes.size() < kMostWords;) {
    const auto c = text::code_point_at(text, at);
    at += c.size;
    if (text::is_word(c.value)) {
      text::append_lowercase(word, c.value);
    } else {
      end_word();
    }
  }
  end_word();
  return hashes;
}

}  // namespace

FeatureMatrix::Row FeatureMatrix::row(int64_t i) const {
  const auto begin = static_cast<size_t>(begins[i]);
  const auto size = static_cast<size_t>(begins[i + 1]) - begin;
  return {{indices.data() + begin, size}, {values.data() + begin, size}};
}

void FeatureMatrix::add(std::span<const uint32_t> row_indices, std::span<const float> row_values) {
  indices.insert(indices.end(), row_indices.begin(), row_indices.end());
  values.insert(values.end(), row_values.begin(), row_values.end());
  begins.push_back(std::ssize(indices));
}

TextFeatures text_features(std::string_view text, int64_t columns) {
  const auto words = word_hashes(text);
  const auto column = [&](uint64_t hash) {
    return static_cast<uint32_t>(hash % static_cast<uint64_t>(columns));
  };
  std::vector<uint32_t> all;
  for (size_t i = 0; i < words.size(); ++i) {
    all.push_back(column(words[i]));
    if (i > 0) all.push_back(column(words[i] + 0x9e3779b97f4a7c15U * words[i - 1]));
  }
  std::ranges::sort(all);
  TextFeatures features;
  for (const auto index : all) {
    if (features.indices.empty() || features.indices.back() != index) {
      features.indices.push_back(index);
      features.values.push_back(0);
    }
    features.values.back() += 1;
  }
  return features;
}

void scale_logarithmic(FeatureMatrix& matrix) {
  for (int64_t i = 0; i < matrix.rows(); ++i) {
    const std::span<float> row(matrix.values.data() + matrix.begins[i],
                               static_cast<size_t>(matrix.begins[i + 1] - matrix.begins[i]));
    double squares = 0;
    for (auto& value : row) {
      value = std::log1p(value);
      squares += static_cast<double>(value) * value;
    }
    for (auto& value : row) value /= static_cast<float>(std::sqrt(squares));
  }
}

}  // namespace tunewright::corpus
