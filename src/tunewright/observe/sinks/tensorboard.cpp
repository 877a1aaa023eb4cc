// TensorBoard's event files: TFRecords (length, masked CRC-32C of it, bytes, masked CRC-32C of
// them) of tensorflow.Event messages.
#include <unistd.h>

#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/sinks/checksum.h"
#include "tunewright/observe/sinks/sink.h"
#include "tunewright/observe/sinks/stream_file.h"
#include "tunewright/observe/sinks/wire.h"

namespace tunewright::observe {
namespace {

namespace event {
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;
}
namespace summary {
constexpr int kValue = 1;
}
namespace value {
constexpr int kTag = 1, kSimpleValue = 2, kTensor = 8, kMetadata = 9;
}
namespace tensor {
constexpr int kDtype = 1, kShape = 2, kStringValue = 8;
constexpr int kString = 7;  // DT_STRING
}  // namespace tensor
constexpr const char* kFileVersionText = "brain.Event:2";

std::string record(const std::string& bytes) {
  const auto length = little_endian_bytes(static_cast<uint64_t>(bytes.size()));
  return length + little_endian_bytes(masked(crc32c(length))) + bytes +
         little_endian_bytes(masked(crc32c(bytes)));
}

// A text of the "Text" tab, which reads Markdown.
Message text_value(const std::string& tag, const std::string& markdown) {
  Message plugin, metadata, dimension, shape, content;
  metadata.message(1, plugin.text(1, "text"));
  shape.message(2, dimension.integer(1, 1));
  content.integer(tensor::kDtype, tensor::kString)
      .message(tensor::kShape, shape)
      .text(tensor::kStringValue, markdown);
  Message one;
  one.text(value::kTag, tag).message(value::kMetadata, metadata).message(value::kTensor, content);
  return one;
}

std::string host_name() {
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  return name;
}

class TensorboardSink : public MetricSink {
 public:
  std::string_view name() const override { return "tensorboard"; }

  void begin(const TrackedRun& run) override {
    const auto folder = run.folder / "tensorboard";
    if (fs::is_directory(folder)) {
      std::vector<fs::path> old;
      for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().filename().string().starts_with("events.out.tfevents."))
          old.push_back(entry.path());
      }
      for (const auto& path : old) fs::remove(path);
    }
    file_.emplace(folder / str("events.out.tfevents.", static_cast<int64_t>(run.started), ".",
                               host_name(), ".", ::getpid(), ".0"));
    Message version;
    version.number(event::kWallTime, run.started).text(event::kFileVersion, kFileVersionText);
    Message config, values;
    values.message(summary::kValue, text_value("config/text_summary",
                                               str("```yaml\n", dump_yaml(run.config), "```")));
    config.number(event::kWallTime, run.started).message(event::kSummary, values);
    file_->write(record(version.bytes()) + record(config.bytes()));
  }

  void write(std::span<const TimedLine> lines) override {
    std::string bytes;
    for (const auto& line : lines) {
      Message values;
      for (const auto& [key, number] : numbers_of(line.metrics)) {
        Message one;
        one.text(value::kTag, key).single(value::kSimpleValue, static_cast<float>(number));
        values.message(summary::kValue, one);
      }
      Message whole;
      whole.number(event::kWallTime, line.time)
          .integer(event::kStep, line.metrics.value("step", int64_t{0}))
          .message(event::kSummary, values);
      bytes += record(whole.bytes());
    }
    file_->write(bytes);
  }

  void end(const RunEnd&) override { file_.reset(); }

 private:
  std::optional<StreamFile> file_;
};

}  // namespace

std::unique_ptr<MetricSink> make_tensorboard_sink() { return std::make_unique<TensorboardSink>(); }

}  // namespace tunewright::observe
