#include "tunewright/text/decoder.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/byte_level.h"
#include "tunewright/text/regex.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

using Stage = Decoder::Stage;
using Sink = Decoder::Sink;

// Joins everything; whole characters go on at once.
class ByteLevelStage : public Stage {
 public:
  void put(std::string_view token, const Sink& next) override {
    const auto bytes = bytes_spelled(token);
    pending_ += bytes ? std::string_view(*bytes) : token;
    std::string text;
    pending_.erase(0, append_lossy_prefix(text, pending_));
    if (!text.empty()) next(text);
  }
  void finish(const Sink& next) override {
    if (!pending_.empty()) next(kReplacementUtf8);
  }

 private:
  std::string pending_;  // the beginning of a character
};

// A run of byte tokens is known only when it ends: one wrong byte spoils all of it.
class ByteFallbackStage : public Stage {
 public:
  void put(std::string_view token, const Sink& next) override {
    if (const auto byte = byte_of_token(token)) {
      run_ += static_cast<char>(*byte);
      return;
    }
    finish(next);
    next(token);
  }
  void finish(const Sink& next) override {
    if (run_.empty()) return;
    if (is_valid_utf8(run_)) {
      next(run_);
    } else {
      for (size_t i = 0; i < run_.size(); ++i) next(kReplacementUtf8);
    }
    run_.clear();
  }

 private:
  std::string run_;
};

class FuseStage : public Stage {
 public:
  void put(std::string_view token, const Sink& next) override { next(token); }
};

class MetaspaceStage : public Stage {
 public:
  MetaspaceStage(char32_t mark, bool drops_first) : mark_(mark), drops_first_(drops_first) {}
  void put(std::string_view token, const Sink& next) override {
    std::string text;
    for (size_t at = 0; at < token.size();) {
      const auto c = code_point_at(token, at);
      if (c.value != mark_) {
        text += token.substr(at, c.size);
      } else if (!(first_ && drops_first_)) {
        text += ' ';
      }
      at += c.size;
    }
    first_ = false;
    next(text);
  }

 private:
  char32_t mark_;
  bool drops_first_;
  bool first_ = true;
};

class ReplaceStage : public Stage {
 public:
  ReplaceStage(const Pattern& pattern, const std::string& content)
      : pattern_(pattern), content_(content) {}
  void put(std::string_view token, const Sink& next) override {
    parts_.clear();
    pattern_.cut(token, parts_);
    std::string text;
    for (const auto& part : parts_)
      text += part.is_match ? std::string_view(content_)
                            : token.substr(part.begin, part.end - part.begin);
    next(text);
  }

 private:
  Pattern pattern_;
  std::string content_;
  std::vector<Part> parts_;
};

struct StripCounts {
  std::string character;  // as UTF-8
  size_t start = 0;       // at most so many of it go at the start
  size_t stop = 0;        // and at the end
};

class StripStage : public Stage {
 public:
  explicit StripStage(StripCounts counts) : counts_(std::move(counts)) {}
  void put(std::string_view token, const Sink& next) override {
    const auto& c = counts_.character;
    for (size_t i = 0; i < counts_.start && token.starts_with(c); ++i)
      token.remove_prefix(c.size());
    for (size_t i = 0; i < counts_.stop && token.ends_with(c); ++i) token.remove_suffix(c.size());
    next(token);
  }

 private:
  StripCounts counts_;
};

// Strips the start of one long token that comes in pieces (each of whole characters).
class StripStartStage : public Stage {
 public:
  explicit StripStartStage(StripCounts counts) : counts_(std::move(counts)) {}
  void put(std::string_view piece, const Sink& next) override {
    while (counts_.start > 0 && piece.starts_with(counts_.character)) {
      piece.remove_prefix(counts_.character.size());
      --counts_.start;
    }
    if (piece.empty()) return;
    counts_.start = 0;
    next(piece);
  }

 private:
  StripCounts counts_;
};

// Waits for the end of one long token that comes in pieces, for stages that need it whole.
class WholeStage : public Stage {
 public:
  explicit WholeStage(std::unique_ptr<Stage> inner) : inner_(std::move(inner)) {}
  void put(std::string_view piece, const Sink&) override { whole_ += piece; }
  void finish(const Sink& next) override {
    inner_->put(whole_, next);
    inner_->finish(next);
  }

 private:
  std::unique_ptr<Stage> inner_;
  std::string whole_;
};

class SpacesStage : public Stage {
 public:
  void put(std::string_view token, const Sink& next) override {
    if (!first_) next(" ");
    first_ = false;
    next(token);
  }

 private:
  bool first_ = true;
};

