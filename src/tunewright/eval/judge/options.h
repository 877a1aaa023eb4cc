#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tunewright::eval {

// Who judges: a server that speaks OpenAI's chat completions, or a model in a local folder.
struct JudgeSource {
  std::string endpoint, model, api_key_file;
  std::string path;
};

template <class V>
void fields(V& v, JudgeSource& o) {
  v("endpoint", o.endpoint, "Address of an OpenAI-compatible server (http://.../v1).");
  v("model", o.model, "Model of the endpoint.");
  v("api_key_file", o.api_key_file, "File with the endpoint's key; empty: none is sent.");
  v("path", o.path, "Folder of a local model that judges, instead of an endpoint.");
}

inline constexpr const char* kDefaultRubric =
    "Is the answer correct, complete, clear and to the point? The highest mark is for an answer "
    "without a fault, the lowest for one that is wrong, useless or no answer at all.";

// `judge:` of the configuration.
struct JudgeOptions {
  JudgeSource source;
  std::string rubric = kDefaultRubric;
  std::vector<int64_t> scale = {1, 2, 3, 4, 5};
  bool pairwise = true;
  bool show_reference = true;
  std::vector<std::string> tasks;
  int64_t limit = 0;
  std::optional<JudgeSource> second;
  std::string human;
  std::string cache;
  int64_t retries = 3;
  int64_t timeout_seconds = 60;
  int64_t concurrency = 4;
  int64_t budget_tokens = 0;
  double budget_cost = 0, price_in = 0, price_out = 0;

  // A UserError that names the key; `where` opens it.
  void validate(const std::string& where) const;
};

template <class V>
void fields(V& v, JudgeOptions& o) {
  fields(v, o.source);
  v("rubric", o.rubric, "What the judge looks at.");
  v("scale", o.scale, "Marks that it may give, rising; the last is the best.");
  v("pairwise", o.pairwise, "Asks which of both answers is the better one, in both orders.");
  v("show_reference", o.show_reference, "Shows it the right answer too.");
  v("tasks", o.tasks, "Names of the tasks to judge; empty: those of type generation.");
  v("limit", o.limit, "Only the first so many rows of a task; 0: all.");
  v("second", o.second, "Another judge; how far both agree is reported. null: none.");
  v("human", o.human,
    "File of people's marks ({\"task\":…,\"row\":…,\"score\":…,\"preferred\":\"model\"}).");
  v("cache", o.cache, "File that keeps every answer, so that none is paid for twice.");
  v("retries", o.retries, "Of one request, where the server is busy or the line breaks.");
  v("timeout_seconds", o.timeout_seconds, "Of one try; what takes longer is counted invalid.");
  v("concurrency", o.concurrency, "Requests at a time.");
  v("budget_tokens", o.budget_tokens, "Tokens that may be used, in and out; 0: no limit.");
  v("budget_cost", o.budget_cost, "Money that may be spent, by the prices; 0: no limit.");
  v("price_in", o.price_in, "Price of a million tokens of requests.");
  v("price_out", o.price_out, "Price of a million tokens of answers.");
}

}  // namespace tunewright::eval
