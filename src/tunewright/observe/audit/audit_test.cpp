#include "tunewright/observe/audit/audit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/audit/verify.h"

namespace tunewright::observe {
namespace {

using testing::TemporaryFolder;

class Audit : public ::testing::Test {
 protected:
  Audit() : trail(folder / "audit.jsonl") {}

  void add(int count) {
    for (int i = 0; i < count; ++i)
      trail.append({.actor = "me", .event = "evaluated", .details = {{"n", i}, {"x", 0.1 * i}}});
  }
  std::vector<std::string> lines() const {
    auto list = split(read_file(trail.file()), '\n');
    list.pop_back();
    return list;
  }
  void write(const std::vector<std::string>& list) const {
    std::string text;
    for (const auto& line : list) text += line + "\n";
    write_file_atomic(trail.file(), text);
  }
  Verification check(const std::string& head = "") const {
    const auto heads = head.empty() ? std::vector<std::string>() : std::vector{head};
    return verify(trail, {.heads = heads}, silent_reporter());
  }
  std::string first_problem() const {
    const auto found = check();
    return found.sound() ? "" : str(found.problems[0].line, ": ", found.problems[0].text);
  }
  // Changes a line as somebody would who knows the format: its own hash fits again.
  static std::string forged(const std::string& line, const char* key, const Json& value) {
    auto json = parse_json(line, "");
    json[key] = value;
    json["sha256"] = line_hash(json);
    return canonical_json(json);
  }

