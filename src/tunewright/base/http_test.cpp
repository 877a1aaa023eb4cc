#include "tunewright/base/http.h"

#include "tunewright/base/json.h"
#include "tunewright/base/test.h"

namespace tunewright {
namespace {

constexpr HttpOptions kQuick{.bearer_token = "", .retries = 2, .backoff_seconds = 0.01};

TEST(HttpPost, SendsJsonAndTheToken) {
  const testing::LocalServer server;
  auto options = kQuick;
  options.bearer_token = "secret";
  const std::string json = R"({"text":"né \u0000"})";
  const auto echo = parse_json(http_post_json(server.url("/echo"), json, options), "echo");
  EXPECT_EQ(echo["body"], json);
  EXPECT_EQ(echo["type"], "application/json");
  EXPECT_EQ(echo["authorization"], "Bearer secret");
  EXPECT_EQ(http_get(server.url("/requests"), kQuick), "1");
}

TEST(HttpPost, TriesABusyServerAgainAsOftenAsAsked) {
  const testing::LocalServer server;
  EXPECT_USER_ERROR(http_post_json(server.url("/busy/4"), "{}", kQuick), "status 503");
  EXPECT_EQ(http_get(server.url("/requests"), kQuick), "3");
  EXPECT_THAT(http_post_json(server.url("/busy/4"), "{}", kQuick), ::testing::HasSubstr("{}"));
  EXPECT_EQ(http_get(server.url("/requests"), kQuick), "5");
}

TEST(HttpPost, ARefusalSaysWhyAndIsNotRepeated) {
  const testing::LocalServer server;
  EXPECT_USER_ERROR(http_post_json(server.url("/status/400"), "{}", kQuick),
                    R"(status 400: {"error": "the reason"})");
  EXPECT_USER_ERROR(http_post_json(server.url("/status/401"), "{}", kQuick), "check the key");
  EXPECT_USER_ERROR(http_post_json(server.url("/redirect"), "{}", kQuick), "status 302");
  EXPECT_EQ(http_get(server.url("/requests"), kQuick), "3");
}

TEST(HttpPost, LimitsOfTimeAndSize) {
  const testing::LocalServer server;
  auto options = kQuick;
  options.total_timeout_seconds = 1;
  options.retries = 0;
  EXPECT_USER_ERROR(http_post_json(server.url("/slow"), "{}", options), "Timeout was reached");
  EXPECT_USER_ERROR(http_post_json(server.url("/long"), "{}", options, 1000), "longer than");
  EXPECT_USER_ERROR(http_post_json("http://127.0.0.1:1/", "{}", options), "cannot fetch");
}

}  // namespace
}  // namespace tunewright
