#include "tunewright/corpus/build/build.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/base/version.h"
#include "tunewright/base/yaml.h"
#include "tunewright/corpus/build/ledger.h"
#include "tunewright/corpus/build/outputs.h"
#include "tunewright/corpus/build/stage.h"

namespace tunewright::corpus {
namespace {

std::string text_row(const std::string& text) { return dump_json({{"text", text}}) + "\n"; }

// Everything that lies in a folder, by name; work in progress left out.
std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

std::vector<Json> rows_of(const fs::path& file) {
  std::vector<Json> rows;
  LineReader lines(file);
  while (const auto line = lines.next()) rows.push_back(parse_json(*line, "test"));
  return rows;
}

class BuildTest : public ::testing::Test {
 protected:
  // Two files, of 45,000 and 3 rows, with repeats, short rows and a broken one.
  BuildTest() {
    std::string rows;
    for (int i = 0; i < 45000; ++i)
      rows += text_row(i % 9 == 0 ? "short" : str("row ", i % 30000, " has its own words"));
    write_file_atomic(folder_ / "in/a.jsonl", rows);
    write_file_atomic(folder_ / "in/b.jsonl", text_row("row 1 has its own words") + "{broken\n" +
                                                  text_row("the last of all rows"));
  }

  Json config(const std::string& out) const {
    return {{"sources", {{{"path", (folder_ / "in").string()}, {"limit", 100000}}}},
            {"steps", {{{"filter-length", {{"min_words", 2}}}}, {{"dedup-exact", Json::object()}}}},
            {"output_dir", (folder_ / out).string()}};
  }

  BuildResult run(const std::string& out, const BuildOptions& options = {}) const {
    return build(read_recipe(config(out)), options, silent_reporter());
  }