  TemporaryFolder folder;
  AuditTrail trail;
};

TEST_F(Audit, AWholeChainIsSound) {
  add(5);
  const auto found = check();
  EXPECT_TRUE(found.sound()) << first_problem();
  EXPECT_EQ(found.head.lines, 5);
  EXPECT_EQ(found.head.sha256, read_head(trail.head_file())->sha256);
  const auto first = parse_json(lines()[0], "");
  EXPECT_EQ(first["previous"], kNoLine);
  EXPECT_EQ(parse_json(lines()[1], "")["previous"], first["sha256"]);
  EXPECT_EQ(first["index"], 0);
}

TEST_F(Audit, AHashIsThatOfTheCanonicalLine) {  // as another program would compute it
  add(1);
  const auto line = lines()[0];
  const auto own = parse_json(line, "")["sha256"].get<std::string>();
  const auto without = replace_all(line, str(",\"sha256\":\"", own, "\""), "");
  EXPECT_EQ(sha256(without), own);
}

TEST_F(Audit, EveryByteCounts) {
  add(3);
  const auto whole = read_file(trail.file());
  Random random(7);
  for (int i = 0; i < 300; ++i) {
    auto text = whole;
    const auto at = random.below(text.size());
    const auto byte = static_cast<char>(32 + random.below(95));
    if (text[at] == byte) continue;
    text[at] = byte;
    write_file_atomic(trail.file(), text);
    EXPECT_FALSE(check().sound()) << "byte " << at << " became " << byte;
  }
}

TEST_F(Audit, AnAlteredLineIsFound) {
  add(4);
  auto list = lines();
  list[1] = replace_all(list[1], "\"me\"", "\"you\"");
  write(list);
  EXPECT_EQ(first_problem(), "2: was altered: its hash is not that of its content");
}

TEST_F(Audit, AForgedLineIsFoundByTheNext) {
  add(4);
  auto list = lines();
  list[1] = forged(list[1], "actor", "you");
  write(list);
  EXPECT_EQ(first_problem(), "3: is not bound to the line before: one of the two was replaced");
}

TEST_F(Audit, AForgedLastLineIsFoundByTheHead) {
  add(4);
  auto list = lines();
  list[3] = forged(list[3], "actor", "you");
  write(list);
  EXPECT_EQ(first_problem(), "0: line 4 is not the one that the head names");
}

TEST_F(Audit, AMissingLineIsFound) {
  add(4);
  auto list = lines();
  list.erase(list.begin() + 1);
  write(list);
  EXPECT_THAT(first_problem(), ::testing::StartsWith("2: 1 line(s) before this one are missing"));
}

TEST_F(Audit, ReorderedLinesAreFound) {
  add(4);
  auto list = lines();
  std::swap(list[1], list[2]);
  write(list);
  EXPECT_FALSE(check().sound());
}

TEST_F(Audit, ARepeatedLineIsFound) {
  add(3);
  auto list = lines();
  list.push_back(list[1]);
  write(list);
  EXPECT_THAT(first_problem(), ::testing::StartsWith("4: stands in the wrong place"));
}

TEST_F(Audit, ATruncatedTrailIsFound) {
  add(4);
  const auto noted = check().head.sha256;
  auto list = lines();
  list.pop_back();
  write(list);
  EXPECT_EQ(first_problem(),
            "0: 1 line(s) at the end are missing: the head counts 4, the trail has 3");
  // And with the head forged to fit, by the hash that was noted elsewhere.
  write_file_atomic(trail.head_file(),
                    dump_json({{"lines", 3}, {"sha256", parse_json(list[2], "")["sha256"]}}));
  EXPECT_TRUE(check().sound());
  EXPECT_FALSE(check(noted).sound());
}

TEST_F(Audit, AMissingHeadIsFound) {
  add(2);
  fs::remove(trail.head_file());
  EXPECT_THAT(first_problem(), ::testing::HasSubstr("audit.head is missing"));
  write_file_atomic(trail.head_file(), "nonsense");
  EXPECT_THAT(first_problem(), ::testing::HasSubstr("is not a head of an audit trail"));
  add(1);  // is on record
  EXPECT_EQ(first_problem(), "3: when it was written the head could not be read");
}

TEST_F(Audit, ALineAfterATruncationKeepsTheEvidence) {
  add(4);
  auto list = lines();
  list.pop_back();
  write(list);
  add(2);  // the head fits again
  EXPECT_EQ(first_problem(), "4: when it was written the head said 4 lines, and 3 were there");
}

TEST_F(Audit, AWriterKilledInALineLosesNothing) {  // whatever the byte
  add(3);
  const auto whole = read_file(trail.file());
  const auto head = read_file(trail.head_file());
  add(1);
  const auto next = read_file(trail.file()).substr(whole.size());
  for (size_t cut = 0; cut < next.size(); cut += 7) {
    write_file_atomic(trail.file(), whole + next.substr(0, cut));
    write_file_atomic(trail.head_file(), head);
    if (cut > 0) {
      EXPECT_THAT(first_problem(), ::testing::HasSubstr("is cut off"));
    }
    add(1);
    const auto found = check();
    EXPECT_TRUE(found.sound()) << "cut at " << cut << ": " << first_problem();
    EXPECT_EQ(found.head.lines, cut > 0 ? 5 : 4);
    EXPECT_EQ(found.notes.size(), cut > 0 ? 1U : 0U);
  }
}

TEST_F(Audit, AWriterKilledBeforeTheHeadLosesNothing) {
  add(3);
  const auto head = read_file(trail.head_file());
  add(1);
  write_file_atomic(trail.head_file(), head);
  EXPECT_TRUE(check().sound()) << first_problem();
  add(1);
  EXPECT_TRUE(check().sound()) << first_problem();
}

TEST_F(Audit, SeveralProcessesAndThreadsWriteAtOnce) {
  constexpr int kProcesses = 3, kThreads = 2, kLines = 15;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const auto child = ::fork();
    if (child == 0) {
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; ++t) threads.emplace_back([this] { add(kLines); });
      for (auto& thread : threads) thread.join();
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto found = check();
  EXPECT_TRUE(found.sound()) << first_problem();
  EXPECT_EQ(found.head.lines, kProcesses * kThreads * kLines);
}

TEST_F(Audit, AProcessThatIsKilledLeavesASoundTrail) {
  Random random(3);
  for (int i = 0; i < 8; ++i) {
    const auto child = ::fork();
    if (child == 0) {
      for (;;) add(1);
    }
    ::usleep(static_cast<useconds_t>(2000 + random.below(20000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    add(1);  // what the killed one left half-written is cut off here
    EXPECT_TRUE(check().sound()) << first_problem();
  }
}

TEST_F(Audit, FilesAreComparedWithTheNewestLineAboutThem) {
  const auto run = folder / "run";
  write_file_atomic(run / "model", "old");
  const auto note = [&](const std::string& event) {
    trail.append({.event = event, .subject = run, .artefacts = artefacts_of({run / "model"})});
  };
  note("run_finished");
  EXPECT_EQ(check().artefacts_sound, 1);
  write_file_atomic(run / "model", "new");
  EXPECT_EQ(first_problem(),
            "1: run/model is no longer the file that it names: its content has changed");
  note("card_written");
  EXPECT_TRUE(check().sound());
  write_file_atomic(run / "model", "other");
  trail.append({.event = "run_started", .subject = run});  // its files will be others
  EXPECT_TRUE(check().sound());
  fs::remove(run / "model");
  note("run_finished");
  EXPECT_TRUE(check().sound());
}

TEST_F(Audit, NoTrailIsAnError) { EXPECT_USER_ERROR(check(), "there is no audit trail"); }

class Approvals : public ::testing::Test {
 protected:
  Approvals() {
    write_file_atomic(run / "config.yaml", "{}");
    write_file_atomic(weights, "weights");
  }
  Head decide(const std::string& by, bool revoke = false) {
    return approve(run, {.actor = "me", .by = by, .note = "looked", .revoke = revoke});
  }
  TemporaryFolder folder;
  fs::path run = folder / "run", weights = run / "adapter/adapter_model.safetensors";
};

TEST_F(Approvals, AreOfThePersonsThatTheRuleNames) {
  EXPECT_FALSE(is_approved(run));
  decide("Ada");
  EXPECT_TRUE(is_approved(run));
  EXPECT_TRUE(is_approved(run / "adapter"));
  EXPECT_TRUE(is_approved(run, {.by = {"Alan", "Ada"}}));
  EXPECT_FALSE(is_approved(run, {.by = {"Alan"}}));
  EXPECT_FALSE(is_approved(run, {.at_least = 2}));
  decide("Ada");  // the same person twice is one
  EXPECT_FALSE(is_approved(run, {.at_least = 2}));
  decide("Alan");
  EXPECT_TRUE(is_approved(run, {.at_least = 2}));
  EXPECT_EQ(approvals_of(run)[0].note, "looked");
}

TEST_F(Approvals, AreOfTheWeightsAsTheyWere) {
  decide("Ada");
  write_file_atomic(weights, "others");
  EXPECT_FALSE(is_approved(run));
  write_file_atomic(weights, "weights");
  EXPECT_TRUE(is_approved(run));
}

TEST_F(Approvals, CanBeTakenBack) {
  decide("Ada");
  decide("Ada", /*revoke=*/true);
  EXPECT_FALSE(is_approved(run));
}

TEST_F(Approvals, OfAnAlteredTrailDoNotCount) {
  decide("Ada");
  const auto file = folder / "audit.jsonl";
  write_file_atomic(file, replace_all(read_file(file), "Ada", "Eve"));
  EXPECT_FALSE(is_approved(run));
}

TEST_F(Approvals, NeedAName) {
  EXPECT_USER_ERROR(decide(" "), "--by");
  fs::remove_all(run / "adapter");
  EXPECT_USER_ERROR(decide("Ada"), "holds no trained weights");
}

TEST_F(Audit, InputsKeepTheirRoles) {
  write_file_atomic(folder / "w", "w");
  auto inputs = artefacts_of({folder / "w"}, "baseline");
  inputs.push_back({folder / "x", "00"});
  trail.append({.event = "evaluated", .inputs = inputs});
  const auto read = trail.read()[0].inputs;
  EXPECT_EQ(read[0].role, "baseline");
  EXPECT_EQ(read[1].role, "");
  EXPECT_EQ(parse_json(lines()[0], "")["inputs"][1].size(), 2U);
  EXPECT_TRUE(check().sound());
}

TEST(RunOf, OnlyAdapterAndModelBelongToTheFolderAbove) {
  TemporaryFolder folder;
  for (const auto* name : {"config.yaml", "checkpoints/x", "adapter/x", "model/x", "base/x"})
    write_file_atomic(folder / "run" / name, "");
  write_file_atomic(folder / "run/second/metrics.jsonl", "");
  const auto run = folder / "run";
  for (const auto* name : {"", "adapter", "adapter/", "model"}) EXPECT_EQ(run_of(run / name), run);
  EXPECT_EQ(run_of(run / "second"), run / "second");
  // A project with a config.yaml of its own is no run of the models in it.
  for (const auto* name : {"base", "checkpoints", "models/adapter", "none"})
    EXPECT_EQ(run_of(run / name), run / name);
}

}  // namespace
}  // namespace tunewright::observe
