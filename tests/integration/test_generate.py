#!/usr/bin/env python3
"""score, generate, chat and merge as a user runs them, on a model whose answers are known."""
import json
import math
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time

import tiny_model

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")


def run(*arguments, stdin="", status=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f"{arguments}: exit {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
    return done


def fails(*arguments, message):
    done = run(*arguments, status=2)
    assert message in done.stderr, f"{arguments}: expected '{message}' in:\n{done.stderr}"
    assert done.stdout == "", done.stdout


def rows_of(text):
    return [json.loads(line) for line in text.split("\n") if line]


class Workplace:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.model, self.adapter = self.folder / "model", self.folder / "adapter"
        tiny_model.write_model(self.model)
        tiny_model.write_adapter(self.adapter)

    def rows(self, *rows, name="rows.jsonl"):
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def generate(self, *rows, flags=()):
        return rows_of(run("generate", "--model", self.model, "--in", self.rows(*rows), *flags).stdout)


def user(text):
    return {"messages": [{"role": "user", "content": text}]}


def test_score(place):
    rows = place.rows({"prompt": "a\n", "completion": "Ok!"}, {"text": "Sure"}, {"prompt": "", "completion": "xy"},
                      {"prompt": "a", "completion": ""})
    completion, text, no_prompt, empty = rows_of(run("score", "--model", place.model, "--in", rows).stdout)

    def close(got, previous, token):
        expected = tiny_model.logprob(ord(previous), ord(token))
        assert abs(got - expected) < 1e-5, (previous, token, got, expected)

    assert completion["ids"] == [ord(c) for c in "Ok!"] and completion["tokens"] == ["O", "k", "!"]
    for got, previous, token in zip(completion["token_logprobs"], "\nOk", "Ok!"):
        close(got, previous, token)
    assert abs(completion["logprob"] - sum(completion["token_logprobs"])) < 1e-5 and completion["is_greedy"]
    assert text["token_logprobs"][0] is None and len(text["ids"]) == 4
    assert abs(text["logprob"] - sum(text["token_logprobs"][1:])) < 1e-5
    close(text["token_logprobs"][1], "S", "u")
    assert no_prompt["token_logprobs"][0] is None and len(no_prompt["ids"]) == 2
    assert empty == {"logprob": 0.0, "token_logprobs": [], "ids": [], "tokens": [], "text": "", "is_greedy": True}

    scores = place.folder / "scores.jsonl"
    run("score", "--model", place.model, "--in", rows, "--out", scores)
    found = json.loads(run("metrics", "--in", scores, "--metrics", "loss,perplexity,byte_perplexity", "--json").stdout.splitlines()[-1])
    total = completion["logprob"] + text["logprob"] + no_prompt["logprob"]
    assert abs(found["loss"]["score"] + total / (3 + 3 + 1)) < 1e-5 and found["perplexity"]["tokens"] == 7, found
    assert abs(found["byte_perplexity"]["score"] - math.exp(-total / (3 + 4 + 2))) < 1e-5 and found["byte_perplexity"]["unscored_tokens"] == 2

    unlikely = place.rows({"prompt": "\n", "completion": "No"}, name="unlikely.jsonl")
    (row,) = rows_of(run("score", "--model", place.model, "--in", unlikely).stdout)
    assert not row["is_greedy"] and row["logprob"] < -8

    out = place.folder / "scores.jsonl"
    result = run("score", "--model", place.model, "--in", rows, "--out", out, "--json").stdout
    assert json.loads(result.splitlines()[-1])["rows"] == 4 and len(rows_of(out.read_text())) == 4
    assert len(json.loads(run("score", "--model", place.model, "--in", rows, "--json").stdout)["results"]) == 4


def test_generate(place):
    ok, sure, again, prompt = place.generate(
        user("Hello"), {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Hello"}]},
        {"messages": [{"role": r, "content": "c"} for r in ("user", "assistant", "user")]}, {"prompt": "say\n"})
    assert ok == {"text": "Ok!", "finish_reason": "stop", "completion_tokens": 3}, ok
    assert sure["text"] == "Sure." and again["text"] == "Again?" and prompt["text"] == "Ok!"

    (long,) = place.generate(user("forever"), flags=["--max-new-tokens", 7])
    assert long == {"text": "yxyxyxy", "finish_reason": "length", "completion_tokens": 7}, long
    for settings in (["--set", "max_new_tokens=7"], ["--set=max_new_tokens=7"]):
        assert place.generate(user("forever"), flags=settings) == [long]
    (stopped,) = place.generate(user("forever"), flags=["--stop", "xyx", "--stop", "nothing"])
    assert stopped == {"text": "y", "finish_reason": "stop", "completion_tokens": 4}, stopped

    def drawn(seed):
        return place.generate({"prompt": "q"}, {"prompt": "q"}, flags=["--temperature", 1, "--seed", seed, "--max-new-tokens", 20])

    first, second = drawn(5)
    assert drawn(5) == [first, second] and first != second and drawn(6)[0] == second
    filtered = place.generate(user("Hello"), flags=["--temperature", 0.8, "--top-k", 1])
    assert filtered[0]["text"] == "Ok!"
    adapted = place.generate(user("Hello"), flags=["--adapter", place.adapter, "--max-new-tokens", 5])
    assert adapted[0]["text"] == "NNNNN", adapted


def test_merge(place):
    merged = place.folder / "merged"
    run("merge", "--model", place.model, "--adapter", place.adapter, "--out", merged)
    done = run("generate", "--model", merged, "--in", place.rows(user("Hello")), "--max-new-tokens", 5)
    assert rows_of(done.stdout)[0]["text"] == "NNNNN", done.stdout
    assert {"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors"} <= {p.name for p in merged.iterdir()}
    size = (merged / "model.safetensors").stat().st_size
    half = place.folder / "half"
    run("merge", "--model", place.model, "--adapter", place.adapter, "--out", half, "--dtype", "bfloat16")
    assert (half / "model.safetensors").stat().st_size < 0.6 * size
    fails("merge", "--model", place.model, "--adapter", place.adapter, "--out", merged, message="already exists")


def test_errors(place):
    model, good = ["--model", place.model], place.rows({"prompt": "a"}, name="good.jsonl")
    out = place.folder / "never.jsonl"
    fails("genrate", *model, "--in", good, message="'genrate' is no command (did you mean 'generate'?)")
    fails("generate", "--modle", model[1], "--in", good,
          message="'--modle' is no option of tunewright generate (did you mean '--model'?)")
    fails("generate", *model, "--in", good, "--set", "max_new_token=7",
          message="'--max-new-token' is no option of tunewright generate (did you mean '--max-new-tokens'?)")
    fails("data", "preview", "train.yaml", "--htm=x", message="no option of tunewright data preview (did you mean '--html'?)")
    fails("generate", "--model", place.folder / "none", "--in", good, message="no such folder")
    fails("generate", *model, "--in", place.folder / "none.jsonl", message="none.jsonl")
    fails("generate", *model, "--in", place.rows({"prompt": "a"}, {"question": "b"}), message="row 1 (line 2): expected either 'prompt' or 'messages', got neither")
    fails("generate", *model, "--in", place.rows({"messages": "hello"}), message="messages: expected a list, got a string")
    fails("generate", *model, "--in", place.rows({"prompt": ""}), message="the prompt has no tokens")
    fails("generate", *model, "--in", good, "--top-p", 1.5, message="top_p: expected a share between 0 and 1")
    fails("generate", *model, "--in", good, "--stop", "", message="stop string")
    fails("generate", *model, "--in", good, "--dtype", "float8", message="float8")
    fails("generate", *model, "--in", place.rows({"prompt": "a" * 70000}), "--out", out, message="70000 tokens, and the model has 65536 positions")
    fails("score", *model, "--in", place.rows({"text": "a"}, {"text": 5}), message="row 1 (line 2): text: expected text, got a number")
    fails("score", *model, "--in", place.rows({"prompt": "a"}), message="'completion' is missing")
    fails("score", *model, "--in", place.rows({"text": "a" * 70000}), "--out", out, message="65536 positions")
    fails("merge", *model, "--adapter", place.folder / "none", "--out", place.folder / "m", message="none")
    assert not out.exists() and not (place.folder / "m").exists()
    plain = place.folder / "plain"
    tiny_model.write_model(plain, with_template=False)
    fails("chat", "--model", plain, message="no chat template")
    fails("generate", "--model", plain, "--in", place.rows(user("a")), message="row 0 (line 1)")


def test_full_disk_and_devices(place):
    """Nothing is lost in silence, and no device becomes a file."""
    rows = place.rows({"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"})
    for command in (["score", "--in", rows], ["score", "--in", rows, "--json"], ["generate", "--in", rows, "--max-new-tokens", "2"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, *map(str, command), "--model", str(place.model)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == 2 and "standard output: writing failed" in done.stderr, (command, done)
    pipe = place.folder / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    run("score", "--model", place.model, "--in", rows, "--out", pipe)
    assert len(rows_of(reader.communicate(timeout=60)[0])) == 2 and pipe.is_fifo()
    link, target = place.folder / "link.jsonl", place.folder / "target.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    run("score", "--model", place.model, "--in", rows, "--out", link)
    assert link.is_symlink() and len(rows_of(target.read_text())) == 2
    assert not [path.name for path in place.folder.iterdir() if ".tmp-" in path.name]


def test_broken_models(place):
    """A tokenizer that is none, and a template without an end: refused through the program too."""
    broken = place.folder / "broken"
    shutil.copytree(place.model, broken)
    rows = place.rows(user("Hi"))
    (broken / "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": [')
    fails("generate", "--model", broken, "--in", rows, message="tokenizer.json: not valid JSON at byte")
    shutil.copy(place.model / "tokenizer.json", broken / "tokenizer.json")
    (broken / "chat_template.jinja").write_text("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}")
    fails("generate", "--model", broken, "--in", rows, message="the rendering takes more than")


def test_score_is_interrupted(place):
    rows = place.rows(*[{"text": "a" * 60} for _ in range(60000)], name="many.jsonl")
    out = place.folder / "stopped.jsonl"
    running = subprocess.Popen([PROGRAM, "score", "--model", str(place.model), "--in", str(rows), "--out", str(out)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(place.folder.glob(".stopped.jsonl.tmp-*")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    running.send_signal(signal.SIGTERM)
    errors = running.communicate(timeout=60)[1]
    assert running.returncode == 130 and "stopped; no result is written" in errors, (running.returncode, errors)
    assert not out.exists() and not list(place.folder.glob(".stopped.jsonl.tmp-*"))


def test_chat_piped(place):
    lines = "Hello\nmore\n/reset\nHello\n/system Be kind.\nHello\n/nonsense\n/exit\nnever\n"
    done = run("chat", "--model", place.model, stdin=lines)
    assert done.stdout.splitlines() == ["Ok!", "Again?", "Ok!", "Sure."], done.stdout
    assert "/nonsense: unknown" in done.stderr
    done = run("chat", "--model", place.model, "--system", "Be kind.", "--json", stdin="Hello\n\n/help\n")
    assert json.loads(done.stdout) == {"turns": 1, "completion_tokens": 5}, done.stdout


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, *arguments):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(PROGRAM, [PROGRAM, *map(str, arguments)])
        self.seen = ""

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def wait_for(self, text, seconds=60):
        """Reads until `text` comes; what came before it is dropped."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen[-2000:]!r}"
            if select.select([self.descriptor], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.descriptor, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"the program ended before {text!r}: {self.seen[-2000:]!r}") from None
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def exit_status(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                os.close(self.descriptor)
                return os.waitstatus_to_exitcode(status)
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    os.read(self.descriptor, 65536)
                except OSError:
                    pass
        os.kill(self.pid, 9)
        raise AssertionError("the program did not end")


def test_chat_terminal(place):
    terminal = Terminal("chat", "--model", place.model, "--max-new-tokens", 60000)
    terminal.wait_for("> ")
    terminal.type("Hello\r")
    terminal.wait_for("Ok!")
    terminal.wait_for("> ")
    terminal.type("\x1b[A\r")  # history: Hello again
    terminal.wait_for("Again?")
    terminal.wait_for("> ")
    terminal.type("/system Be kind.\r")
    terminal.wait_for("system message set")
    terminal.wait_for("> ")
    terminal.type("Helxx\x7f\x7flo\r")  # line editing
    terminal.wait_for("Sure.")
    terminal.wait_for("> ")
    terminal.type("/reset\r")
    terminal.wait_for("new conversation")
    terminal.wait_for("> ")
    terminal.type("forever\r")
    terminal.wait_for("yxyxyxyxyx")  # streams while it goes on
    terminal.type("\x03")
    terminal.wait_for("> ")
    terminal.type("unfinished\x03")  # clears the line
    terminal.type("Hello\r")
    terminal.wait_for("Again?")
    terminal.wait_for("> ")
    terminal.type("\x04")
    assert terminal.exit_status() == 0


def main():
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace(folder)
        for test in (test_score, test_generate, test_merge, test_errors, test_full_disk_and_devices, test_broken_models,
                     test_score_is_interrupted, test_chat_piped, test_chat_terminal):
            test(place)
            print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
