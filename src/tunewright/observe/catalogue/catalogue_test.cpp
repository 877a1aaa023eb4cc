#include "tunewright/observe/catalogue/catalogue.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/catalogue/compare.h"
#include "tunewright/observe/catalogue/filter.h"
#include "tunewright/observe/catalogue/index.h"
#include "tunewright/observe/catalogue/plot.h"
#include "tunewright/observe/catalogue/trace.h"

namespace tunewright::observe {
namespace {

using testing::TemporaryFolder;

class Catalogue : public ::testing::Test {
 protected:
  fs::path add(const std::string& name, double eval_loss, double rate = 2e-4) {
    const auto run = folder / name;
    write_file_atomic(run / "config.yaml",
                      str("model: {path: models/base}\nadapter: {type: lora, r: 8}\ntraining: "
                          "{learning_rate: ",
                          rate, ", seed: 1}\n"));
    write_file_atomic(run / "manifest.json",
                      dump_json({{"started", str("2026-01-0", 1 + runs++, "T00:00:00Z")},
                                 {"config_sha256", name}}));
    std::string metrics;
    for (int step = 1; step <= 20; ++step)
      metrics += dump_json({{"step", step}, {"loss", 2.0 / step}, {"tokens", 10}}) + "\n";
    metrics += dump_json({{"step", 20}, {"eval_loss", eval_loss}}) + "\n";
    write_file_atomic(run / "metrics.jsonl", metrics);
    return run;
  }
  std::vector<RunRecord> load() { return load_catalogue(folder.path(), silent_reporter()); }
  std::string names(const std::string& filter, const std::string& sort = "") {
    auto list = select(load(), Filter(filter));
    if (!sort.empty()) sort_by(list, sort);
    std::string text;
    for (const auto& run : list) text += run.name + " ";
    return text;
  }
  TemporaryFolder folder;
  int runs = 0;
};

TEST_F(Catalogue, FindsRunsAndReadsThem) {
  add("a", 1.0);
  add("study/b", 0.5);
  write_file_atomic(folder / "notes/readme.txt", "no run");
  const auto list = load();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "study/b");  // the newest first
  const auto& facts = list[0].facts;
  EXPECT_EQ(facts["status"], "unfinished");
  EXPECT_EQ(facts["steps"], 20);
  EXPECT_EQ(facts["tokens"], 200);
  EXPECT_EQ(facts["eval_loss"], 0.5);
  EXPECT_NEAR(facts["eval_perplexity"].get<double>(), std::exp(0.5), 1e-12);
  EXPECT_EQ(fact(list[0], "learning_rate"), 2e-4);
  EXPECT_EQ(fact(list[0], "adapter"), "lora");
  EXPECT_TRUE(fact(list[0], "nothing").is_null());
}

TEST_F(Catalogue, TheIndexFollowsTheFolders) {
  const auto run = add("a", 1.0);
  add("b", 0.5);
  load();
  ASSERT_TRUE(fs::exists(folder / "index.sqlite"));
  LineWriter(run / "metrics.jsonl").write(R"({"step":30,"eval_loss":0.25})");
  fs::remove_all(folder / "b");
  add("c", 3.0);
  auto list = load();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].facts["eval_loss"], 0.25);
  write_file_atomic(folder / "index.sqlite", "no database at all, but long enough to be looked at");
  EXPECT_EQ(load().size(), 2U);  // made anew
  fs::remove(folder / "index.sqlite");
  EXPECT_EQ(load().size(), 2U);
  EXPECT_EQ(load()[1].facts, list[1].facts);  // from the index, the same
}

TEST_F(Catalogue, ADamagedFileIsNamed) {
  const auto run = add("a", 1.0);
  write_file_atomic(run / "manifest.json", "{");
  EXPECT_EQ(load()[0].facts["damaged"], "manifest.json");
}

