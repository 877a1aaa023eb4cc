#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace tunewright::eval {

// Python's random.Random(seed): the same draws, so that few-shot examples are the ones that
// lm-evaluation-harness takes.  (The Mersenne Twister of Matsumoto and Nishimura, 1998, seeded from
// a list of one or two words.)
class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);

  // random.sample(range(population), count): `count` different numbers.  count <= population.
  std::vector<int64_t> sample(int64_t population, int64_t count);

 private:
  static constexpr size_t kWords = 624;
  uint32_t next();
  int64_t below(int64_t bound);  // bound > 0, less than 2^32
  void seed_words(const std::vector<uint32_t>& key);

  std::array<uint32_t, kWords> state_{};
  size_t index_ = kWords;
};

}  // namespace tunewright::eval
