#pragma once
// What score, generate, chat and merge share: flags, the loaded model, and text as it streams out.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/command.h"
#include "tunewright/data/render.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/stop_strings.h"

namespace tunewright::app {

// --model (required), --adapter, --dtype, --device.
void add_model_flags(CLI::App& command, model::ModelOptions& options);

struct SamplingFlags {
  model::SamplingOptions options;
  std::optional<double> temperature;
  std::vector<std::string> stops;

  // Greedy unless a sampling flag was given; top-k, top-p and min-p alone mean temperature 1.
  model::SamplingOptions resolve() const;
};
// --max-new-tokens, --temperature, --top-k, --top-p, --min-p, --repetition-penalty, --stop, --seed.
void add_sampling_flags(CLI::App& command, SamplingFlags& flags);

struct InferenceModel {
  data::TextModel text;
  std::unique_ptr<model::CausalLm> lm;
};
InferenceModel load_for_inference(const model::ModelOptions& options, Reporter& reporter);

// An answer as text: decoded token by token, special tokens left out, ended before a stop string.
class AnswerText {
 public:
  using Listener = std::function<void(std::string_view piece)>;
  AnswerText(const text::Tokenizer& tokenizer, const std::vector<std::string>& stops,
             Listener listener = {});

  bool put(int32_t id);  // false once a stop string is there
  std::string finish();  // the whole answer

 private:
  void give(const std::string& piece);

  text::StreamDecoder decoder_;
  model::StopStrings stops_;
  Listener listener_;
  std::string text_;
};

// Where the result rows of a command go: standard output, a file that appears when it is complete,
// or (--json without --out) the list in the result object.
class RowSink {
 public:
  RowSink(const Context& context, const std::string& out);
  ~RowSink();
  void write(Json row);
  // Completes the file and prints `summary` where --json or --out ask for it.
  void finish(Json summary);

 private:
  const Context& context_;
  std::string out_;
  std::unique_ptr<AtomicFile> file_;
  Json rows_ = Json::array();
};

}  // namespace tunewright::app