TEST_F(Catalogue, Filters) {
  add("a", 1.0, 1e-4);
  add("b", 0.5, 2e-4);
  add("c", 2.0, 3e-4);
  EXPECT_EQ(names(""), "c b a ");
  EXPECT_EQ(names("eval_loss<1.2 and adapter=lora"), "b a ");
  EXPECT_EQ(names("eval_loss<=0.5 or learning_rate>2e-4", "eval_loss"), "b c ");
  EXPECT_EQ(names("not (eval_loss<1.2)"), "c ");
  EXPECT_EQ(names("eval_loss!=1"), "c b ");
  EXPECT_EQ(names("training.learning_rate=0.0001"), "a ");
  EXPECT_EQ(names("model.path~BASE", "-eval_loss"), "c a b ");
  EXPECT_EQ(names("model.path=\"models/base\", eval_loss>=1"), "c a ");
  EXPECT_EQ(names("status<5"), "");  // a text is not less than a number
  EXPECT_EQ(names("", "-learning_rate"), "c b a ");
}

TEST_F(Catalogue, FilterMistakesAreNamed) {
  add("a", 1.0);
  EXPECT_USER_ERROR(names("eval_los<1"), "did you mean 'eval_loss'");
  EXPECT_USER_ERROR(names("eval_loss<"), "expected a value");
  EXPECT_USER_ERROR(names("eval_loss"), "expected one of");
  EXPECT_USER_ERROR(names("(eval_loss<1"), "expected ')'");
  EXPECT_USER_ERROR(names("eval_loss<1 eval_loss>0"), "expected `and`");
  EXPECT_USER_ERROR(names("a='x"), "a quote that does not end");
  EXPECT_USER_ERROR(names("", "lerning_rate"), "--sort");
  EXPECT_USER_ERROR(names(std::string(5000, '(')), "too many brackets");
}

TEST_F(Catalogue, HostileFiltersAreRefusedOrAnswered) {
  add("a", 1.0);
  const std::string_view letters = "ab=<>!~()'\" ,.andornot1\xC3\xA9";
  Random random(11);
  const auto list = load();
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (uint64_t n = random.below(14); n > 0; --n) text += letters[random.below(letters.size())];
    try {
      select(list, Filter(text));
    } catch (const UserError&) {  // said, not crashed
    }
  }
}

TEST_F(Catalogue, Compares) {
  const std::vector list = {read_run(folder.path(), add("a", 1.0, 1e-4)),
                            read_run(folder.path(), add("<b>", 0.5, 2e-4))};
  const auto comparison = compare(list, {"loss", "eval_loss", "nothing"});
  ASSERT_EQ(comparison.settings.size(), 1U);
  EXPECT_EQ(comparison.settings[0].key, "training.learning_rate");
  const auto it = std::ranges::find(comparison.figures, "eval_loss", &Comparison::Line::key);
  ASSERT_NE(it, comparison.figures.end());
  EXPECT_EQ(it->best, 1);
  ASSERT_EQ(comparison.charts.size(), 2U);
  const auto text = comparison_text(comparison, 80, false);
  EXPECT_THAT(text, ::testing::HasSubstr("training.learning_rate  0.0001  0.0002"));
  EXPECT_THAT(text, ::testing::HasSubstr("0.5 *"));
  const auto page = comparison_page(comparison);
  EXPECT_THAT(page, ::testing::HasSubstr("&lt;b&gt;"));
  for (const auto* part : {"<!DOCTYPE html>", "prefers-color-scheme:dark", "name=\"viewport\""})
    EXPECT_THAT(page, ::testing::HasSubstr(part));  // the frame of all pages
  EXPECT_THAT(page, ::testing::Not(::testing::HasSubstr("<b>0")));
  EXPECT_THAT(page, ::testing::Not(::testing::HasSubstr("http")));
  EXPECT_EQ(comparison_json(comparison)["differences"]["training.learning_rate"]["a"], 1e-4);
}

