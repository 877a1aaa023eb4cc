#!/usr/bin/env python3
"""`data preview` and `data inspect`: what they print, and how they refuse bad input."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
MODEL = pathlib.Path("tests/data/tiny_chat").resolve()
failures = []


def check(name, fine, shown=""):
    if not fine:
        failures.append(name)
        print(f"FAILED {name}\n{shown}")


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def refuses(name, parts, *arguments):
    status, out, err = run(*arguments)
    check(f"{name}: exit status 2", status == 2, f"status {status}\n{out}\n{err}")
    for part in parts:
        check(f"{name}: names {part!r}", part in err, err)
    check(f"{name}: one clear message", "terminate" not in err and len(err.strip().splitlines()) <= 3, err)


class Workplace:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def rows(self, name, rows):
        path = self.folder / name
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    def config(self, train, **data):
        path = self.folder / "train.yaml"
        path.write_text(json.dumps({"model": {"path": str(MODEL)}, "data": {"train": [{"path": str(train)}], **data}}))
        return path


def conversation(*contents):
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate(contents)]}


def test_preview(place):
    train = place.rows("train.jsonl", [conversation("hello", "the answer", "more", "as you like"),
                                       conversation("only a question"), {"prompt": "a ", "completion": "b"}])
    config = place.config(train, max_length=256)
    status, out, err = run("data", "preview", config)
    check("preview: exit status 0", status == 0, err)
    for part in ["[[the answer<|im_end|>]]", "[[as you like<|im_end|>]]", "a [[b<|im_end|>]]",
                 "rows without a supervised token: 1", "2 kept, 0 changed, 1 dropped", "row 1 (line 2): not used",
                 "end of turn: trained in every example"]:
        check(f"preview: prints {part!r}", part in out, out)

    status, out, err = run("data", "preview", config, "--rows", "1", "--set", "data.train_on=last_assistant")
    check("preview: only the last turn", "[[as you like" in out and "[[the answer" not in out, out + err)
    check("preview: --rows limits", "a [[b" not in out, out)

    status, out, err = run("data", "preview", config, "--json")
    result = json.loads(out.strip().splitlines()[-1])
    check("preview: counts in JSON", result["sets"][0]["rows"] == 3 and result["sets"][0]["dropped"] == 1, out)
    tokens = result["rows"][0]["tokens"]
    supervised = [t["token"] for t in tokens if t["supervised"]]
    check("preview: every token's mask in JSON", supervised[-1] == "<|im_end|>" and supervised.count("<|im_end|>") == 2,
          out)
    total = sum(len(row["tokens"]) for row in result["rows"])
    check("preview: tokens add up", total == result["sets"][0]["tokens"], out)


def test_preview_of_long_rows(place):
    train = place.rows("long.jsonl", [conversation("q" * 300, "z")])
    config = place.config(train, max_length=64)
    status, out, err = run("data", "preview", config)
    check("preview: says where train would stop", status == 0 and "train would stop" in out and "row 0 (line 1)" in out
          and "max_length 64" in out, out + err)
    status, out, err = run("data", "preview", config, "--set", "data.overflow=truncate")
    check("preview: truncates", "0 kept, 1 changed, 0 dropped" in out and "[[z<|im_end|>]]" in out, out + err)


def test_proof(place):
    train = place.rows("train.jsonl", [conversation("hello", "the <b>answer</b>"), conversation("only a question"),
                                       {"prompt": "é 👍\n", "completion": "b"}])
    config = place.config(train, max_length=256)
    page = place.folder / "preview.html"
    status, out, err = run("data", "preview", config, "--html", page)
    check("proof: exit status 0", status == 0, err)
    for part in ["=== the proof before step one, data.train", "tokens are supervised", "WARNING 1 of 3 rows",
                 "every row trains to end with <|im_end|>", "all 2 rows with a prompt begin as serving renders them",
                 "no row begins with two BOS", "accounts for 3 of 3 rows (2 kept, 0 changed, 1 dropped)", "page: "]:
        check(f"proof: prints {part!r}", part in out, out)
    check("proof: no colours in a pipe", "\033" not in out, out)
    html = page.read_text("utf-8")
    check("page: needs nothing else", not re.search(r"https?:|<script|<link|src=|@import|url\(", html), html[:3000])
    check("page: fits a phone", 'name="viewport"' in html and "prefers-color-scheme:dark" in html)
    check("page: data cannot become markup", "<b>answer" not in html, html[-3000:])
    check("page: whole characters", "👍" in html and "\ufffd" not in html, html[-3000:])
    check("page: learnt tokens are marked", re.search(r"<span class='l s' title='\d+'>&lt;\|im_end\|&gt;</span>", html), html[-3000:])

    status, out, err = run("data", "preview", config, "--json")
    result = json.loads(out.strip().splitlines()[-1])
    severities = {finding["check"]: finding["severity"] for finding in result["proof"]}
    check("proof: JSON", status == 0 and result["proved"] and severities["supervision"] == "fine"
          and severities["rows_without_supervision"] == "warning", out)


def test_failing_proof(place):
    model = place.folder / "model"
    shutil.copytree(MODEL, model)
    template = (model / "chat_template.jinja").read_text()
    (model / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>", "bos_token": "<|endoftext|>"}))
    (model / "chat_template.jinja").write_text("{{ bos_token + bos_token }}" + template)
    config = place.config(place.rows("train.jsonl", [conversation("hello", "the answer")]), max_length=256)
    status, out, err = run("data", "preview", config, "--set", f"model.path={model}")
    check("failing proof: exit status 2", status == 2, out + err)
    check("failing proof: says why and what to do", "FATAL   1 of 1 rows" in out and "two BOS" in out and "-> remove the BOS" in out, out)
    status, out, err = run("data", "preview", config, "--set", f"model.path={model}", "--set", "data.proof=warn", "--json")
    check("failing proof: told to warn", status == 0 and not json.loads(out)["proved"], out + err)


def test_inspect(place):
    path = place.rows("some.jsonl", [{"prompt": "äö", "completion": "b"}, "", {"prompt": "cccc", "completion": "d", "id": 7}])
    status, out, err = run("data", "inspect", path)
    check("inspect: exit status 0", status == 0, err)
    for part in ["2 rows, format prompt_completion", "prompt: string, length 2 to 4", "id: number, in 1 rows", '"cccc"']:
        check(f"inspect: prints {part!r}", part in out, out)
    status, out, err = run("data", "inspect", path, "--json")
    keys = json.loads(out.strip().splitlines()[-1])["files"][0]["keys"]
    check("inspect: JSON", keys["prompt"]["lengths"] == {"min": 2, "median": 4, "max": 4}, out)
    mail = place.rows("mail.jsonl", [{"text": "Please write to anna@company.org, she will answer all of your questions about the weather."}])
    status, out, err = run("data", "inspect", mail)
    check("inspect: language and personal data", "languages: en (1)" in out and "personal data: EMAIL_ADDRESS (1)" in out, out + err)
    sources = pathlib.Path("tests/data/sources").resolve()
    page = place.folder / "report.html"
    status, out, err = run("data", "inspect", sources / "mixed.zip", sources / "maildir", "--html", page, "--rows", "1")
    check("inspect: any format", status == 0 and "set aside" in out and "subject: string" in out, out + err)
    check("inspect: page", "<svg" in page.read_text(encoding="utf-8") and "<script" not in page.read_text(encoding="utf-8"))
    status, out, err = run("data", "inspect", sources / "shop.sqlite", "--set", "query=SELECT body FROM mails")
    check("inspect: options of the source", status == 0 and "3 rows" in out and "score" not in out, out + err)
    (place.folder / "empty").mkdir()
    refuses("inspect: empty folder", ["empty", "gave no rows"], "data", "inspect", place.folder / "empty")


def test_stopped_step(place):
    rows = place.rows("rows.jsonl", [{"text": f"row {i} " * 40} for i in range(200000)])
    out = place.folder / "out"
    out.mkdir()
    process = subprocess.Popen([PROGRAM, "data", "run", "normalise", "--in", rows, "--out", out / "rows.jsonl"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any(out.iterdir()) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    check("a stopped step: status 130", process.returncode == 130, f"{process.returncode}\n{err}")
    check("a stopped step writes nothing", not any(out.iterdir()), list(out.iterdir()))


def test_bad_input(place):
    def preview_of(rows, **data):
        return ["data", "preview", place.config(place.rows("bad.jsonl", rows), **data)]

    fine = {"text": "fine"}
    refuses("wrong type", ["bad.jsonl: row 1 (line 2)", '"text"', "expected a string, got number 7"],
            *preview_of([fine, {"text": 7}]))
    refuses("not an object", ["bad.jsonl: row 0 (line 1)", "expected a JSON object"], *preview_of(["3", fine]))
    refuses("broken JSON", ["bad.jsonl: row 1 (line 3)", "not valid JSON"], *preview_of([fine, "", '{"text": "x']))
    refuses("empty file", ["bad.jsonl", "has no rows"], *preview_of([]))
    refuses("unknown keys", ["bad.jsonl: row 0 (line 1)", "no known format", "question"], *preview_of([{"question": "x"}]))
    refuses("other objective", ["preference rows", "prompt_completion"],
            *preview_of([{"prompt": "a", "chosen": "b", "rejected": "c"}]))
    refuses("misspelt key", ["data.max_lenght", "max_length"], *preview_of([fine], max_lenght=5))
    refuses("misspelt value", ["data.overflow", "truncate"], *preview_of([fine], overflow="trunkate"))
    refuses("missing file", ["nowhere.jsonl"], "data", "preview", place.config(place.folder / "nowhere.jsonl"))
    refuses("missing file", ["nowhere.jsonl"], "data", "inspect", place.folder / "nowhere.jsonl")
    latin = place.folder / "latin.jsonl"
    latin.write_bytes('{"text": "café"}\n'.encode("latin-1"))
    refuses("latin-1", ["latin.jsonl", "not valid UTF-8", "iconv"], "data", "inspect", latin)


def main():
    for test in (test_preview, test_preview_of_long_rows, test_proof, test_failing_proof, test_inspect, test_stopped_step,
                 test_bad_input):
        with tempfile.TemporaryDirectory() as folder:
            test(Workplace(folder))
    print(f"data: {len(failures)} failures" if failures else "data: preview, inspect and bad input behave")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
