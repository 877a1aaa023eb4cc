#include "tunewright/base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>

#include "tunewright/base/error.h"
#include "tunewright/base/spool.h"

namespace tunewright {

namespace {

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) {
    TUNEWRIGHT_ASSERT(EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1);
  }

  void update(std::string_view bytes) {
    TUNEWRIGHT_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }

  // In pieces: a mapped file would count as memory of the process.
  void update(const Spool& file) {
    file.for_each_chunk([&](std::string_view chunk) { update(chunk); });
  }

  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    TUNEWRIGHT_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      hex += kDigits[digest[i] >> 4];
      hex += kDigits[digest[i] & 15];
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free};
};

}  // namespace

struct Sha256::State {
  Digest digest{EVP_sha256()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) { state_->digest.update(bytes); }

std::string Sha256::hex_digest() { return state_->digest.hex(); }

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex_digest();
}

std::string sha256_file(const std::filesystem::path& path) {
  Digest digest(EVP_sha256());
  digest.update(Spool::open(path));
  return digest.hex();
}

std::string git_blob_id(const std::filesystem::path& path) {
  Digest digest(EVP_sha1());
  digest.update(std::string_view("blob "));
  digest.update(std::to_string(std::filesystem::file_size(path)));
  digest.update(std::string_view("\0", 1));
  digest.update(Spool::open(path));
  return digest.hex();
}

uint64_t fast_hash(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 fast_hash128(std::string_view bytes, uint64_t seed) {
  const auto hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {.high = hash.high64, .low = hash.low64};
}

}  // namespace tunewright