TEST_F(Catalogue, EvaluationsSayWhichWayTheirFiguresAreBetter) {
  const auto evaluate = [&](const fs::path& run, double value) {
    AuditTrail::beside(run).append(
        {.event = "evaluated",
         .subject = run,
         .details = {{"metrics", {{"t.log_loss", value}, {"t.roc_auc", value}, {"t.old", value}}},
                     {"lower_is_better", {{"t.log_loss", true}, {"t.roc_auc", false}}}}});
  };
  const auto a = add("a", 1.0), b = add("b", 1.0);
  evaluate(a, 0.5);
  evaluate(b, 0.25);
  std::vector list = {read_run(folder.path(), a), read_run(folder.path(), b)};
  add_audit_facts(list, AuditTrail::beside(a));
  const auto comparison = compare(list, {});
  EXPECT_TRUE(comparison.settings.empty());
  const auto best = [&](const char* key) {
    const auto it = std::ranges::find(comparison.figures, key, &Comparison::Line::key);
    return it == comparison.figures.end() ? -2 : it->best;
  };
  EXPECT_EQ(best("t.log_loss"), 1);
  EXPECT_EQ(best("t.roc_auc"), 0);
  EXPECT_EQ(best("t.old"), -1);  // of a trail that does not say
  // What is trained anew has not been evaluated.
  AuditTrail::beside(a).append({.event = "run_started", .subject = a});
  list = {read_run(folder.path(), a)};
  add_audit_facts(list, AuditTrail::beside(a));
  EXPECT_FALSE(list[0].facts.contains("t.log_loss"));
}

TEST_F(Catalogue, ApprovalsAreThoseThatStand) {
  const auto run = add("a", 1.0);
  write_file_atomic(run / "adapter/adapter_model.safetensors", "w");
  const auto approved_by = [&] {
    std::vector list = {read_run(folder.path(), run)};
    add_audit_facts(list, AuditTrail::beside(run));
    return list[0].facts.value("approved_by", "");
  };
  for (const auto* by : {"Alan", "Ada"}) approve(run, {.actor = "me", .by = by});
  EXPECT_EQ(approved_by(), "Ada, Alan");
  approve(run, {.actor = "me", .by = "Ada", .revoke = true});
  EXPECT_EQ(approved_by(), "Alan");
  write_file_atomic(run / "adapter/adapter_model.safetensors", "others");
  EXPECT_EQ(approved_by(), "");
}

TEST(Plot, ALineIsWhereItBelongs) {
  // From the lower left to the upper right of 2 x 1 characters: dots (0,3) (1,2) (2,1) (3,0).
  const auto text = braille_plot({{"up", {{0, 0}, {3, 3}}}}, {.columns = 2, .rows = 1}, false);
  EXPECT_THAT(text, ::testing::HasSubstr("┤⡠⠊"));
  EXPECT_THAT(text, ::testing::HasSubstr("━━ up: 3 at step 3"));
}

TEST(Plot, HostilePointsAreLeftOut) {
  const double nan = std::nan(""), infinite = INFINITY;
  EXPECT_EQ(braille_plot({}, {}, false), "(no points to draw)\n");
  EXPECT_EQ(braille_plot({{"x", {{1, nan}}}}, {}, false), "(no points to draw)\n");
  braille_plot({{"x", {{1, 1}, {2, infinite}, {3, nan}, {4, 1}}}}, {}, true);
  braille_plot({{"x", {{1, 5}}}}, {.columns = 1, .rows = 1}, true);
  EXPECT_EQ(ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks(1, 1, 5), (std::vector<double>{1}));
}

