#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/data/dataset.h"

namespace tunewright::data {
namespace {

using Indices = std::vector<int64_t>;

// Examples that are packed together: large enough for tight sequences, small beside an epoch.
constexpr size_t kPackingWindow = 4096;

std::vector<Indices> examples_of_files(const Dataset& dataset) {
  std::vector<Indices> files(dataset.file_weights.size());
  for (size_t i = 0; i < dataset.examples.size(); ++i) {
    files[static_cast<size_t>(dataset.examples.file(i))].push_back(static_cast<int64_t>(i));
  }
  return files;
}

bool all_equal(const std::vector<double>& weights) {
  return std::ranges::all_of(weights, [&](double weight) { return weight == weights.front(); });
}

// `total` divided by the weights of the files that have examples, by largest remainder.
std::vector<int64_t> quotas(const std::vector<Indices>& files, const std::vector<double>& weights) {
  double weight_sum = 0;
  int64_t total = 0;
  for (size_t f = 0; f < files.size(); ++f) {
    if (files[f].empty() || weights[f] == 0) continue;
    weight_sum += weights[f];
    total += static_cast<int64_t>(files[f].size());
  }
  std::vector<int64_t> quota(files.size(), 0);
  std::vector<std::pair<double, size_t>> remainders;
  int64_t left = total;
  for (size_t f = 0; f < files.size(); ++f) {
    if (files[f].empty() || weights[f] == 0) continue;
    const double exact = static_cast<double>(total) * weights[f] / weight_sum;
    quota[f] = static_cast<int64_t>(std::floor(exact));
    left -= quota[f];
    remainders.emplace_back(static_cast<double>(quota[f]) - exact, f);
  }
  std::ranges::sort(remainders);
  for (int64_t i = 0; i < left; ++i) ++quota[remainders[static_cast<size_t>(i)].second];
  return quota;
}

// The examples of an epoch, in order.
Indices deal_order(const Dataset& dataset, bool shuffled, Random& random) {
  Indices order;
  if (all_equal(dataset.file_weights)) {
    order.resize(dataset.examples.size());
    std::iota(order.begin(), order.end(), 0);
  } else {
    auto files = examples_of_files(dataset);
    const auto quota = quotas(files, dataset.file_weights);
    for (size_t f = 0; f < files.size(); ++f) {
      for (int64_t given = 0; given < quota[f];) {
        if (shuffled) shuffle(files[f], random);
        const auto count =
            std::min<int64_t>(quota[f] - given, static_cast<int64_t>(files[f].size()));
        order.insert(order.end(), files[f].begin(), files[f].begin() + count);
        given += count;
      }
    }
  }
  if (shuffled) shuffle(order, random);
  return order;
}

int64_t length_of(const Dataset& dataset, int64_t index) {
  return dataset.examples.length(static_cast<size_t>(index));
}

// Neighbours share a sequence as long as they fit.
std::vector<Indices> pack_in_order(const Dataset& dataset, const Indices& order,
                                   int64_t max_length) {
  std::vector<Indices> sequences;
  int64_t room = 0;
  for (const auto index : order) {
    const auto length = length_of(dataset, index);
    if (sequences.empty() || length > room) {
      sequences.emplace_back();
      room = max_length;
    }
    sequences.back().push_back(index);
    room -= length;
  }
  return sequences;
}

// Best fit, longest first.
void pack_window(const Dataset& dataset, std::span<const int64_t> window, int64_t max_length,
                 std::vector<Indices>& sequences) {
  Indices by_length(window.begin(), window.end());
  std::ranges::stable_sort(by_length, std::greater{},
                           [&](int64_t index) { return length_of(dataset, index); });
  std::multimap<int64_t, size_t> rooms;  // room left -> sequence
  for (const auto index : by_length) {
    const auto length = length_of(dataset, index);
    const auto fitting = rooms.lower_bound(length);
    size_t sequence = sequences.size();
    int64_t room = max_length;
    if (fitting == rooms.end()) {
      sequences.emplace_back();
    } else {
      std::tie(room, sequence) = *fitting;
      rooms.erase(fitting);
    }
    sequences[sequence].push_back(index);
    if (room > length) rooms.emplace(room - length, sequence);
  }
}

std::vector<Indices> pack_shuffled(const Dataset& dataset, const Indices& order, int64_t max_length,
                                   Random& random) {
  std::vector<Indices> sequences;
  const std::span<const int64_t> all(order);
  for (size_t begin = 0; begin < all.size(); begin += kPackingWindow) {
    pack_window(dataset, all.subspan(begin, std::min(kPackingWindow, all.size() - begin)),
                max_length, sequences);
  }
  shuffle(sequences, random);  // otherwise the long examples would come first
  return sequences;
}

std::vector<Indices> one_each(const Indices& order) {
  std::vector<Indices> sequences;
  sequences.reserve(order.size());
  for (const auto index : order) sequences.push_back({index});
  return sequences;
}

}  // namespace

Loader::Loader(const Dataset& dataset, Options options) : dataset_(dataset), options_(options) {
  if (options.batch_size < 1) {
    throw UserError(str("the batch size must be at least 1, got ", options.batch_size));
  }
  deal_epoch();
}

void Loader::deal_epoch() {
  Random random(options_.seed, stream_id(str("order of epoch ", position_.epoch)));
  const auto order = deal_order(dataset_, options_.shuffle, random);
  const auto sequences = !options_.packing ? one_each(order)
                         : options_.shuffle
                             ? pack_shuffled(dataset_, order, options_.max_length, random)
                             : pack_in_order(dataset_, order, options_.max_length);
  const auto size = static_cast<size_t>(options_.batch_size);
  batches_.assign((sequences.size() + size - 1) / size, {});
  for (size_t i = 0; i < sequences.size(); ++i) {
    auto& batch = batches_[i / size];
    batch.insert(batch.end(), sequences[i].begin(), sequences[i].end());
  }
}

int64_t Loader::batches_per_epoch() { return static_cast<int64_t>(batches_.size()); }

std::vector<Example> Loader::next() {
  std::vector<Example> examples;
  for (const auto index : next_indices())
    examples.push_back(dataset_.examples[static_cast<size_t>(index)]);
  return examples;
}

std::vector<int64_t> Loader::next_indices() {
  TUNEWRIGHT_ASSERT(!batches_.empty());
  if (position_.next == batches_per_epoch()) {
    position_ = {.epoch = position_.epoch + 1, .next = 0};
    deal_epoch();
  }
  return batches_[static_cast<size_t>(position_.next++)];
}

void Loader::seek(LoaderPosition position) {
  const bool same_epoch = position.epoch == position_.epoch;
  position_ = position;
  if (!same_epoch) deal_epoch();
  if (position.next < 0 || position.next > batches_per_epoch()) {
    throw UserError(str("the checkpoint stands at micro-batch ", position.next, " of epoch ",
                        position.epoch, ", which has ", batches_per_epoch(),
                        "; its data or its options were changed"));
  }
}

}  // namespace tunewright::data
