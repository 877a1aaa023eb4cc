// tunewright tokenize: text to token ids, and back.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/command.h"
#include "tunewright/text/tokenizer.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  echo "Hello world" | tunewright tokenize --model models/smollm2-135m-instruct
  tunewright tokenize --model models/smollm2-135m-instruct --in texts.txt > ids.jsonl
  tunewright tokenize --model models/smollm2-135m-instruct --in ids.jsonl --decode
  tunewright tokenize --model models/smollm2-135m-instruct --in texts.txt --measure --threads 2
A line of text in, {"ids": […]} a line out; --decode: {"ids": […]} or […] in, {"text": …} out.
A line ends at "\n" alone: a "\r" before it belongs to the text.)";

struct TokenizeFlags {
  std::string model;
  std::string in;
  bool decode = false;
  bool special = false;
  bool skip_special = false;
  bool measure = false;
  int64_t threads = 1;
};

struct Totals {
  int64_t lines = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;   // of text
  double seconds = 0;  // of tokenising alone
};

std::string encode_line(const text::Tokenizer& tokenizer, const TokenizeFlags& flags,
                        std::string_view line, Totals& totals) {
  const double start = monotonic_seconds();
  const auto ids = tokenizer.encode(line, {.add_special = flags.special});
  totals.seconds += monotonic_seconds() - start;
  totals.tokens += static_cast<int64_t>(ids.size());
  totals.bytes += static_cast<int64_t>(line.size());
  std::string out = "{\"ids\":[";
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(ids[i]);
  }
  return out += "]}";
}

std::vector<int32_t> parse_ids(std::string_view line, const std::string& where) {
  const auto json = parse_json(line, where);
  const auto& list = json.is_object() && json.contains("ids") ? json.at("ids") : json;
  if (!list.is_array())
    throw UserError(str(where, ": expected {\"ids\": […]} or a list of ids, got ", excerpt(line)));
  std::vector<int32_t> ids;
  for (const auto& id : list) {
    const bool fits =
        id.is_number_integer() && id.get<int64_t>() >= 0 && id.get<int64_t>() <= INT32_MAX;
    if (!fits) throw UserError(str(where, ": expected token ids, got ", excerpt(dump_json(id))));
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

std::string decode_line(const text::Tokenizer& tokenizer, const TokenizeFlags& flags,
                        std::string_view line, Totals& totals) {
  const auto where = str(flags.in.empty() ? "standard input" : flags.in, ": row ", totals.lines);
  const auto ids = parse_ids(line, where);
  for (const auto id : ids) {
    if (id >= tokenizer.vocab_size()) {
      throw UserError(str(where, ": id ", id, " is out of range: the vocabulary has ",
                          tokenizer.vocab_size(), " tokens"));
    }
  }
  const double start = monotonic_seconds();
  auto text = tokenizer.decode(ids, flags.skip_special);
  totals.seconds += monotonic_seconds() - start;
  totals.tokens += static_cast<int64_t>(ids.size());
  totals.bytes += static_cast<int64_t>(text.size());
  return dump_json({{"text", std::move(text)}});
}

std::unique_ptr<std::ifstream> open_input(const std::string& path) {
  if (path.empty()) return nullptr;
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file || file->peek() == std::ifstream::traits_type::eof()) {
    if (!std::filesystem::is_regular_file(path))
      throw UserError(str(path, ": no such file, or it cannot be read"));
  }
  file->clear();
  return file;
}

// A part of a text that ends with a line: what a thread takes at once.
std::vector<std::string_view> cut_at_lines(std::string_view text) {
  constexpr size_t kBytes = 1 << 18;
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.size() > kBytes ? text.find('\n', kBytes) : std::string_view::npos;
    parts.push_back(text.substr(0, end == std::string_view::npos ? end : end + 1));
    text.remove_prefix(parts.back().size());
  }
  return parts;
}

Totals encode_lines(const text::Tokenizer& tokenizer, std::string_view part) {
  Totals totals{.bytes = static_cast<int64_t>(part.size())};
  while (!part.empty()) {
    const auto line = part.substr(0, part.find('\n'));
    totals.tokens += static_cast<int64_t>(tokenizer.encode(line).size());
    ++totals.lines;
    part.remove_prefix(std::min(line.size() + 1, part.size()));
  }
  return totals;
}