TEST_F(Catalogue, Traces) {
  write_file_atomic(folder / "data/train.jsonl", "{}\n");
  const auto data = sha256_file(folder / "data/train.jsonl");
  write_file_atomic(
      folder / "data/manifest.json",
      dump_json({{"outputs", {{{"path", "train.jsonl"}, {"sha256", data}}}},
                 {"sources", {{{"path", "mails/**"}, {"count", 3}, {"sha256", "s"}}}}}));
  const auto run = add("runs/a", 1.0);
  write_file_atomic(
      run / "manifest.json",
      dump_json({{"base_model", {{"path", "models/base"}, {"fingerprint_sha256", "f"}}},
                 {"data",
                  {{"files",
                    {{{"path", (folder / "data/train.jsonl").string()},
                      {"role", "train"},
                      {"sha256", data}}}}}}}));
  write_file_atomic(run / "adapter/adapter_model.safetensors", "w");
  write_file_atomic(folder / "merged/model.safetensors", "m");
  const auto trail = AuditTrail::beside(run);
  trail.append({.event = "merged",
                .subject = run,
                .inputs = artefacts_of({run / "adapter"}),
                .artefacts = artefacts_of({folder / "merged"}),
                .details = {{"out", "../merged"}}});
  trail.append({.event = "deployed",
                .subject = run,
                .inputs = artefacts_of({folder / "merged"}),
                .details = {{"out", "host"}}});
  const auto list = load_catalogue(folder / "runs", silent_reporter());
  const auto of_run = trace(run.string(), list, {trail});
  const auto backward = trace_text(of_run.backward);
  EXPECT_THAT(backward, ::testing::HasSubstr("base model models/base"));
  EXPECT_THAT(backward, ::testing::HasSubstr("[unchanged]"));
  EXPECT_THAT(backward, ::testing::HasSubstr("source mails/**"));
  const auto forward = trace_text(of_run.forward);
  EXPECT_THAT(forward, ::testing::HasSubstr("merged"));
  EXPECT_THAT(forward, ::testing::HasSubstr("deployed"));
  EXPECT_THAT(trace_text(trace((folder / "merged").string(), list, {trail}).backward),
              ::testing::HasSubstr("source mails/**"));
  EXPECT_THAT(trace_text(trace(data.substr(0, 12), list, {trail}).forward),
              ::testing::HasSubstr("deployed"));
  write_file_atomic(folder / "data/train.jsonl", "{} \n");
  EXPECT_THAT(trace_text(trace("a", list, {trail}).backward), ::testing::HasSubstr("[changed]"));
  EXPECT_USER_ERROR(trace("nonsense", list, {trail}), "is neither a run");
}

TEST_F(Catalogue, ABaselineAndAJudgeAreTracedAsSuch) {
  const auto run = add("runs/a", 1.0);
  write_file_atomic(run / "adapter/adapter_model.safetensors", "w");
  const auto trail = AuditTrail::beside(run);
  trail.append({.event = "evaluated", .inputs = artefacts_of({run / "adapter"}, "model")});
  trail.append({.event = "evaluated", .inputs = artefacts_of({run / "adapter"}, "baseline")});
  trail.append({.event = "evaluated", .inputs = artefacts_of({run / "adapter"}, "judge")});
  const auto list = load_catalogue(folder / "runs", silent_reporter());
  const auto uses = trace("a", list, {trail}).forward.next;
  ASSERT_EQ(uses.size(), 3U);
  EXPECT_THAT(uses[0].note, ::testing::Not(::testing::HasSubstr(", as the")));
  EXPECT_THAT(uses[1].note, ::testing::HasSubstr(", as the baseline"));
  EXPECT_THAT(uses[2].note, ::testing::HasSubstr(", as the judge"));
}

TEST_F(Catalogue, TheTrailsOfStudiesCount) {
  const auto run = add("runs/study/a", 1.0);
  write_file_atomic(run / "adapter/adapter_model.safetensors", "w");
  write_file_atomic(folder / "merged/model.safetensors", "m");
  const auto study = AuditTrail::beside(run), above = AuditTrail::beside(folder / "runs/b");
  study.append({.event = "merged",
                .subject = run,
                .inputs = artefacts_of({run / "adapter"}),
                .artefacts = artefacts_of({folder / "merged"}),
                .details = {{"out", study.name_of(folder / "merged")}}});
  above.append({.event = "evaluated", .inputs = artefacts_of({folder / "merged"})});
  write_file_atomic(run / "audit.jsonl", "");  // inside of a run: none of ours
  const auto trails = find_trails(folder / "runs");
  ASSERT_EQ(trails.size(), 2U);
  EXPECT_EQ(trails[0].file(), above.file());
  EXPECT_EQ(trails[1].file(), study.file());
  EXPECT_TRUE(find_trails(folder / "none").empty());
  const auto list = load_catalogue(folder / "runs", silent_reporter());
  // A link from one trail to the other: run, merged (study), evaluated (above).
  const auto forward = trace("study/a", list, trails).forward;
  ASSERT_EQ(forward.next.size(), 1U);
  EXPECT_EQ(forward.next[0].name, (folder / "merged").string());
  ASSERT_EQ(forward.next[0].next.size(), 1U);
  EXPECT_EQ(forward.next[0].next[0].kind, "evaluated");
  const auto backward = trace((folder / "merged").string(), list, trails).backward;
  EXPECT_EQ(backward.next[0].name, run.string());
}

}  // namespace
}  // namespace tunewright::observe
