#include "tunewright/base/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright {
namespace {

constexpr double kMaxBackoffSeconds = 30;
constexpr long kMaxRedirects = 10;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

Curl make_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return {curl_easy_init(), &curl_easy_cleanup};
}

// Where the bytes of an answer go.  Nothing may be thrown through libcurl, so refusals are kept
// here.
struct Sink {
  std::function<bool(std::string_view)> accept;  // false ends the transfer
  std::function<void(int64_t now, int64_t total)> progress;
};

size_t on_bytes(char* data, size_t size, size_t count, void* user) {
  const auto accepted = static_cast<Sink*>(user)->accept({data, size * count});
  return accepted ? size * count : 0;
}

int on_progress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  const auto* sink = static_cast<Sink*>(user);
  if (sink->progress) sink->progress(now, total);
  return stop_requested() ? 1 : 0;
}

struct Answer {
  CURLcode code = CURLE_OK;
  long status = 0;
  double retry_after_seconds = 0;
};

struct Request {
  const std::string& url;
  int64_t from = 0;                   // the first byte that is wanted
  const std::string* json = nullptr;  // what is posted; none: a GET
};

Answer transfer(const Request& request, const HttpOptions& options, Sink& sink) {
  const auto& url = request.url;
  const auto curl = make_curl();
  auto* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "tunewright");
  const Headers headers(
      request.json ? curl_slist_append(nullptr, "Content-Type: application/json") : nullptr,
      &curl_slist_free_all);
  if (request.json) {  // a refusal says why in its body
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.json->size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.json->data());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  } else {
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  }
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR,
                   url.starts_with("https:") ? "https" : "http,https");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, options.connect_timeout_seconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, options.total_timeout_seconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, options.stall_timeout_seconds);
  curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(request.from));
  if (!options.bearer_token.empty()) {
    // libcurl keeps these from other hosts; a header written by hand might follow a redirect.
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, options.bearer_token.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_bytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &sink);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  Answer answer{.code = curl_easy_perform(handle)};
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_off_t wait = 0;
  curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait);
  answer.retry_after_seconds = static_cast<double>(wait);
  if (request.json && answer.code == CURLE_OK && answer.status >= 300)
    answer.code = CURLE_HTTP_RETURNED_ERROR;
  return answer;
}

bool is_transient(const Answer& answer) {
  switch (answer.code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return true;
    case CURLE_HTTP_RETURNED_ERROR:
      return answer.status == 408 || answer.status == 429 || answer.status >= 500;
    default:
      return false;
  }
}

[[noreturn]] void fail(const std::string& url, const Answer& answer, int attempts) {
  if (stop_requested()) throw UserError(str(url, ": stopped; run the same command again to go on"));
  if (answer.code != CURLE_HTTP_RETURNED_ERROR) {
    throw UserError(str(url, ": cannot fetch: ", curl_easy_strerror(answer.code), " (after ",
                        attempts, attempts == 1 ? " try" : " tries",
                        "); check the network and run the same command again"));
  }
  const char* hint = "";
  if (answer.status == 401 || answer.status == 403)
    hint = "; it may need a token (HF_TOKEN) or its terms accepted on its page";
  if (answer.status == 404) hint = "; check the name and the revision";
  throw UserError(str(url, ": the server answers with status ", answer.status, hint));
}

[[noreturn]] void fail_post(const std::string& url, const Answer& answer, std::string_view body) {
  const char* hint = answer.status == 401 || answer.status == 403   ? "; check the key"
                     : answer.status == 404 || answer.status == 405 ? "; check the address"
                     : answer.status == 429 ? "; too many requests: try again later"
                                            : "";
  throw UserError(str(url, ": the server answers with status ", answer.status, hint,
                      trim(body).empty() ? std::string() : str(": ", excerpt(trim(body), 200))));
}

