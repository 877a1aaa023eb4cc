#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/text/json_node.h"

namespace tunewright::text {

// Turns tokens back into text.  The description is immutable; each text takes a Decoding.
class Decoder {
 public:
  // From tokenizer.json's "decoder".  Without one, tokens are joined by spaces.
  static Decoder parse(const JsonNode& node);
  static Decoder spaces();

  using Sink = std::function<void(std::string_view)>;

  // One stage of a decoding in progress: takes tokens, gives tokens on.  Where the stage before it
  // has fused everything into one token, it takes pieces of that.
  class Stage {
   public:
    virtual ~Stage() = default;
    virtual void put(std::string_view token, const Sink& next) = 0;
    virtual void finish(const Sink& next) { static_cast<void>(next); }
  };

  // A text in the making.  What put() appends to `out` is final.
  class Decoding {
   public:
    explicit Decoding(std::vector<std::unique_ptr<Stage>> stages);
    void put(std::string_view token, std::string& out);
    void finish(std::string& out);

   private:
    void feed(size_t stage, std::string_view token, std::string& out);
    std::vector<std::unique_ptr<Stage>> stages_;
  };
  Decoding start() const;

 private:
  struct Step {
    std::function<std::unique_ptr<Stage>()> make;        // for separate tokens
    std::function<std::unique_ptr<Stage>()> make_fused;  // for pieces of one token
    bool fuses = false;
  };
  void add(const JsonNode& node);
  std::vector<Step> steps_;
};

}  // namespace tunewright::text
