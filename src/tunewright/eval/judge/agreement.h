#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace tunewright::eval {

// How far two raters agree.
struct Kappa {
  int64_t rows = 0;                // that both have rated
  double agreed = 0;               // share of them with the same rating; 0 without rows
  std::optional<double> plain;     // Cohen's kappa; none where chance alone explains all agreement
  std::optional<double> weighted;  // with quadratic weights, for ratings in an order
};

// Ratings are indices into `categories` of them.  Row i of both is the same row; a rating of -1 is
// none, and its row is left out.  As scikit-learn's cohen_kappa_score.
Kappa cohen_kappa(std::span<const int64_t> first, std::span<const int64_t> second,
                  int64_t categories);

}  // namespace tunewright::eval
