#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/http.h"

namespace tunewright {

struct ChatOptions {
  std::string endpoint;      // "http://localhost:8000/v1"
  std::string model;         // as the endpoint names it
  std::string api_key_file;  // file with the key; empty: none is sent
  std::string cache;         // file of answers; empty: none is kept
  double temperature = 0.7;
  int64_t max_tokens = 1024;  // of one answer
  int64_t retries = 4;
  int64_t timeout_seconds = 120;  // of one try
};

struct ChatQuestion {
  std::string prompt;
  int64_t seed = 0;          // part of the request: other seeds are other requests
  int64_t top_logprobs = 0;  // most likely tokens wanted at each place of the answer; 0: none
};

struct TokenLogprob {
  std::string token;
  double logprob = 0;
};

struct ChatAnswer {
  std::string text;  // without white space at its ends
  int64_t prompt_tokens = 0, completion_tokens = 0;
  bool cached = false;
  // The most likely tokens at each place of the answer; empty where the endpoint gives none.
  std::vector<std::vector<TokenLogprob>> top_logprobs;
};

// Asks any server that speaks OpenAI's chat completions.  Every answer goes into the cache, a line
// each, under the hash of its request, and is never asked for again: a run that is stopped goes on
// where it was.  Thread-safe.
class ChatClient {
 public:
  explicit ChatClient(ChatOptions options);

  // A refusal, an answer that is no chat completion, or a server that cannot be reached is a
  // UserError.
  ChatAnswer ask(const ChatQuestion& question);
  ChatAnswer ask(const std::string& prompt, int64_t seed) {
    return ask({.prompt = prompt, .seed = seed});
  }

  // At least the tokens of a request, where a token is a byte or more.
  int64_t most_tokens_in(const std::string& prompt) const;
  bool has_cached(const ChatQuestion& question) const;
  bool has_cached(const std::string& prompt, int64_t seed) const {
    return has_cached({.prompt = prompt, .seed = seed});
  }

 private:
  std::string request_of(const ChatQuestion& question) const;
  std::string key_of(const std::string& request) const;
  void load_cache();
  void remember(const std::string& key, const ChatAnswer& answer);

  ChatOptions options_;
  HttpOptions http_;
  std::string url_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, ChatAnswer> known_;
  std::unique_ptr<LineWriter> cache_;
};

}  // namespace tunewright