// The suffix that ends a word becomes a space, but not at the end of the text.
class BpeSuffixStage : public Stage {
 public:
  explicit BpeSuffixStage(std::string suffix) : suffix_(std::move(suffix)) {}
  void put(std::string_view token, const Sink& next) override {
    if (waiting_) next(replace_all(last_, suffix_, " "));
    last_ = token;
    waiting_ = true;
  }
  void finish(const Sink& next) override {
    if (waiting_) next(replace_all(last_, suffix_, ""));
  }

 private:
  std::string suffix_, last_;
  bool waiting_ = false;
};

StripCounts parse_strip(const JsonNode& node) {
  StripCounts counts;
  append_utf8(counts.character, node.at("content").as_character());
  const auto count = [&](const char* key) {
    const auto value = node.at(key).as_int();
    if (value < 0) node.at(key).fail("expected 0 or more");
    return static_cast<size_t>(value);
  };
  counts.start = count("start");
  counts.stop = count("stop");
  return counts;
}

std::function<std::unique_ptr<Stage>()> waiting_for_whole(
    std::function<std::unique_ptr<Stage>()> make) {
  return [make = std::move(make)] { return std::make_unique<WholeStage>(make()); };
}

template <class S, class... Arguments>
std::function<std::unique_ptr<Stage>()> maker(Arguments... arguments) {
  return [=] { return std::make_unique<S>(arguments...); };
}

}  // namespace

Decoder::Decoding::Decoding(std::vector<std::unique_ptr<Stage>> stages)
    : stages_(std::move(stages)) {}

void Decoder::Decoding::feed(size_t stage, std::string_view token, std::string& out) {
  if (stage == stages_.size()) {
    out += token;
    return;
  }
  stages_[stage]->put(token, [&](std::string_view next) { feed(stage + 1, next, out); });
}

void Decoder::Decoding::put(std::string_view token, std::string& out) { feed(0, token, out); }

void Decoder::Decoding::finish(std::string& out) {
  for (size_t i = 0; i < stages_.size(); ++i) {
    stages_[i]->finish([&](std::string_view next) { feed(i + 1, next, out); });
  }
}

Decoder::Decoding Decoder::start() const {
  std::vector<std::unique_ptr<Stage>> stages;
  bool fused = false;
  for (const auto& step : steps_) {
    stages.push_back(fused ? step.make_fused() : step.make());
    fused |= step.fuses;
  }
  return Decoding(std::move(stages));
}

Decoder Decoder::spaces() {
  Decoder decoder;
  decoder.steps_.push_back({.make = maker<SpacesStage>(), .make_fused = maker<SpacesStage>()});
  return decoder;
}

Decoder Decoder::parse(const JsonNode& node) {
  Decoder decoder;
  decoder.add(node);
  return decoder;
}

void Decoder::add(const JsonNode& node) {
  static const std::vector<std::string> kNames = {"ByteLevel", "ByteFallback", "Metaspace",
                                                  "Replace",   "Fuse",         "Strip",
                                                  "Sequence",  "BPEDecoder"};
  const auto needs_whole = [&](std::function<std::unique_ptr<Stage>()> make) {
    steps_.push_back({.make = make, .make_fused = waiting_for_whole(make)});
  };
  switch (node.at("type").choice("the decoder", kNames)) {
    case 0:
      steps_.push_back({.make = maker<ByteLevelStage>(),
                        .make_fused = waiting_for_whole(maker<ByteLevelStage>()),
                        .fuses = true});
      return;
    case 1:
      return needs_whole(maker<ByteFallbackStage>());
    case 2: {
      const auto scheme = node.string_or(
          "prepend_scheme", node.bool_or("add_prefix_space", true) ? "always" : "never");
      return needs_whole(
          maker<MetaspaceStage>(node.at("replacement").as_character(), scheme != "never"));
    }
    case 3:
      return needs_whole(
          maker<ReplaceStage>(Pattern::parse(node.at("pattern")), node.at("content").as_string()));
    case 4:
      return steps_.push_back(
          {.make = maker<FuseStage>(), .make_fused = maker<FuseStage>(), .fuses = true});
    case 5: {
      const auto counts = parse_strip(node);
      if (counts.stop > 0) return needs_whole(maker<StripStage>(counts));
      return steps_.push_back(
          {.make = maker<StripStage>(counts), .make_fused = maker<StripStartStage>(counts)});
    }
    case 6:
      for (const auto& item : node.at("decoders").items()) add(item);
      return;
    default:
      return needs_whole(maker<BpeSuffixStage>(node.string_or("suffix", "</w>")));
  }
}

}  // namespace tunewright::text
