#include "tunewright/corpus/run_step.h"

#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::corpus {
namespace {

// Drops rows whose text was read before, doubles those that say "twice", and turns the order round.
class Probe final : public Step {
 public:
  struct Texts final : Notes {
    std::vector<std::pair<int64_t, std::string>> texts;
  };
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override {
    auto notes = std::make_unique<Texts>();
    for (size_t i = 0; i < batch.rows.size(); ++i)
      notes->texts.emplace_back(batch.rows[i], batch.documents[i].text());
    return notes;
  }
  void collect(std::unique_ptr<Notes> notes) override {
    for (const auto& [row, text] : dynamic_cast<Texts&>(*notes).texts) {
      first_.try_emplace(text, row);
      ++rows_;
    }
  }
  Verdict judge(Document& document, int64_t row) const override {
    const std::string text(document.text());
    if (first_.at(text) != row) return dropped(str("same as row ", first_.at(text)));
    if (text != "twice") return {};
    document.replace(0, "two times");
    auto verdict = changed("doubled");
    verdict.copies = 2;
    return verdict;
  }
  std::optional<std::vector<int64_t>> order() const override {
    std::vector<int64_t> order;
    for (int64_t row = rows_; row >= 0; --row) order.push_back(row);
    return order;
  }

 private:
  std::map<std::string, int64_t> first_;
  int64_t rows_ = 0;
};

TEST(RunStep, ReadsAheadJudgesAndAccountsForEveryRow) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "in.jsonl",
                    "{\"text\":\"a\"}\n\n{\"text\":\"twice\"}\nbroken\n{\"text\":\"a\"}\n");
  Probe step;
  const auto counts = run_step(
      step, {.in = folder / "in.jsonl", .out = folder / "out.jsonl", .ledger = folder / "l.jsonl"},
      silent_reporter());
  EXPECT_EQ(read_file(folder / "out.jsonl"),
            "{\"text\":\"two times\"}\n{\"text\":\"two times\"}\n{\"text\":\"a\"}\n");
  const auto source = (folder / "in.jsonl").string();
  EXPECT_EQ(
      read_file(folder / "l.jsonl"),
      str(R"({"source":")", source, R"(","row":0,"decision":"kept"})", "\n", R"({"source":")",
          source, R"(","row":1,"decision":"changed","reason":"doubled"})", "\n", R"({"source":")",
          source, R"(","row":2,"decision":"dropped","reason":"unreadable: not valid JSON: )",
          "The JSON document has an improper structure: missing or superfluous commas, braces, "
          "missing keys, etc.\"}\n",
          R"({"source":")", source, R"(","row":3,"decision":"dropped","reason":"same as row 0"})",
          "\n"));
  EXPECT_EQ(counts.rows, 4);
  EXPECT_EQ(counts.kept, 1);
  EXPECT_EQ(counts.changed, 1);
  EXPECT_EQ(counts.dropped, 2);
  EXPECT_EQ(counts.written, 3);
}

TEST(RunStep, TheNumberOfWorkersChangesNothing) {
  const testing::TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 60000; ++i) rows += str("{\"text\":\"row ", i % 5000, " of many words\"}\n");
  write_file_atomic(folder / "in.jsonl", rows);
  std::string first;
  for (const int64_t workers : {1, 3}) {
    const auto step = make_step("filter-length", {{"max_characters", 21}});
    run_step(*step, {.in = folder / "in.jsonl", .out = folder / "out.jsonl", .workers = workers},
             silent_reporter());
    const auto out = read_file(folder / "out.jsonl");
    if (first.empty()) first = out;
    EXPECT_TRUE(out == first && out.size() > 100000) << out.size();
  }
}

// Adds two rows behind each, in the order of the input or turned round.
class Adder final : public Step {
 public:
  explicit Adder(bool turned) : turned_(turned) {}
  bool needs_text() const override { return false; }
  Verdict judge(Document& document, int64_t row) const override {
    if (row == 1) return dropped("second");
    document.set_field("row", row);
    auto verdict = changed("marked");
    verdict.copies = 2;
    verdict.extra_lines = {str("{\"of\":", row, "}"), "{}"};
    return verdict;
  }
  std::optional<std::vector<int64_t>> order() const override {
    if (turned_) return std::vector<int64_t>{2, 1, 0};
    return std::nullopt;
  }

