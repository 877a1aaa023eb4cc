#include "tunewright/corpus/text/character_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kOrder = 5;
constexpr size_t kTableBits = 18;
constexpr double kSmoothing = 5;
constexpr double kUnseen = 1.0 / 4096;  // of a character of which nothing is known

// Places in the tables of the n-grams that end at a character, by their order from 1 on.
using Places = std::array<size_t, kOrder>;

}  // namespace

CharacterModel::CharacterModel() : counts_(kOrder << kTableBits, 0) {}

// use(places, orders): the first `orders` places are filled, fewer at the text's beginning.
template <class Use>
void CharacterModel::for_each_character(std::string_view text, Use&& use) {
  std::array<char32_t, kOrder> last{};
  size_t known = 0;
  for (size_t at = 0; at < text.size();) {
    const auto [point, size] = text::code_point_at(text, at);
    at += size;
    for (size_t k = kOrder - 1; k > 0; --k) last[k] = last[k - 1];
    last[0] = point;
    known = std::min(known + 1, kOrder);
    Places places{};
    uint64_t hash = 0;
    for (size_t k = 0; k < known; ++k) {
      hash = (hash ^ (last[k] + 1)) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 29;
      places[k] = (k << kTableBits) + (hash >> (64 - kTableBits));
    }
    use(places, known);
  }
}

void CharacterModel::add(std::string_view text) {
  for_each_character(text, [&](const Places& places, size_t orders) {
    for (size_t k = 0; k < orders; ++k) ++counts_[places[k]];
    ++total_;
  });
}

void CharacterModel::add(const CharacterModel& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
}

double CharacterModel::perplexity(std::string_view text, bool leave_out) const {
  thread_local std::vector<uint32_t> own(kOrder << kTableBits, 0);
  uint64_t own_total = 0;
  if (leave_out) {
    for_each_character(text, [&](const Places& places, size_t orders) {
      for (size_t k = 0; k < orders; ++k) ++own[places[k]];
      ++own_total;
    });
  }
  const auto count = [&](size_t place) { return static_cast<double>(counts_[place] - own[place]); };
  double sum = 0;
  int64_t characters = 0;
  Places before{};
  for_each_character(text, [&](const Places& places, size_t orders) {
    double p = kUnseen;
    for (size_t k = 0; k < orders; ++k) {
      const auto context = k == 0 ? static_cast<double>(total_ - own_total) : count(before[k - 1]);
      p = (count(places[k]) + kSmoothing * p) / (context + kSmoothing);
    }
    sum -= std::log(std::min(p, 1.0));  // n-grams that met in a table may seem more than certain
    ++characters;
    before = places;
  });
  if (leave_out) {
    for_each_character(text, [&](const Places& places, size_t orders) {
      for (size_t k = 0; k < orders; ++k) own[places[k]] = 0;
    });
  }
  return characters == 0 ? std::numeric_limits<double>::infinity()
                         : std::exp(sum / static_cast<double>(characters));
}

}  // namespace tunewright::corpus
