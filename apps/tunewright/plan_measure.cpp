#include "tunewright/plan_measure.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <system_error>
#include <thread>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/data_storage.h"
#include "tunewright/train/plan/calibration.h"
#include "tunewright/train/step_gradients.h"

namespace tunewright::app {

struct MeasureRequest {
  RunConfig config;
  train::BlockCounts blocks;
  std::vector<std::vector<int64_t>> passes, evaluation;  // as indices of examples
  bool several_passes = false;
  double seconds = 0;
  double begun_at = 0;  // monotonic_seconds() of the process that asks
};

template <class V>
void fields(V& v, MeasureRequest& o) {
  v("config", o.config, "");
  v("blocks", o.blocks, "");
  v("passes", o.passes, "");
  v("evaluation", o.evaluation, "");
  v("several_passes", o.several_passes, "");
  v("seconds", o.seconds, "");
  v("begun_at", o.begun_at, "");
}

namespace {

constexpr const char *kRequest = "request.json", *kResult = "result.json", *kErrors = "errors.txt";

// On the disk of the run, and gone with the object.
class Scratch {
 public:
  explicit Scratch(const RunConfig& config)
      : folder_(existing_folder_above(config.output_dir) / str(".tunewright-plan-", ::getpid())) {
    std::error_code error;
    if (!fs::create_directory(folder_, error) && error) {
      throw UserError(str(folder_.string(), ": cannot be made (", error.message(),
                          "); `plan` writes a checkpoint where output_dir will be, to measure it"));
    }
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  fs::path operator/(const char* name) const { return folder_ / name; }

 private:
  fs::path folder_;
};

pid_t start_process(const Scratch& scratch) {
  const auto request = (scratch / kRequest).string(), errors = (scratch / kErrors).string();
  std::array<std::string, 4> words = {"tunewright", "plan", "--measure", request};
  std::array<char*, 5> arguments = {words[0].data(), words[1].data(), words[2].data(),
                                    words[3].data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t process = 0;
  const int error =
      ::posix_spawn(&process, "/proc/self/exe", &actions, nullptr, arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw UserError(str("plan: a process to measure in cannot be started: ",
                        std::generic_category().message(error)));
  }
  return process;
}

// Its status as waitpid gives it.  A stop ends the process.
int wait_for(pid_t process) {
  for (int status = 0;;) {
    if (::waitpid(process, &status, WNOHANG) == process) return status;
    if (stop_requested()) ::kill(process, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void check_status(int status, const Scratch& scratch) {
  if (stop_requested()) throw UserError("plan: stopped");
  if (WIFEXITED(status) && WEXITSTATUS(status) == kDone) return;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    throw UserError(
        "plan: the system ended the process that measured, as it does when memory runs out; lower "
        "training.tokens_per_pass, or free memory");
  }
  auto said = std::string(trim(read_file(scratch / kErrors)));
  constexpr std::string_view kName = "tunewright: ";
  if (const auto at = said.rfind(kName); at != std::string::npos) said.erase(0, at + kName.size());
  if (WIFEXITED(status) && WEXITSTATUS(status) == kInputError) throw UserError(said);
  throw InternalError(str("measuring failed: ", said));
}

std::vector<std::vector<int64_t>> examples_of(const std::vector<data::PassLayout>& passes) {
  std::vector<std::vector<int64_t>> examples;
  for (const auto& pass : passes) examples.push_back(pass.examples);
  return examples;
}

struct Effort {
  train::BlockCounts blocks;
  double seconds = 0;
};

train::Measurement measure_in_process(const Job& job, const Survey& survey, const Effort& effort) {
  const Scratch scratch(job.config);
  MeasureRequest request{.config = job.config,
                         .blocks = effort.blocks,
                         .passes = examples_of(survey.passes),
                         .evaluation = examples_of(survey.evaluation),
                         .several_passes = survey.load.several_passes,
                         .seconds = effort.seconds,
                         .begun_at = monotonic_seconds()};
  write_file_atomic(scratch / kRequest, dump_json(to_json_object(request)));
  check_status(wait_for(start_process(scratch)), scratch);
  return from_json<train::Measurement>(read_json(scratch / kResult), kResult);
}

bool fits(const Job& job, const Survey& survey, const train::BlockCounts& blocks) {
  auto size = survey.size;
  size.blocks = blocks.total();
  const auto recipe = with_blocks(recipe_of(job.config), blocks);
  const double need = memory_floor(size, recipe, survey.load).total(survey.load.several_passes);
  constexpr double kMargin = 1.25;  // for what a lower bound leaves out
  return kMargin * need < double(usable_bytes(memory_limits()));
}

// Seconds that a block takes of all passes to be measured, where `smallest` took one of each kind.
double seconds_of_a_block(const Survey& survey, const train::Measurement& smallest) {
  const auto& largest = survey.passes.front();
  const double block = double(survey.size.block_matrix) * double(largest.tokens),
               head = double(survey.size.embedding) * double(largest.targets);
  double tokens = double(largest.tokens) * (survey.load.several_passes ? 3 : 1);
  for (const auto& pass : survey.passes) tokens += double(pass.tokens);
  return smallest.pass_seconds.front() * block / (block + head) / double(smallest.blocks.total()) *
         tokens / double(largest.tokens);
}

// How many blocks more than one: as many as the time allows, at least so many that a block's share
// can be told from noise.
int64_t blocks_to_add(const Survey& survey, const train::Measurement& smallest, double seconds) {
  constexpr int64_t kLeast = 4;
  const double block = std::max(1e-6, seconds_of_a_block(survey, smallest));
  return std::max(kLeast, static_cast<int64_t>(seconds / block));
}

int64_t longest_example(const Job& job) {
  int64_t longest = 0;
  for (const auto* rows : {&job.train, job.eval_set()}) {
    for (size_t i = 0; rows != nullptr && i < rows->examples.size(); ++i)
      longest = std::max(longest, rows->examples.length(i));
  }
  return longest;
}

}  // namespace

Survey survey(const Job& job) {
  const auto& config = job.config;
  Survey found{.layout = lay_out_run(job.rows(), config.data, config.training)};
  found.passes = train::representative(passes_of(found.layout));
  found.evaluation = train::representative(found.layout.evaluation);
  if (found.evaluation.size() > 3) found.evaluation.resize(3);
  found.size = model::model_size(config.model, config.adapter);
  found.load = train::load_of(found.layout);
  found.floor = train::memory_floor(found.size, recipe_of(config), found.load);
  found.longest_example = longest_example(job);
  return found;
}

std::optional<train::Measurement> measure(const Job& job, const Survey& survey,
                                          Reporter& reporter) {
  constexpr double kSmallSeconds = 2, kLargeSeconds = 8;
  const auto target = train::block_counts(survey.size.blocks, recipe_of(job.config));
  const auto smallest = train::smallest_blocks(target);
  if (!fits(job, survey, smallest)) return std::nullopt;
  const auto say = [&](int64_t done, int64_t all, const train::BlockCounts& blocks) {
    reporter.progress("measuring", done, all, "models",
                      str("now of ", blocks.total(), " of ", target.total(), " blocks"));
  };
  const auto kinds = std::ssize(train::larger_blocks(target, 1));
  say(0, 1 + kinds, smallest);
  std::vector<train::Measurement> measured = {
      measure_in_process(job, survey, {.blocks = smallest, .seconds = kSmallSeconds})};
  auto more = blocks_to_add(survey, measured.front(), kLargeSeconds);
  const auto all_fit = [&] {
    return std::ranges::all_of(train::larger_blocks(target, more),
                               [&](const auto& blocks) { return fits(job, survey, blocks); });
  };
  while (more > 1 && !all_fit()) more /= 2;
  for (const auto& blocks : train::larger_blocks(target, more)) {
    say(std::ssize(measured), 1 + kinds, blocks);
    measured.push_back(
        measure_in_process(job, survey, {.blocks = blocks, .seconds = kLargeSeconds}));
  }
  reporter.finish_progress();
  return train::extrapolate(measured, target);
}

int measure_here(const fs::path& file) {
  const auto request = from_json<MeasureRequest>(read_json(file), file.string());
  auto config =
      with_recipe(request.config, train::with_blocks(recipe_of(request.config), request.blocks));
  config.adapter.path.clear();  // it has as many blocks as the model; a new one takes as much
  auto job = load_rows(config, silent_reporter());
  const auto start_bytes = double(resident_bytes());
  load_model(job, silent_reporter());
  const auto loading_bytes = double(peak_resident_bytes());
  train::CalibrationWork work{.several_passes = request.several_passes,
                              .side_by_side = train::parts_side_by_side(
                                  *job.model, job.train, config.data, config.training),
                              .seconds = request.seconds,
                              .scratch = file.parent_path() / "checkpoint"};
  for (const auto& pass : request.passes)
    work.passes.push_back(data::batch_of(job.train.examples, pass));
  for (const auto& pass : request.evaluation)
    work.evaluation.push_back(data::batch_of(job.eval->examples, pass));
  const double start_seconds = monotonic_seconds() - request.begun_at;
  auto found = train::calibrate(*job.model, config.training, work);
  found.blocks = request.blocks;
  found.start_bytes = start_bytes;
  found.loading_bytes = loading_bytes;
  found.start_seconds = start_seconds;
  write_file_atomic(file.parent_path() / kResult, dump_json(to_json_object(found)));
  return kDone;
}

}  // namespace tunewright::app
