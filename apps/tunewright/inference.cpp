#include "tunewright/inference.h"

#include <iostream>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::app {
namespace {

template <class Table>
auto words(const Table& table) {
  std::map<std::string, typename Table::value_type::second_type> map;
  for (const auto& [word, meaning] : table) map.emplace(word, meaning);
  return CLI::CheckedTransformer(map);
}

}  // namespace

void add_model_flags(CLI::App& command, model::ModelOptions& options) {
  command
      .add_option("--model", options.path,
                  "Folder of the base model, as `tunewright pull` makes it")
      ->type_name("DIR")
      ->required();
  command.add_option("--adapter", options.adapter, "Folder of a PEFT adapter to put on top")
      ->type_name("DIR");
  command.add_option("--dtype", options.dtype, "auto, float32, bfloat16 or float16")
      ->type_name("NAME")
      ->transform(words(model::kDTypeNames));
  command
      .add_option(
          "--quantization", options.quantization,
          "Linear layers frozen in fewer bits: int8, nf4, or gguf (the folder's model.gguf)")
      ->type_name("NAME")
      ->transform(words(model::kQuantizationNames));
  command.add_option("--device", options.device, "auto, cpu or cuda")
      ->type_name("NAME")
      ->transform(words(model::kDeviceNames));
}

void add_sampling_flags(CLI::App& command, SamplingFlags& flags) {
  auto& options = flags.options;
  const auto add = [&](const char* name, auto& value, const std::string& help) {
    command.add_option(name, value, help)->group("Generation");
  };
  add("--max-new-tokens", options.max_new_tokens,
      str("Longest answer in tokens (", options.max_new_tokens, ")"));
  add("--temperature", flags.temperature,
      "0: always the most likely token (the default without a sampling flag)");
  add("--top-k", options.top_k, "Draw from the k most likely tokens");
  add("--top-p", options.top_p,
      "Draw from the most likely tokens that together have this probability");
  add("--min-p", options.min_p,
      "Draw from tokens with at least this share of the likeliest one's probability");
  add("--repetition-penalty", options.repetition_penalty,
      "Above 1: tokens that were there become less likely");
  add("--seed", options.seed, "Of the random numbers (0)");
  command.add_option("--stop", flags.stops, "End the answer before this text (repeatable)")
      ->group("Generation")
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false);
}

model::SamplingOptions SamplingFlags::resolve() const {
  auto resolved = options;
  const bool filters = options.top_k > 0 || options.top_p < 1.0 || options.min_p > 0.0;
  resolved.temperature = temperature.value_or(filters ? 1.0 : 0.0);
  resolved.validate();
  return resolved;
}

InferenceModel load_for_inference(const model::ModelOptions& options, Reporter& reporter) {
  if (!fs::is_directory(options.path)) {
    throw UserError(str("--model ", options.path,
                        ": no such folder; make one with `tunewright pull SOURCE --out ",
                        options.path, "`"));
  }
  auto text = data::TextModel::load(options.path);
  auto lm = model::load_causal_lm(options, reporter);
  return {std::move(text), std::move(lm)};
}

AnswerText::AnswerText(const text::Tokenizer& tokenizer, const std::vector<std::string>& stops,
                       Listener listener)
    : decoder_(tokenizer), stops_(stops), listener_(std::move(listener)) {}

void AnswerText::give(const std::string& piece) {
  text_ += piece;
  if (listener_ && !piece.empty()) listener_(piece);
}

bool AnswerText::put(int32_t id) {
  give(stops_.put(decoder_.put(id)));
  return !stops_.found();
}

std::string AnswerText::finish() {
  give(stops_.put(decoder_.finish()));
  give(stops_.finish());
  return text_;
}

RowSink::RowSink(const Context& context, const std::string& out) : context_(context), out_(out) {
  if (!out_.empty()) file_ = std::make_unique<AtomicFile>(out_);
}

RowSink::~RowSink() = default;

void RowSink::write(Json row) {
  if (file_) {
    file_->write(dump_json(row) + "\n");
  } else if (context_.json) {
    rows_.push_back(std::move(row));
  } else {
    std::cout << dump_json(row) << std::endl;
    check_standard_output();
  }
}

void RowSink::finish(Json summary) {
  if (file_) {
    file_->commit();
    summary["out"] = out_;
    print_result(context_, summary, str(out_, ": ", summary["rows"], " rows"));
  } else if (context_.json) {
    summary["results"] = std::move(rows_);
    print_result(context_, summary, "");
  }
}

}  // namespace tunewright::app
