#include "tunewright/base/chat_client.h"

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"

namespace tunewright {
namespace {

constexpr int64_t kBytesPerToken = 4;    // of servers that do not count
constexpr int64_t kTemplateTokens = 64;  // what a chat template adds at most

int64_t count_in(const Json& usage, const char* name, size_t bytes) {
  const auto it = usage.is_object() ? usage.find(name) : usage.end();
  if (usage.is_object() && it != usage.end() && it->is_number_unsigned()) return it->get<int64_t>();
  return static_cast<int64_t>(bytes) / kBytesPerToken + 1;
}

// The member of an object or the first of a list; null where there is none.
Json member(const Json& json, const char* name) {
  return json.is_object() && json.contains(name) ? json[name] : Json();
}
Json first(const Json& json) { return json.is_array() && !json.empty() ? json[0] : Json(); }

// {"content":[{"token":…,"logprob":…,"top_logprobs":[{"token":…,"logprob":…},…]},…]}
std::vector<std::vector<TokenLogprob>> parse_logprobs(const Json& logprobs) {
  std::vector<std::vector<TokenLogprob>> places;
  const auto content = member(logprobs, "content");
  if (!content.is_array()) return places;
  for (const auto& place : content) {
    auto& likely = places.emplace_back();
    const auto top = member(place, "top_logprobs");
    if (!top.is_array()) continue;
    for (const auto& one : top) {
      const auto token = member(one, "token"), logprob = member(one, "logprob");
      if (token.is_string() && logprob.is_number())
        likely.push_back({token.get<std::string>(), logprob.get<double>()});
    }
  }
  return places;
}

Json logprobs_json(const std::vector<std::vector<TokenLogprob>>& places) {
  Json content = Json::array();
  for (const auto& place : places) {
    Json likely = Json::array();
    for (const auto& [token, logprob] : place)
      likely.push_back({{"token", token}, {"logprob", logprob}});
    content.push_back({{"top_logprobs", std::move(likely)}});
  }
  return {{"content", std::move(content)}};
}

ChatAnswer parse_answer(const std::string& body, const std::string& url,
                        const std::string& prompt) {
  Json json;
  try {
    json = parse_json(body, url);
  } catch (const UserError&) {
    throw UserError(str(url, ": the answer is not JSON: ", excerpt(body, 200)));
  }
  const auto choice = first(member(json, "choices"));
  const auto message = member(choice, "message");
  const auto content = member(message, "content");
  if (!content.is_string() && !(message.is_object() && content.is_null()))
    throw UserError(str(url, ": the answer is not a chat completion: ", excerpt(body, 200)));
  ChatAnswer answer;
  if (content.is_string()) answer.text = trim(content.get<std::string>());
  answer.top_logprobs = parse_logprobs(member(choice, "logprobs"));
  const auto usage = member(json, "usage");
  answer.prompt_tokens = count_in(usage, "prompt_tokens", prompt.size());
  answer.completion_tokens = count_in(usage, "completion_tokens", answer.text.size());
  return answer;
}

std::string read_key(const std::string& path) {
  if (path.empty()) return "";
  auto key = std::string(trim(read_file(path)));
  if (key.empty() || key.find('\n') != std::string::npos)
    throw UserError(str(path, ": expected one line with the key"));
  return key;
}

}  // namespace

ChatClient::ChatClient(ChatOptions options) : options_(std::move(options)) {
  const auto& endpoint = options_.endpoint;
  if (!endpoint.starts_with("http://") && !endpoint.starts_with("https://"))
    throw UserError(str("endpoint: expected an address such as http://localhost:8000/v1, got '",
                        excerpt(endpoint), "'"));
  if (options_.model.empty())
    throw UserError("model: expected the name that the endpoint knows the model by");
  url_ = endpoint + (endpoint.ends_with('/') ? "" : "/") + "chat/completions";
  http_.bearer_token = read_key(options_.api_key_file);
  http_.retries = static_cast<int>(options_.retries);
  http_.stall_timeout_seconds = http_.total_timeout_seconds = options_.timeout_seconds;
  if (!options_.cache.empty()) load_cache();
}

// What a killed run left of a last line is passed over.
void ChatClient::load_cache() {
  bool broken_end = false;
  if (fs::exists(options_.cache)) {
    const auto text = read_file(options_.cache);
    broken_end = !text.empty() && text.back() != '\n';
    for (const auto& line : split(text, '\n')) {
      const auto json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      const auto key = member(json, "key"), answer = member(json, "text");
      if (!key.is_string() || !answer.is_string()) continue;
      known_[key.get<std::string>()] = {.text = answer.get<std::string>(),
                                        .cached = true,
                                        .top_logprobs = parse_logprobs(member(json, "logprobs"))};
    }
    if (known_.empty() && text.size() > 1 && !broken_end)
      throw UserError(str(options_.cache, ": is not a cache of answers; choose another file"));
  }
  cache_ = std::make_unique<LineWriter>(options_.cache);
  if (broken_end) cache_->write("");
}

std::string ChatClient::request_of(const ChatQuestion& question) const {
  Json request = {{"model", options_.model},
                  {"messages", Json::array({{{"role", "user"}, {"content", question.prompt}}})},
                  {"temperature", options_.temperature},
                  {"max_tokens", options_.max_tokens},
                  {"seed", question.seed}};
  if (question.top_logprobs > 0) {
    request["logprobs"] = true;
    request["top_logprobs"] = question.top_logprobs;
  }
  return dump_json(request);
}

std::string ChatClient::key_of(const std::string& request) const {
  return sha256(str(url_, "\n", request));
}

bool ChatClient::has_cached(const ChatQuestion& question) const {
  const std::lock_guard lock(mutex_);
  return known_.contains(key_of(request_of(question)));
}

int64_t ChatClient::most_tokens_in(const std::string& prompt) const {
  return static_cast<int64_t>(prompt.size()) + kTemplateTokens;
}

ChatAnswer ChatClient::ask(const ChatQuestion& question) {
  const auto request = request_of(question);
  const auto key = key_of(request);
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
  }
  const auto answer = parse_answer(http_post_json(url_, request, http_), url_, question.prompt);
  remember(key, answer);
  return answer;
}

void ChatClient::remember(const std::string& key, const ChatAnswer& answer) {
  const std::lock_guard lock(mutex_);
  auto known = answer;
  known.prompt_tokens = known.completion_tokens = 0;
  known.cached = true;
  if (!known_.try_emplace(key, known).second || !cache_) return;
  Json line = {{"key", key},
               {"text", answer.text},
               {"prompt_tokens", answer.prompt_tokens},
               {"completion_tokens", answer.completion_tokens}};
  if (!answer.top_logprobs.empty()) line["logprobs"] = logprobs_json(answer.top_logprobs);
  cache_->write(dump_json(line));
}

}  // namespace tunewright
