#include "tunewright/observe/sinks/rest.h"

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"

namespace tunewright::observe {
namespace {

constexpr long kConnectSeconds = 5, kTotalSeconds = 30;
constexpr size_t kLongestAnswer = 16U << 20;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

size_t on_bytes(char* data, size_t size, size_t count, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (body.size() + size * count > kLongestAnswer) return 0;
  body.append(data, size * count);
  return size * count;
}

struct Call {
  std::string url, method, content_type, token;
  std::string_view body;
};

std::string perform(const Call& call) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const Curl curl(curl_easy_init(), &curl_easy_cleanup);
  auto* handle = curl.get();
  std::string answer;
  const Headers headers(
      curl_slist_append(nullptr, str("Content-Type: ", call.content_type).c_str()),
      &curl_slist_free_all);
  curl_easy_setopt(handle, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "tunewright");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kTotalSeconds);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.data());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  if (!call.token.empty()) {
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, call.token.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_bytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  const auto code = curl_easy_perform(handle);
  if (code != CURLE_OK) throw UserError(str(call.url, ": ", curl_easy_strerror(code)));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status >= 300) {
    throw UserError(
        str(call.url, ": the server answers with status ", status,
            trim(answer).empty() ? std::string() : str(": ", excerpt(trim(answer), 200))));
  }
  return answer;
}

}  // namespace

RestClient::RestClient(std::string base_url, std::string bearer_token)
    : base_url_(std::move(base_url)), bearer_token_(std::move(bearer_token)) {
  while (base_url_.ends_with('/')) base_url_.pop_back();
}

Json RestClient::post(const std::string& path, const Json& body) const {
  const auto text = dump_json(body);
  const auto url = base_url_ + path;
  const auto answer = perform({.url = url,
                               .method = "POST",
                               .content_type = "application/json",
                               .token = bearer_token_,
                               .body = text});
  return parse_json(trim(answer).empty() ? "{}" : answer, url);
}

void RestClient::put_file(const std::string& path, const fs::path& file) const {
  const MappedFile content(file);
  perform({.url = base_url_ + path,
           .method = "PUT",
           .content_type = "application/octet-stream",
           .token = bearer_token_,
           .body = content.text()});
}

}  // namespace tunewright::observe