 private:
  bool turned_;
};

TEST(RunStep, AddedRowsStandBehindTheirOrigin) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "in.jsonl", "{}\n{\"a\":1}\n{\"text\":\"t\"}\n");
  const std::string first = "{\"row\":0}\n{\"row\":0}\n{\"of\":0}\n{}\n";
  const std::string third =
      "{\"text\":\"t\",\"row\":2}\n{\"text\":\"t\",\"row\":2}\n{\"of\":2}\n{}\n";
  for (const bool turned : {false, true}) {
    Adder step(turned);
    const auto counts =
        run_step(step, {.in = folder / "in.jsonl", .out = folder / "out.jsonl"}, silent_reporter());
    EXPECT_EQ(read_file(folder / "out.jsonl"), turned ? third + first : first + third);
    EXPECT_EQ(counts.added, 4);
    EXPECT_EQ(counts.written, 8);
  }
}

// Looks twice: at all rows, and then at those that the first reading chose.
class TwoReadings final : public Step {
 public:
  struct Rows final : Notes {
    std::vector<int64_t> rows;
  };
  void prepare(const StepResources& resources) override { workers_ = resources.workers; }
  bool reads_ahead() const override { return true; }
  int64_t passes() const override { return 1 + (chosen_.empty() ? 0 : 1); }
  bool wants(int64_t row) const override { return chosen_.empty() || chosen_.contains(row); }
  std::unique_ptr<Notes> read(const Batch& batch) const override {
    auto notes = std::make_unique<Rows>();
    notes->rows = batch.rows;
    return notes;
  }
  void collect(std::unique_ptr<Notes> notes) override {
    const auto& rows = dynamic_cast<Rows&>(*notes).rows;
    read_.insert(read_.end(), rows.begin(), rows.end());
  }
  void decide(Reporter& /*reporter*/) override {
    readings_.push_back(read_);
    if (readings_.size() == 1) chosen_ = {1, 3};
    read_.clear();
  }
  std::optional<Verdict> verdict_unseen(int64_t row) const override {
    if (row == 0) return dropped("never looked at");
    if (row == 3) return Verdict{};
    return std::nullopt;
  }
  Verdict judge(Document& /*document*/, int64_t row) const override {
    EXPECT_EQ(row, 1);
    return {};
  }

  int64_t workers_ = 0;
  std::vector<int64_t> read_;
  std::vector<std::vector<int64_t>> readings_;
  std::set<int64_t> chosen_;
};

TEST(RunStep, ReadsAgainWhatTheStepWants) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "in.jsonl",
                    "{\"text\":\"a\"}\n{\"text\":\"b\"}\nbroken\n{ \"text\":\"c\"}");
  TwoReadings step;
  const auto counts =
      run_step(step, {.in = folder / "in.jsonl", .out = folder / "new/out.jsonl", .workers = 3},
               silent_reporter());
  EXPECT_EQ(step.workers_, 3);
  EXPECT_EQ(step.readings_, (std::vector<std::vector<int64_t>>{{0, 1, 3}, {1, 3}}));
  EXPECT_EQ(read_file(folder / "new/out.jsonl"), "{\"text\":\"b\"}\n{ \"text\":\"c\"}\n");
  EXPECT_EQ(counts.dropped, 2);
}

TEST(RunStep, NothingReadable) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "in.jsonl", "x\n{}\n");
  const auto step = make_step("filter-length", {});
  const RunStepOptions options{.in = folder / "in.jsonl", .out = folder / "out.jsonl"};
  EXPECT_USER_ERROR(run_step(*step, options, silent_reporter()), "none of the 2 rows can be read");
  EXPECT_FALSE(fs::exists(folder / "out.jsonl"));
}

TEST(Steps, UnknownNamesAndOptions) {
  EXPECT_USER_ERROR(make_step("filter-lenght", {}), "did you mean 'filter-length'?");
  EXPECT_USER_ERROR(make_step("filter-length", {{"min_chars", 3}}), "min_chars: unknown key");
}

}  // namespace
}  // namespace tunewright::corpus
