#pragma once
// What every test of the project may use: gtest, a temporary folder, and the check of messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "tunewright/base/error.h"

namespace tunewright::testing {

// A fresh folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The server of tests/data/local_server.py, ended with the object.
class LocalServer {
 public:
  LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  ~LocalServer();
  std::string url(const std::string& path) const;  // of "/echo"

 private:
  int process_ = -1;
  std::string port_;
};

// What an optional holds; the test fails where it holds nothing.
template <class Optional>
auto& present(Optional& value) {
  if (!value) throw std::logic_error("a value was expected, and there is none");
  return *value;
}

// A file under the source tree ("tests/golden/x.json").
std::filesystem::path source_path(const std::string& relative);

}  // namespace tunewright::testing

// `statement` must throw a UserError whose message has `part` in it.
#define EXPECT_USER_ERROR(statement, part)                                      \
  try {                                                                         \
    statement;                                                                  \
    ADD_FAILURE() << "no UserError from " #statement;                           \
  } catch (const ::tunewright::UserError& error) {                              \
    EXPECT_THAT(::tunewright::full_message(error), ::testing::HasSubstr(part)); \
  }
