#include "tunewright/line_editor.h"

#include <histedit.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::app {
namespace {

char* prompt(EditLine*) {
  static char text[] = "> ";
  return text;
}

}  // namespace

struct LineEditor::Terminal {
  EditLine* editor = el_init("tunewright", stdin, stdout, stderr);
  History* past = history_init();

  Terminal() {
    HistEvent event;
    history(past, &event, H_SETSIZE, 1000);
    history(past, &event, H_SETUNIQUE, 1);
    el_set(editor, EL_PROMPT, prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_SIGNAL, 1);
    el_set(editor, EL_HIST, history, past);
    el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
    el_set(editor, EL_BIND, "^C", "em-kill-line", nullptr);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    history_end(past);
    el_end(editor);
  }

  std::optional<std::string> next() {
    // Ctrl-C only clears the line, also in the moment before libedit has the terminal; SIGTERM ends
    // the program, after libedit has restored the terminal.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_DFL);
    // Before the prompt shows: a key pressed as soon as it does is read as one, Ctrl-D above all.
    el_set(editor, EL_PREP_TERM, 1);
    int count = 0;
    const char* line = el_gets(editor, &count);
    install_stop_signals();
    if (line == nullptr || count <= 0) return std::nullopt;
    const std::string text(line, static_cast<size_t>(count));
    HistEvent event;
    if (!trim(text).empty()) history(past, &event, H_ENTER, text.c_str());
    return text.substr(0, text.find('\n'));
  }
};

LineEditor::LineEditor() {
  if (::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO)) terminal_ = std::make_unique<Terminal>();
}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::next() {
  if (terminal_) return terminal_->next();
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace tunewright::app