  testing::TemporaryFolder folder_;
};

TEST_F(BuildTest, AccountsForEveryRow) {
  const auto result = run("out");
  const auto ledger = rows_of(folder_ / "out/ledger.jsonl");
  ASSERT_EQ(ledger.size(), 45003U);
  EXPECT_EQ(ledger[0]["step"], "filter-length");
  EXPECT_EQ(ledger[1]["decision"], "kept");
  EXPECT_EQ(ledger[1]["split"], "train");
  EXPECT_EQ(ledger[30001]["step"], "dedup-exact");
  EXPECT_EQ(ledger[45000]["source"], (folder_ / "in/b.jsonl").string());
  EXPECT_EQ(ledger[45000]["row"], 0);
  EXPECT_EQ(ledger[45001]["step"], "reading");
  EXPECT_EQ(ledger[45002]["decision"], "kept");
  std::map<std::string, int64_t> decisions;
  for (const auto& line : ledger) ++decisions[line["decision"]];
  const auto written = rows_of(folder_ / "out/train.jsonl");
  EXPECT_EQ(std::ssize(written), decisions["kept"] + decisions["changed"]);
  EXPECT_EQ(result.report["rows"]["written"], written.size());
  EXPECT_EQ(result.report["rows"]["dropped"], decisions["dropped"]);
  std::set<std::string> texts;
  for (const auto& row : written) EXPECT_TRUE(texts.insert(row["text"]).second) << row;
  EXPECT_FALSE(fs::exists(folder_ / "out/.work"));
}

TEST_F(BuildTest, ReasonsNameOtherRowsByFileAndRowInIt) {
  write_file_atomic(folder_ / "in/c.jsonl",
                    text_row("the last of all rows") + text_row("row 30001 has its own words"));
  run("out");
  const auto ledger = rows_of(folder_ / "out/ledger.jsonl");
  const auto place = [&](int64_t row, const char* file) {
    return str("same text as row ", row, " of ", (folder_ / "in" / file).string());
  };
  EXPECT_EQ(ledger.at(30001)["reason"], place(1, "a.jsonl"));
  EXPECT_EQ(ledger.at(45000)["reason"], place(1, "a.jsonl"));
  EXPECT_EQ(ledger.at(45003)["reason"], place(2, "b.jsonl"));
  EXPECT_EQ(ledger.at(45004)["decision"], "kept");
}

TEST_F(BuildTest, TheCardSaysWhatWasWrittenAndTheManifestAllOfIt) {
  run("out");
  const auto card = read_file(folder_ / "out/README.md");
  const auto begin = card.find("```yaml\n") + 8;
  auto given = config("out");
  given.erase("output_dir");
  EXPECT_EQ(parse_yaml(card.substr(begin, card.rfind("```") - begin), "README.md"), given);
  EXPECT_THAT(card, ::testing::HasSubstr(version()));
  const auto recipe = parse_json(read_file(folder_ / "out/manifest.json"), "test")["recipe"];
  EXPECT_EQ(recipe["sources"][0]["max_expansion"], 250);
  EXPECT_EQ(recipe["steps"][0]["filter-length"]["min_words"], 2);
  EXPECT_TRUE(recipe["steps"][0]["filter-length"].contains("max_words"));
  EXPECT_FALSE(recipe.contains("output_dir"));
}

TEST(Recipes, AreShownWithTheirSeeds) {
  const Json config = {{"sources", {{{"path", "x"}}}},
                       {"steps", {"normalise", {{"pii", {{"threshold", 0.5}}}}}},
                       {"split", {{"train", 0.8}, {"seed", 7}}},
                       {"output_dir", "out"}};
  const auto recipe = read_recipe(config);
  EXPECT_EQ(
      as_given(recipe),
      Json({{"sources", {{{"path", "x"}}}},
            {"steps",
             {{{"normalise", Json::object()}}, {{"pii", {{"threshold", 0.5}, {"seed", 42}}}}}},
            {"split", {{"train", 0.8}, {"seed", 7}}}}));
  EXPECT_EQ(resolved(recipe)["split"]["seed"], 7);
  EXPECT_EQ(resolved(read_recipe(resolved(recipe))), resolved(recipe));
  EXPECT_NE(make_split(read_recipe(resolved(recipe))), nullptr);
  EXPECT_EQ(resolved(recipe)["steps"][1]["pii"]["action"], "replace");
}

TEST(Recipes, AreShownWithoutPasswords) {
  const auto recipe = read_recipe(
      {{"sources",
        {{{"path", "mails/a?.txt"}},
         {{"path", "postgresql://jo:secret@host/db?password=secret"}, {"query", "SELECT 1"}}}}});
  const auto shown = without_passwords(recipe);
  for (const auto& json : {resolved(shown), as_given(shown)}) {
    EXPECT_EQ(json["sources"][0]["path"], "mails/a?.txt");
    EXPECT_EQ(json["sources"][1]["path"], "postgresql://jo@host/db");
    EXPECT_EQ(dump_json(json).find("secret"), std::string::npos);
  }
}

TEST(RowNames, AreThoseOfTheRunsOneAfterTheOther) {
  const testing::TemporaryFolder folder;
  RowNames names(folder.path());
  names.add({.source = "a.jsonl", .first_row = 0, .count = 2});
  names.add({.source = "a.jsonl", .first_row = 5, .count = 1});
  names.add({.source = "b c 7.eml", .first_row = 0, .count = 1});
  ASSERT_EQ(names.size(), 4);
  EXPECT_EQ(names[1].source, "a.jsonl");
  EXPECT_EQ(names[1].row, 1);
  EXPECT_EQ(names[2].row, 5);
  EXPECT_EQ(names[3].source, "b c 7.eml");
  EXPECT_EQ(names[3].row, 0);
}

TEST_F(BuildTest, TheSameBytesHoweverTheWorkIsDivided) {
  run("one");
  const auto one = files_of(folder_ / "one");
  ASSERT_EQ(one.size(), 6U);
  run("three", {.workers = 3});
  EXPECT_EQ(files_of(folder_ / "three"), one);
  for (const int64_t job : {1, 0}) {
    EXPECT_USER_ERROR(run("jobs", {.part = BuildOptions::Part::kMerge}), "not all shards are made");
    run("jobs", {.part = BuildOptions::Part::kJob, .job = job, .jobs = 2, .workers = 2});
  }
  run("jobs", {.part = BuildOptions::Part::kMerge});
  EXPECT_EQ(files_of(folder_ / "jobs"), one);
}

TEST_F(BuildTest, GoesOnWhereItStopped) {
  run("whole");
  struct StopAt : Reporter {
    explicit StopAt(int64_t number) : left(number) {}
    void progress(std::string_view, int64_t, int64_t, std::string_view, std::string_view) override {
      if (--left == 0) request_stop();
    }
    void finish_progress() override {}
    void info(std::string_view message) override { said += message; }
    void warn(std::string_view) override {}
    int64_t left;
    std::string said;
  };
  int stops = 0;
  for (const int64_t at : {100, 20, 30, 8, 8, 12}) {
    StopAt reporter(at);
    const auto result = build(read_recipe(config("stopped")), {}, reporter);
    clear_stop_request();
    stops += result.is_stopped ? 1 : 0;
    if (!result.is_stopped) break;
    EXPECT_FALSE(fs::exists(folder_ / "stopped/train.jsonl"));
  }
  EXPECT_GE(stops, 2);
  run("stopped");
  EXPECT_EQ(files_of(folder_ / "stopped"), files_of(folder_ / "whole"));
}

TEST_F(BuildTest, RefusesWhatItShouldNotTouch) {
  write_file_atomic(folder_ / "out/train.jsonl", "mine\n");
  EXPECT_USER_ERROR(run("out"), "no build has written it");
  EXPECT_EQ(read_file(folder_ / "out/train.jsonl"), "mine\n");
  run("out", {.overwrite = true});
  run("out");     // its own files are replaced
  run("in/out");  // nothing of it lies there yet
  EXPECT_USER_ERROR(run("in/out"), "which is read; choose another folder");
}

TEST_F(BuildTest, NamesTheFileOfWhichNothingCanBeRead) {
  write_file_atomic(folder_ / "in/a.jsonl", "{broken\n");
  write_file_atomic(folder_ / "in/b.jsonl", "[1]\n");
  EXPECT_USER_ERROR(run("out"), (folder_ / "in/a.jsonl").string() + " row 0: ");
}

TEST_F(BuildTest, AnOutputFolderThatCannotBeReachedIsTheUsersError) {
  // A name longer than any file system takes is refused as a folder without permission is, also to
  // root.
  EXPECT_USER_ERROR(run(std::string(300, 'x')), "choose another folder");
}

TEST_F(BuildTest, AFileWithoutPermissionIsSetAside) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  fs::permissions(folder_ / "in/b.jsonl", fs::perms::none);
  run("out");
  const auto ledger = rows_of(folder_ / "out/ledger.jsonl");
  ASSERT_EQ(ledger.size(), 45001U);
  EXPECT_EQ(ledger.back()["step"], "reading");
  const auto manifest = parse_json(read_file(folder_ / "out/manifest.json"), "test");
  EXPECT_TRUE(manifest["sources"][0]["files"][1]["sha256"].is_null());
}

TEST(Recipes, SayWhatIsWrong) {
  const auto fails = [](const char* part, const Json& changes) {
    Json config = {{"sources", {{{"path", "x"}}}}};
    config.update(changes);
    EXPECT_USER_ERROR(make_steps(read_recipe(config)), part);
  };
  fails("sources: is empty", {{"sources", Json::array()}});
  fails("stepz: unknown key (did you mean 'steps'?)", {{"stepz", Json::array()}});
  fails("sources[0].mapp: unknown key (did you mean 'map'?)", {{"sources", {{{"mapp", 1}}}}});
  fails("steps[0]: there is no step 'dedup-exakt' (did you mean 'dedup-exact'?)",
        {{"steps", {"dedup-exakt"}}});
  fails("steps[1]: filter-length: min_word: unknown key",
        {{"steps", {"dedup-exact", {{"filter-length", {{"min_word", 3}}}}}}});
  fails("steps[0]: expected one step", {{"steps", {{{"a", 1}, {"b", 2}}}}});
}

// Doubles rows that say so, adds one behind them, changes others, and turns the order round.
class Turner final : public Step {
 public:
  bool reads_ahead() const override { return true; }
  struct Count final : Notes {
    int64_t rows = 0;
  };
  std::unique_ptr<Notes> read(const Batch& batch) const override {
    auto notes = std::make_unique<Count>();
    notes->rows = std::ssize(batch.rows);
    return notes;
  }
  void collect(std::unique_ptr<Notes> notes) override {
    rows_ += dynamic_cast<Count&>(*notes).rows;
  }
  Verdict judge(Document& document, int64_t) const override {
    if (document.text() == "gone") return dropped("gone");
    if (document.text() == "twice") {
      Verdict verdict{.copies = 2};
      verdict.extra_lines = {R"({"text":"made"})"};
      return verdict;
    }
    document.replace(0, str(document.text(), "!"));
    return changed("loud");
  }
  std::optional<std::vector<int64_t>> order() const override {
    std::vector<int64_t> order;
    for (int64_t row = rows_; row-- > 0;) order.push_back(row);
    return order;
  }
  Json summary() const override { return {{"rows", rows_}}; }

