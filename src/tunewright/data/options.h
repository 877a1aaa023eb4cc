#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/rows/rows.h"

namespace tunewright::data {

struct FileOptions {
  std::string path;
  rows::Format format = rows::Format::kAuto;
  double weight = 1.0;
};

enum class Overflow { kError, kTruncate, kSplit, kDrop };
inline constexpr std::array kOverflowNames = {
    std::pair{"error", Overflow::kError}, std::pair{"truncate", Overflow::kTruncate},
    std::pair{"split", Overflow::kSplit}, std::pair{"drop", Overflow::kDrop}};

enum class TrainOn { kCompletion, kAssistant, kLastAssistant, kAll };
inline constexpr std::array kTrainOnNames = {
    std::pair{"completion", TrainOn::kCompletion}, std::pair{"assistant", TrainOn::kAssistant},
    std::pair{"last_assistant", TrainOn::kLastAssistant}, std::pair{"all", TrainOn::kAll}};

// What happens where the proof before step one finds that training would teach something else than
// what is served (see proof.h).
enum class ProofMode { kRefuse, kWarn };
inline constexpr std::array kProofModeNames = {std::pair{"refuse", ProofMode::kRefuse},
                                               std::pair{"warn", ProofMode::kWarn}};

// `data:` of the configuration.
struct DataOptions {
  std::vector<FileOptions> train;
  std::vector<FileOptions> eval;
  int64_t max_length = 1024;
  Overflow overflow = Overflow::kError;
  bool packing = true;
  bool shuffle = true;
  TrainOn train_on = TrainOn::kCompletion;
  Json num_workers = "auto";
  std::string cache = "auto";
  ProofMode proof = ProofMode::kRefuse;

  // Threads that read rows: num_workers, or the number of cores.  Anything but "auto" or a number
  // from 1 on is a UserError.
  int64_t worker_count() const;
};

template <class V>
void fields(V& v, FileOptions& o) {
  v("path", o.path, "A JSON Lines file.");
  v.choice("format", o.format, rows::kFormatNames, "Format of its rows; auto looks at the keys.");
  v("weight", o.weight,
    "Share of the file in sampling, relative to the other files; where all are equal every row is "
    "used once an epoch.");
}

template <class V>
void fields(V& v, DataOptions& o) {
  v("train", o.train, "Files to train on.");
  v("eval", o.eval, "Files to evaluate on during training.");
  v("max_length", o.max_length, "Longest row in tokens.");
  v.choice("overflow", o.overflow, kOverflowNames,
           "What happens to a longer row: error, truncate, split (text and tokens rows) or drop; "
           "text rows are split instead of an error.");
  v("packing", o.packing,
    "Fill sequences of max_length with several rows; attention never crosses a row.");
  v("shuffle", o.shuffle, "A new order each epoch; false keeps the order of the files.");
  v.choice("train_on", o.train_on, kTrainOnNames, "Which tokens are supervised.");
  v("num_workers", o.num_workers,
    "Threads that render and tokenise rows; auto: one a core. Changes no number.");
  v("cache", o.cache,
    "Folder that keeps tokenised rows for the next run; auto: the user's cache folder, off: none.");
  v.choice("proof", o.proof, kProofModeNames,
           "Whether training is refused where the proof before step one fails.");
}

}  // namespace tunewright::data
