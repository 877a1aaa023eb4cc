#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "tunewright/base/progress.h"

namespace tunewright {

struct HttpOptions {
  std::string
      bearer_token;  // Sent to the host of the URL only, never to where it redirects; empty: none.
  int retries = 5;   // After a broken connection, a busy or failing server; 0: none.
  double backoff_seconds = 0.5;  // Before the first retry; doubles each time.
  long connect_timeout_seconds = 20;
  long stall_timeout_seconds = 60;  // Without a byte for this long the connection counts as broken.
  long total_timeout_seconds = 0;   // For one try as a whole; 0: none.
};

// The body of a small resource.  A refusal, a missing page or a body over `limit_bytes` is a
// UserError.
std::string http_get(const std::string& url, const HttpOptions& options,
                     size_t limit_bytes = 64U << 20);

// Posts a JSON text and gives the body of the answer.  Redirects are not followed.  A refusal is a
// UserError with the beginning of what the server says; a try that is repeated after a broken
// connection may reach the server twice.
std::string http_post_json(const std::string& url, const std::string& json,
                           const HttpOptions& options, size_t limit_bytes = 64U << 20);

struct HttpFile {
  std::string url;
  std::filesystem::path out;
  std::string sha256;    // of the whole file; empty: not checked
  std::string git_blob;  // the same by git_blob_id(), where there is no SHA-256
  int64_t bytes = -1;    // of the whole file; -1: not known
  std::string label;     // for the progress bar
};

// What tells the bytes of `content` from the file's own, by size and hash; empty: nothing does.
std::string difference_from(const HttpFile& file, const std::filesystem::path& content);

// Downloads into `out` + ".part", renamed when all is there and the hash is right.  A broken
// connection, or a .part of an earlier run whose hash is known, goes on where it stopped.  A wrong
// hash is a UserError, and the bytes are removed.
void http_download(const HttpFile& file, const HttpOptions& options, Reporter& reporter);

}  // namespace tunewright