// Waits before try number `attempt`, but not past a stop signal.
void back_off(const HttpOptions& options, int attempt, double asked_seconds) {
  const double growing = options.backoff_seconds * static_cast<double>(1 << std::min(attempt, 10));
  const double wait = std::min(kMaxBackoffSeconds, std::max(growing, asked_seconds));
  const double end = monotonic_seconds() + wait;
  while (monotonic_seconds() < end && !stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

// An append-only file, and the error that stopped it.
class PartFile {
 public:
  explicit PartFile(const fs::path& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0)
      throw UserError(str(path.string(), ": cannot create: ", std::strerror(errno)));
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() { ::close(descriptor_); }

  int64_t size() const {
    struct stat info{};
    ::fstat(descriptor_, &info);
    return info.st_size;
  }
  void clear() {
    if (::ftruncate(descriptor_, 0) != 0) error_ = errno;
  }
  bool append(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        error_ = errno;
        return false;
      }
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }
  void sync() {
    if (error_ == 0 && ::fsync(descriptor_) != 0) error_ = errno;
    throw_error();
  }
  void throw_error() const {
    if (error_ == 0) return;
    const char* hint = error_ == ENOSPC || error_ == EDQUOT
                           ? "; free some space or choose another output folder"
                           : "";
    throw UserError(str(path_.string(), ": cannot write: ", std::strerror(error_), hint));
  }

 private:
  fs::path path_;
  int descriptor_ = -1;
  int error_ = 0;
};

// One try.  True: all is there.
bool fetch_rest(const HttpFile& file, const HttpOptions& options, Reporter& reporter,
                PartFile& part, Answer& answer) {
  const auto from = part.size();
  if (file.bytes >= 0 && from == file.bytes) return true;
  if (file.bytes >= 0 && from > file.bytes) {
    part.clear();
    return fetch_rest(file, options, reporter, part, answer);
  }
  Sink sink{.accept = [&](std::string_view bytes) { return part.append(bytes); },
            .progress =
                [&](int64_t now, int64_t total) {
                  const auto whole = file.bytes >= 0 ? file.bytes : total > 0 ? from + total : 0;
                  if (now > 0) reporter.progress(file.label, from + now, whole, "bytes", "");
                }};
  answer = transfer({.url = file.url, .from = from}, options, sink);
  part.throw_error();
  // The server cannot go on from the middle, or what is there does not fit: begin again.
  const bool range_refused = answer.code == CURLE_RANGE_ERROR ||
                             (answer.code == CURLE_HTTP_RETURNED_ERROR && answer.status == 416);
  if (range_refused && from > 0) {
    part.clear();
    return fetch_rest(file, options, reporter, part, answer);
  }
  return answer.code == CURLE_OK;
}

std::string hash_difference(const char* kind, const std::string& hash,
                            const std::string& expected) {
  return hash == expected ? ""
                          : str("its ", kind, " is ", hash, " where ", expected, " was expected");
}

void check_download(const HttpFile& file, const fs::path& part) {
  const auto problem = difference_from(file, part);
  if (problem.empty()) return;
  fs::remove(part);
  throw UserError(
      str(file.url, ": ", problem, "; what came is removed: try again, or take another revision"));
}

// The body of the answer, after as many tries as it takes.
std::string ask(const Request& request, const HttpOptions& options, size_t limit_bytes) {
  for (int attempt = 0;; ++attempt) {
    std::string body;
    bool too_long = false;
    Sink sink{.accept =
                  [&](std::string_view bytes) {
                    too_long |= body.size() + bytes.size() > limit_bytes;
                    if (!too_long) body += bytes;
                    return !too_long;
                  },
              .progress = nullptr};
    const auto answer = transfer(request, options, sink);
    if (too_long) {
      throw UserError(str(request.url, ": the answer is longer than ",
                          human_bytes(static_cast<double>(limit_bytes))));
    }
    if (answer.code == CURLE_OK) return body;
    if (!is_transient(answer) || attempt >= options.retries || stop_requested()) {
      if (request.json && answer.code == CURLE_HTTP_RETURNED_ERROR && !stop_requested())
        fail_post(request.url, answer, body);
      fail(request.url, answer, attempt + 1);
    }
    back_off(options, attempt, answer.retry_after_seconds);
  }
}

}  // namespace

std::string http_get(const std::string& url, const HttpOptions& options, size_t limit_bytes) {
  return ask({.url = url}, options, limit_bytes);
}

std::string http_post_json(const std::string& url, const std::string& json,
                           const HttpOptions& options, size_t limit_bytes) {
  return ask({.url = url, .json = &json}, options, limit_bytes);
}

std::string difference_from(const HttpFile& file, const fs::path& content) {
  const auto size = static_cast<int64_t>(fs::file_size(content));
  if (file.bytes >= 0 && size != file.bytes)
    return str("got ", size, " bytes where the list of files says ", file.bytes);
  if (!file.sha256.empty()) return hash_difference("SHA-256", sha256_file(content), file.sha256);
  if (!file.git_blob.empty())
    return hash_difference("git hash", git_blob_id(content), file.git_blob);
  return "";
}

void http_download(const HttpFile& file, const HttpOptions& options, Reporter& reporter) {
  const auto part_path = fs::path(file.out.string() + ".part");
  if (!file.out.parent_path().empty()) fs::create_directories(file.out.parent_path());
  // Without a hash nobody could tell whether an old beginning fits a new end.
  if (file.sha256.empty()) fs::remove(part_path);
  {
    PartFile part(part_path);
    Answer answer;
    for (int attempt = 0; !fetch_rest(file, options, reporter, part, answer); ++attempt) {
      if (!is_transient(answer) || attempt >= options.retries || stop_requested())
        fail(file.url, answer, attempt + 1);
      reporter.warn(str(file.label, ": ", curl_easy_strerror(answer.code), "; going on from byte ",
                        part.size()));
      back_off(options, attempt, answer.retry_after_seconds);
    }
    part.sync();
  }
  reporter.finish_progress();
  check_download(file, part_path);
  fs::rename(part_path, file.out);
}

}  // namespace tunewright
