#include "tunewright/eval/judge/agreement.h"

#include <cmath>
#include <functional>
#include <vector>

#include "tunewright/base/error.h"

namespace tunewright::eval {
namespace {

struct Table {
  int64_t categories = 0, rows = 0;
  std::vector<int64_t> counts, first, second;  // joint, and of each rater

  // 1 - observed / expected disagreement, of disagreements weighed by `weight`.
  std::optional<double> kappa(const std::function<double(int64_t, int64_t)>& weight) const {
    double observed = 0, expected = 0;
    for (int64_t i = 0; i < categories; ++i) {
      for (int64_t j = 0; j < categories; ++j) {
        observed += weight(i, j) * static_cast<double>(counts[i * categories + j]);
        expected += weight(i, j) * static_cast<double>(first[i]) * static_cast<double>(second[j]) /
                    static_cast<double>(rows);
      }
    }
    if (expected == 0) return std::nullopt;
    return 1 - observed / expected;
  }
};

}  // namespace

Kappa cohen_kappa(std::span<const int64_t> first, std::span<const int64_t> second,
                  int64_t categories) {
  TUNEWRIGHT_ASSERT(first.size() == second.size());
  const auto size = static_cast<size_t>(categories);
  Table table{.categories = categories,
              .counts = std::vector<int64_t>(size * size),
              .first = std::vector<int64_t>(size),
              .second = std::vector<int64_t>(size)};
  int64_t same = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] < 0 || second[i] < 0) continue;
    TUNEWRIGHT_ASSERT(first[i] < categories && second[i] < categories);
    ++table.counts[static_cast<size_t>(first[i] * categories + second[i])];
    ++table.first[static_cast<size_t>(first[i])];
    ++table.second[static_cast<size_t>(second[i])];
    ++table.rows;
    same += first[i] == second[i];
  }
  if (table.rows == 0) return {};
  return {.rows = table.rows,
          .agreed = static_cast<double>(same) / static_cast<double>(table.rows),
          .plain = table.kappa([](int64_t i, int64_t j) { return i == j ? 0.0 : 1.0; }),
          .weighted = table.kappa(
              [](int64_t i, int64_t j) { return static_cast<double>((i - j) * (i - j)); })};
}

}  // namespace tunewright::eval