// How fast a file that lies in memory is tokenised.
int run_measure(const TokenizeFlags& flags, const Context& context) {
  const auto tokenizer = text::Tokenizer::load(flags.model);
  const auto text = read_file(flags.in);
  const double start = monotonic_seconds();
  Totals totals;
  const auto add = [&](const Totals& part) {
    totals.lines += part.lines;
    totals.tokens += part.tokens;
    totals.bytes += part.bytes;
  };
  OrderedWorkers<std::string_view, Totals> workers(
      flags.threads, [&](std::string_view& part) { return encode_lines(tokenizer, part); });
  for (const auto part : cut_at_lines(text)) {
    if (workers.is_full()) add(workers.take());
    workers.put(part);
  }
  while (!workers.is_empty()) add(workers.take());
  totals.seconds = monotonic_seconds() - start;
  const double rate = static_cast<double>(totals.bytes) / totals.seconds / 1e6;
  print_result(context,
               {{"rows", totals.lines},
                {"tokens", totals.tokens},
                {"bytes", totals.bytes},
                {"seconds", totals.seconds},
                {"megabytes_per_second", rate},
                {"threads", flags.threads}},
               str(flags.in, ": ", totals.tokens, " tokens, ", fixed(rate, 1), " MB/s on ",
                   flags.threads, " threads"));
  return kDone;
}

// Without --json a line is written as soon as it is read, so that a pipe can be talked to.
int run_tokenize(const TokenizeFlags& flags, const Context& context) {
  const auto tokenizer = text::Tokenizer::load(flags.model);
  const auto file = open_input(flags.in);
  std::istream& in = file ? *file : std::cin;
  const bool is_dialogue = !file;
  Totals totals;
  std::string results;
  for (std::string line; std::getline(in, line); ++totals.lines) {
    const auto row = flags.decode ? decode_line(tokenizer, flags, line, totals)
                                  : encode_line(tokenizer, flags, line, totals);
    if (context.json) {
      results += (totals.lines > 0 ? "," : "") + row;
    } else {
      std::cout << row << '\n';
      if (is_dialogue) std::cout.flush();
    }
  }
  if (in.bad())
    throw UserError(str(flags.in.empty() ? "standard input" : flags.in, ": reading failed after ",
                        totals.lines, " lines"));
  if (context.json) {
    const Json summary = {{"rows", totals.lines},
                          {"tokens", totals.tokens},
                          {"bytes", totals.bytes},
                          {"seconds", totals.seconds}};
    auto text = dump_json(summary);
    text.pop_back();
    std::cout << text << ",\"results\":[" << results << "]}\n";
  }
  std::cout.flush();
  check_standard_output();
  return kDone;
}

}  // namespace

void add_tokenize(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("tokenize", "Turns text into token ids, and back");
  auto flags = std::make_shared<TokenizeFlags>();
  command->footer(kExamples);
  command->add_option("--model", flags->model, "Folder with tokenizer.json")
      ->type_name("DIR")
      ->required();
  command->add_option("--in", flags->in, "Input; standard input without it")->type_name("FILE");
  auto* decode = command->add_flag("--decode", flags->decode, "Turn ids into text");
  command
      ->add_flag("--special", flags->special,
                 "Add what the model's tokenizer adds by itself (a BOS)")
      ->excludes(decode);
  command
      ->add_flag("--skip-special", flags->skip_special,
                 "With --decode: leave special tokens out of the text")
      ->needs(decode);
  auto* measure = command->add_flag("--measure", flags->measure,
                                    "Print how fast --in is tokenised instead of its tokens");
  measure->excludes(decode)->needs("--in");
  command->add_option("--threads", flags->threads, "Threads of --measure")
      ->check(CLI::PositiveNumber)
      ->needs(measure)
      ->capture_default_str();
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] {
      return flags->measure ? run_measure(*flags, context) : run_tokenize(*flags, context);
    };
  });
}

}  // namespace tunewright::app