 private:
  int64_t rows_ = 0;
};

// By the text's length, after a step that keeps what is made from a row.
class SplitByLength final : public Step {
 public:
  Verdict judge(Document& document, int64_t) const override {
    if (document.text() == "b!") return dropped("no split for it");
    document.set_field("split", document.text().size() > 4 ? "test" : "train");
    return changed("");
  }
};

TEST(Stages, OrderCopiesAndSplitsAreTracedToTheSource) {
  const testing::TemporaryFolder folder;
  const Shard shard(folder.path(), "first");
  ShardWriter writer(shard);
  ChainResult rows;
  const std::vector<std::string> texts = {"a", "twice", "gone", "b"};
  for (size_t i = 0; i < texts.size(); ++i) {
    writer.add_input("f.jsonl", static_cast<int64_t>(i) + 5);
    rows.rows.push_back({.origin = static_cast<int64_t>(i),
                         .row = static_cast<int64_t>(i),
                         .line = dump_json({{"text", texts[i]}}),
                         .refused = {}});
  }
  writer.add(std::move(rows));
  writer.commit();
  const StageShards first = {{shard, 0, 4}};
  RowNames row_names(folder.path());
  for (const auto& run : shard.read_facts().runs) row_names.add(run);

  std::vector<NamedStep> steps;
  steps.push_back({"turner", std::make_unique<Turner>()});
  const StageOptions options{
      .folder = folder.path(), .number = 1, .plan = {0, 1}, .workers = 2, .names = row_names};
  auto stage = run_stage(steps, first, options, silent_reporter());
  EXPECT_EQ(
      read_file(stage.shards.at(0).shard.rows_file()),
      text_row("b!") + text_row("twice") + text_row("twice") + text_row("made") + text_row("a!"));
  EXPECT_EQ(stage.summary, Json({{"rows", 4}}));
  EXPECT_TRUE(stage.is_ordered);
  EXPECT_FALSE(fs::exists(shard.rows_file()));                  // no longer needed
  stage = run_stage(steps, first, options, silent_reporter());  // as after a stop: nothing to do
  EXPECT_EQ(stage.shards.at(0).rows, 5);

  SplitByLength split;
  const auto outputs = write_outputs(stage.shards,
                                     {.folder = folder / "out",
                                      .scratch = folder.path(),
                                      .split = &split,
                                      .split_number = 2,
                                      .source_rows = 4},
                                     silent_reporter());
  EXPECT_EQ(read_file(folder / "out/train.jsonl"), text_row("made") + text_row("a!"));
  EXPECT_EQ(read_file(folder / "out/test.jsonl"), text_row("twice") + text_row("twice"));
  EXPECT_TRUE(outputs.files.at(1).sha256.empty());

  std::map<int64_t, RowName> names = {{1, {}}};
  const std::vector<std::string> splits = {"train", "validation", "test"},
                                 step_names = {"reading", "turner", "split"};
  write_ledger({.first = first,
                .events = {&first, &stage.judged, &outputs.events},
                .is_sorted = {true, true, false},
                .fates = outputs.fates,
                .splits = splits,
                .steps = step_names},
               folder / "ledger.jsonl", names, silent_reporter());
  EXPECT_EQ(names.at(1).row, 6);
  EXPECT_EQ(
      read_file(folder / "ledger.jsonl"),
      R"({"source":"f.jsonl","row":5,"decision":"changed","reason":"turner: loud","split":"train"})"
      "\n"
      R"({"source":"f.jsonl","row":6,"decision":"kept","split":"test"})"
      "\n"
      R"({"source":"f.jsonl","row":7,"decision":"dropped","reason":"gone","step":"turner"})"
      "\n"
      R"({"source":"f.jsonl","row":8,"decision":"dropped","reason":"no split for it","step":"split"})"
      "\n");
}

}  // namespace
}  // namespace tunewright::corpus
