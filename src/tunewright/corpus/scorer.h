#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// What the workshop asks of a language model; the program around it supplies one (StepContext).
// All are thread-safe, and answer in the order of the texts.
class Scorer {
 public:
  virtual ~Scorer() = default;

  virtual std::vector<int64_t> token_counts(std::span<const std::string_view> texts) const = 0;

  // Of a text's tokens, each after those before it.
  struct Loss {
    double sum = 0;      // negative log-likelihood, in nats
    int64_t tokens = 0;  // that were predicted; 0: the text is too short for a loss
  };
  virtual std::vector<Loss> losses(std::span<const std::string_view> texts) const = 0;

  // A vector a text, all of one length.
  virtual std::vector<std::vector<float>> embeddings(
      std::span<const std::string_view> texts) const = 0;
};

}  // namespace tunewright::corpus
