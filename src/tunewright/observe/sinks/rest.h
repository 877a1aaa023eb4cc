#pragma once
#include <filesystem>
#include <string>

#include "tunewright/base/json.h"

namespace tunewright::observe {

// A JSON interface over HTTP.  One try a call and bounded in time: who calls decides about the
// next; a stop signal does not end it, since what a stopped run did is still to be told.  Failures
// are UserErrors with what the server says.
class RestClient {
 public:
  RestClient(std::string base_url, std::string bearer_token);
  Json post(const std::string& path, const Json& body) const;
  void put_file(const std::string& path, const std::filesystem::path& file) const;

 private:
  std::string base_url_, bearer_token_;
};

}  // namespace tunewright::observe
