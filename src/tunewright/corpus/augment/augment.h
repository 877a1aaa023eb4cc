#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/chat_client.h"
#include "tunewright/corpus/augment/wordnet.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class AugmentMethod { kSwap, kDelete, kSynonyms, kTypos, kParaphrase, kBackTranslation };
inline constexpr std::array kAugmentNames = {
    std::pair{"swap", AugmentMethod::kSwap},
    std::pair{"delete", AugmentMethod::kDelete},
    std::pair{"synonyms", AugmentMethod::kSynonyms},
    std::pair{"typos", AugmentMethod::kTypos},
    std::pair{"paraphrase", AugmentMethod::kParaphrase},
    std::pair{"back_translation", AugmentMethod::kBackTranslation}};
enum class AugmentedTexts { kInputs, kAll };
inline constexpr std::array kAugmentedTextsNames = {std::pair{"inputs", AugmentedTexts::kInputs},
                                                    std::pair{"all", AugmentedTexts::kAll}};

struct AugmentOptions {
  AugmentMethod method = AugmentMethod::kSynonyms;
  int64_t variants = 1;  // of each row
  double rate = 0.1;     // of the words
  double share = 1;      // of the rows
  AugmentedTexts texts = AugmentedTexts::kInputs;
  std::string label_field = "label";
  std::vector<std::string> labels;  // empty: all rows
  std::string wordnet = "/usr/share/wordnet";
  ChatOptions chat;
  std::string prompt =
      "Rewrite the following text in other words. Keep its meaning, language, tone"
      " and names. Answer with the new text alone.\n\n{text}";
  std::string language = "English", pivot = "German";
  int64_t budget_tokens = 0;           // 0: no limit
  double budget_cost = 0;              // in the currency of the prices; 0: no limit
  double price_in = 0, price_out = 0;  // of a million tokens
  int64_t concurrency = 4;
  int64_t seed = 42;
};

template <class V>
void fields(V& v, AugmentOptions& o) {
  v.choice("method", o.method, kAugmentNames, "How texts are changed.");
  v("variants", o.variants, "New rows of each row; the original stays.");
  v("rate", o.rate, "Share of the words that are changed.");
  v("share", o.share, "Share of the rows that get variants, by lot.");
  v.choice("texts", o.texts, kAugmentedTextsNames,
           "inputs: text, prompt, instruction, input and users' turns; all: answers too.");
  v("label_field", o.label_field, "Field that `labels` looks at.");
  v("labels", o.labels, "Only rows with these labels; empty: all.");
  v("wordnet", o.wordnet, "Folder with WordNet's files, for synonyms.");
  v("endpoint", o.chat.endpoint, "Address of an OpenAI-compatible server (http://.../v1).");
  v("model", o.chat.model, "Model of the endpoint.");
  v("api_key_file", o.chat.api_key_file, "File with the key; empty: none.");
  v("cache", o.chat.cache, "File that keeps every answer, so that none is paid for twice.");
  v("temperature", o.chat.temperature, "Of the model's sampling.");
  v("max_tokens", o.chat.max_tokens, "Of one answer.");
  v("retries", o.chat.retries, "Of one request, where the server is busy or the line breaks.");
  v("timeout_seconds", o.chat.timeout_seconds, "Of one try.");
  v("prompt", o.prompt, "Of paraphrase; {text} is replaced by the text.");
  v("language", o.language, "Of the texts, for back_translation.");
  v("pivot", o.pivot, "Language that back_translation goes through.");
  v("budget_tokens", o.budget_tokens, "Tokens that may be used, in and out; 0: no limit.");
  v("budget_cost", o.budget_cost, "Money that may be spent, by the prices; 0: no limit.");
  v("price_in", o.price_in, "Price of a million tokens of requests.");
  v("price_out", o.price_out, "Price of a million tokens of answers.");
  v("concurrency", o.concurrency, "Requests at a time.");
  v("seed", o.seed, "Of all that is drawn by lot.");
}

// Adds changed copies behind rows, marked by a field `generated_by`.  What a model writes is asked
// for before the first row is written; a budget that is used up leaves the remaining rows without
// variants, and the report says so.
class Augment final : public Step {
 public:
  explicit Augment(const AugmentOptions& options);

  bool reads_ahead() const override { return asks_model(); }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  // A text that a model is to rewrite for a variant of a row.
  struct Task {
    int64_t row = 0, variant = 0;
    size_t place = 0;  // in texts()
    std::string text;
  };
  // Of the budget.
  struct Share {
    int64_t tokens = 0;
    double cost = 0;
  };
  struct Tasks;
  struct Rewritten;
  bool asks_model() const {
    return options_.method == AugmentMethod::kParaphrase ||
           options_.method == AugmentMethod::kBackTranslation;
  }
  bool is_chosen(const Document& document, int64_t row) const;
  std::vector<size_t> places_of(const Document& document) const;
  std::optional<std::string> edited(std::string_view text, int64_t row, int64_t variant,
                                    size_t place) const;
  Rewritten rewrite(const Task& task) const;
  std::vector<std::string> prompts_of(const Task& task) const;
  Share most_of(const Task& task) const;
  bool affords(const Share& more, const std::deque<Share>& under_way) const;
  double cost_of(int64_t tokens_in, int64_t tokens_out) const;
  void take(const Task& task, const Rewritten& rewritten);

  AugmentOptions options_;
  std::optional<WordNet> wordnet_;
  std::unique_ptr<ChatClient> chat_;
  std::vector<Task> tasks_;
  std::map<std::pair<int64_t, int64_t>, std::map<size_t, std::string>> rewritten_;  // row, variant
  int64_t tokens_in_ = 0, tokens_out_ = 0, requests_ = 0, cached_ = 0, empty_ = 0, unpaid_ = 0;
  mutable std::atomic<int64_t> added_ = 0, unchanged_ = 0;
};

}  // namespace tunewright::corpus
