#!/usr/bin/env python3
"""`data build` and `data merge`: sources in, files, report, ledger and manifest out; the same bytes however it is run."""
import gzip
import hashlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

PROGRAM = os.environ.get("TUNEWRIGHT", "build/release/tunewright")
ROWS = 70000
failures = []


def check(name, fine, shown=""):
    if not fine:
        failures.append(name)
        print(f"FAILED {name}\n{str(shown)[:3000]}")


def run(*arguments, **how):
    done = subprocess.run([PROGRAM, "data", *map(str, arguments)], capture_output=True, text=True, timeout=300, **how)
    return done.returncode, done.stdout, done.stderr


def builds(name, recipe, *arguments):
    status, out, err = run("build", recipe, *arguments)
    check(f"{name}: exit status 0", status == 0, f"status {status}\n{out}\n{err}")
    return out


def refuses(name, parts, *arguments, **how):
    status, out, err = run(*arguments, **how)
    check(f"{name}: exit status 2", status == 2, f"status {status}\n{out}\n{err}")
    for part in parts:
        check(f"{name}: names {part!r}", part in err, err)
    check(f"{name}: one clear message", "terminate" not in err and len(err.strip().splitlines()) <= 3, err)


def files_of(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def lines_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class Workplace:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def write(self, name, rows):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    def recipe(self, name="data.yaml", **keys):
        path = self.folder / name
        path.write_text(json.dumps({"output_dir": str(self.folder / "out"), **keys}))
        return path


def test_small(place):
    place.write("raw/a.jsonl", [{"text": "one of the rows <b>here</b>"}, {"text": "short"}, {"text": "one of the rows <b>here</b>"},
                                "{broken", {"text": "the cat sat on the mat", "id": 7}])
    place.write("raw/b.jsonl", [{"text": "another row, of another file"}])
    recipe = place.recipe(sources=[{"path": str(place.folder / "raw")}], card={"title": "Rows & more", "license": "cc0-1.0"},
                          steps=[{"filter-length": {"min_words": 2}}, "dedup-exact"])
    out = builds("small", recipe, "--json")
    result = json.loads(out.strip().splitlines()[-1])
    check("small: counts", result["rows"] == {"source": 6, "kept": 3, "changed": 0, "dropped": 3, "written": 3}, out)
    folder = place.folder / "out"
    check("small: the files", sorted(files_of(folder)) == ["README.md", "ledger.jsonl", "manifest.json", "report.html",
                                                         "report.json", "train.jsonl"], files_of(folder))
    check("small: no work is left", not (folder / ".work").exists())
    check("small: rows keep their bytes", '{"text": "the cat sat on the mat", "id": 7}\n' in (folder / "train.jsonl").read_text())
    ledger = lines_of(folder / "ledger.jsonl")
    check("small: ledger", [(line["row"], line["decision"], line.get("step")) for line in ledger] == [
        (0, "kept", None), (1, "dropped", "filter-length"), (2, "dropped", "dedup-exact"), (3, "dropped", "reading"),
        (4, "kept", None), (0, "kept", None)], ledger)
    check("small: a reason names file and row", ledger[2]["reason"].endswith(f" row 0 of {place.folder}/raw/a.jsonl"), ledger[2])
    check("small: ledger names sources", ledger[5]["source"].endswith("raw/b.jsonl") and ledger[0]["split"] == "train", ledger)

    manifest = json.loads((folder / "manifest.json").read_text())
    for output in manifest["outputs"]:
        data = (folder / output["path"]).read_bytes()
        check(f"small: hash of {output['path']}", output["sha256"] == hashlib.sha256(data).hexdigest())
    source = manifest["sources"][0]
    check("small: hashes of the sources", source["count"] == 2 and source["files"][1]["sha256"] ==
          hashlib.sha256((place.folder / "raw/b.jsonl").read_bytes()).hexdigest(), manifest)

    html = (folder / "report.html").read_text("utf-8")
    check("page: needs nothing else", not re.search(r"https?:|<script|<link|src=|@import|url\(", html), html[:3000])
    check("page: fits a phone", 'name="viewport"' in html and "prefers-color-scheme:dark" in html)
    check("page: data cannot become markup", "<b>here" not in html and "&lt;b&gt;here" in html, html[-3000:])
    check("page: verdict first", html.index("verdict") < html.index("<svg") and "3 rows from 6" in html, html)
    check("page: plots", html.count("<svg") >= 2 and "words 1 &lt; 2" in html, html)
    card = (folder / "README.md").read_text("utf-8")
    check("card: front matter", card.startswith("---\n") and "license: cc0-1.0" in card and "path: train.jsonl" in card
          and "n<1K" in card and "# Rows & more" in card, card)
    check("card: the recipe as it was written", "min_words: 2" in card and "max_expansion" not in card, card)
    check("manifest: the recipe with all defaults", manifest["recipe"]["sources"][0]["max_expansion"] == 250
          and "max_words" in manifest["recipe"]["steps"][0]["filter-length"], manifest["recipe"])


def test_mapping_and_balance(place):
    place.write("q.csv", ["question,answer,kind"] + [f"what is {i} and {i}?,{2 * i},{'odd' if i % 3 else 'even'}" for i in range(200)])
    recipe = place.recipe(sources=[{"path": str(place.folder / "q.csv"), "map": {
        "messages": [{"role": "user", "content": "{question}"}, {"role": "assistant", "content": "{answer}"}], "label": "{kind}"}}])
    builds("mapping", recipe)
    rows = lines_of(place.folder / "out/train.jsonl")
    check("mapping: rows", len(rows) == 200 and rows[3]["messages"][1]["content"] == "6" and rows[3]["label"] == "even", rows[:4])
    report = json.loads((place.folder / "out/report.json").read_text())
    check("mapping: format", report["format"] == "messages" and report["splits"][0]["texts"]["labels"]["even"] == 67, report)


def test_split(place):
    words = [f"{a} {b} {c}" for a in "red blue green white black".split() for b in "cats dogs birds fish".split()
             for c in ("run far away from the house at night", "sleep near the warm stove all day long", "look for something to eat")]
    place.write("rows.jsonl", [{"text": text, "label": "long" if "stove" in text else "other"} for text in words])
    recipe = place.recipe(sources=[{"path": str(place.folder / "rows.jsonl")}],
                          split={"train": 0.7, "validation": 0.1, "test": 0.2, "stratify": "label"})
    out = builds("split", recipe, "--json")
    result = json.loads(out.strip().splitlines()[-1])
    splits = {split["split"]: split["texts"] for split in result["splits"]}
    check("split: shares", [splits[name]["rows"] for name in ("train", "validation", "test")] == [42, 6, 12], out)
    check("split: stratified", splits["test"]["labels"] == {"long": 4, "other": 8}, out)
    rows = {name: lines_of(place.folder / f"out/{name}.jsonl") for name in splits}
    check("split: rows stay as they were", all(sorted(row) == ["label", "text"] for part in rows.values() for row in part), rows)
    where = {row["text"]: name for name, part in rows.items() for row in part}
    check("split: the ledger says where", [line["split"] for line in lines_of(place.folder / "out/ledger.jsonl")] == [where[text] for text in words])
    builds("split, again without", place.recipe(sources=[{"path": str(place.folder / "rows.jsonl")}]))
    check("split: no file of an earlier build is left", not (place.folder / "out/test.jsonl").exists())
    refuses("split option", ["trian", "train"], "build", place.recipe(sources=[{"path": str(place.folder / "rows.jsonl")}], split={"trian": 1}))


def large(place, **keys):
    """More rows than three shards hold, in two files, with repeats far apart."""
    place.write("big/a.jsonl", [{"text": f"row {i % 50000} of many, which is long enough to stay", "n": i} for i in range(ROWS)])
    place.write("big/b.jsonl", [{"text": f"a second file, row {i}"} for i in range(1000)])
    return place.recipe(sources=[{"path": str(place.folder / "big"), "limit": 1000000}],
                        steps=[{"filter-length": {"min_characters": 20}}, "dedup-exact"], **keys)


def output(place, name):
    return "--set", f"output_dir={place.folder / name}"


def test_same_bytes(place):
    recipe = large(place)
    builds("large", recipe, *output(place, "one"), "--workers", 1)
    one = files_of(place.folder / "one")
    rows = len(lines_of(place.folder / "one/train.jsonl"))
    check("large: repeats are gone", rows == 51000, rows)
    builds("large, 3 workers", recipe, *output(place, "three"), "--workers", 3)
    check("large: workers change nothing", files_of(place.folder / "three") == one)
    builds("large, again", recipe, *output(place, "three"))
    check("large: the second time changes nothing", files_of(place.folder / "three") == one)

    jobs = output(place, "jobs")
    builds("job 1", recipe, *jobs, "--shard", "1/3")
    refuses("merge before all", ["not all shards are made"], "merge", recipe, *jobs)
    builds("job 2", recipe, *jobs, "--shard", "2/3")
    builds("job 0", recipe, *jobs, "--shard", "0/3")
    status, out, err = run("merge", recipe, *jobs)
    check("merge: exit status 0", status == 0, out + err)
    check("merge: the same bytes as alone", files_of(place.folder / "jobs") == one)


def wait_for(condition, process):
    for _ in range(6000):
        if condition() or process.poll() is not None:
            return
        time.sleep(0.005)


def test_resume(place):
    recipe = large(place)
    builds("resume: undisturbed", recipe, *output(place, "whole"))
    whole = files_of(place.folder / "whole")
    work = place.folder / "out/.work"
    for number, (name, pattern) in enumerate([(signal.SIGKILL, "*/read-*.facts"), (signal.SIGTERM, "*/read-*.facts"),
                                              (signal.SIGKILL, "*/stage1-*.facts"), (signal.SIGINT, "*/stage1.json")]):
        before = len(list(work.glob(pattern)))
        process = subprocess.Popen([PROGRAM, "data", "build", str(recipe), "--workers", "1"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        wait_for(lambda: len(list(work.glob(pattern))) > before, process)
        process.send_signal(name)
        _, err = process.communicate(timeout=120)
        if process.returncode == 0:  # was too fast for us
            break
        if name != signal.SIGKILL:
            check(f"resume {number}: exit status 130", process.returncode == 130, f"{process.returncode}\n{err}")
        check(f"resume {number}: nothing half-written", not (place.folder / "out/train.jsonl").exists())
    kept = {path.name: path.stat().st_mtime_ns for path in work.glob("*/read-*.facts")}
    status, out, err = run("build", recipe)
    check("resume: exit status 0", status == 0, out + err)
    check("resume: says so", not kept or "goes on where" in err, err)
    check("resume: the same bytes as undisturbed", files_of(place.folder / "out") == whole)
    check("resume: no work is left", not work.exists())


def test_bad_recipes(place):
    place.write("rows.jsonl", [{"text": "a row"}])
    source = {"path": str(place.folder / "rows.jsonl")}
    refuses("unknown key", ["sauces", "sources"], "build", place.recipe(sauces=[source]))
    refuses("no source", ["sources"], "build", place.recipe(steps=[]))
    refuses("unknown source key", ["sources[0].formt", "format"], "build", place.recipe(sources=[{**source, "formt": "csv"}]))
    refuses("unknown step", ["steps[0]", "dedup-exakt", "dedup-exact"], "build", place.recipe(sources=[source], steps=["dedup-exakt"]))
    refuses("unknown option", ["steps[0]", "filter-length", "min_word"], "build",
            place.recipe(sources=[source], steps=[{"filter-length": {"min_word": 1}}]))
    refuses("missing file", ["nowhere.jsonl"], "build", place.recipe(sources=[{"path": str(place.folder / "nowhere.jsonl")}]))
    refuses("shard", ["--shard 3/3", "0/32"], "build", place.recipe(sources=[source]), "--shard", "3/3")
    place.write("out/train.jsonl", ["mine"])
    refuses("somebody's file", ["train.jsonl", "--overwrite"], "build", place.recipe(sources=[source]))
    check("somebody's file: stays", (place.folder / "out/train.jsonl").read_text() == "mine\n")
    place.write("broken.jsonl", ["{", "x"])
    refuses("nothing readable", ["none of the 2 rows can be read"], "build",
            place.recipe(sources=[{"path": str(place.folder / "broken.jsonl")}], output_dir=str(place.folder / "other")))


def test_empty_result(place):
    place.write("rows.jsonl", [{"text": "short"}] * 5)
    recipe = place.recipe(sources=[{"path": str(place.folder / "rows.jsonl")}], steps=[{"filter-length": {"min_words": 10}}])
    out = builds("empty", recipe)
    check("empty: says so", "WARNING no row fell to train" in out and "100.0 %" in out, out)
    check("empty: no file of rows", not (place.folder / "out/train.jsonl").exists())
    check("empty: the ledger has all", len(lines_of(place.folder / "out/ledger.jsonl")) == 5)


def test_bomb_in_archive(place):
    with zipfile.ZipFile(place.folder / "mails.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.txt", "before it")
        archive.writestr("bomb.txt", b"x" * 80_000_000)
        archive.writestr("b.txt", "behind it")
    builds("bomb", place.recipe(sources=[{"path": str(place.folder / "mails.zip")}]))
    check("bomb: the files around it are read", [row["text"] for row in lines_of(place.folder / "out/train.jsonl")] == ["before it", "behind it"])
    ledger = lines_of(place.folder / "out/ledger.jsonl")
    check("bomb: the ledger names it", len(ledger) == 3 and ledger[1]["source"].endswith("mails.zip/bomb.txt") and ledger[1]["step"] == "reading"
          and "decompression bomb" in ledger[1]["reason"], ledger)


def test_cut_off_text(place):
    (place.folder / "notes").mkdir()
    (place.folder / "notes/whole.txt").write_text("Grüße aus Köln", "utf-8")
    (place.folder / "notes/cut.txt").write_bytes("Grüße aus Kö".encode()[:-1])
    out = builds("cut off", place.recipe(sources=[{"path": str(place.folder / "notes")}]), "--json")
    check("cut off: stays UTF-8", [row["text"] for row in lines_of(place.folder / "out/train.jsonl")] == ["Grüße aus K\ufffd", "Grüße aus Köln"], out)
    report = json.loads((place.folder / "out/report.json").read_text("utf-8"))
    check("cut off: is counted", report["sources"][0]["cut_off"] == 1 and "notes/cut.txt: ends inside" in str(report["sources"][0]["notes"]), report["sources"])
    check("cut off: is a finding", "files that end inside a character: 1" in out, out)


def test_full_disk(place):
    recipe = large(place)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))

    status, out, err = run("build", recipe, preexec_fn=limited)
    check("full disk: exit status 2", status == 2, f"{status}\n{err}")
    check("full disk: one clear message", "cannot write" in err and "terminate" not in err, err)
    left = [path.name for path in (place.folder / "out").rglob("*.jsonl*")]
    check("full disk: nothing half-written", left == [], left)
    builds("full disk: goes on when there is room", recipe)


def test_run_of_compressed(place):
    rows = "".join(json.dumps({"text": f"row {i}" if i % 3 else "x"}) + "\n" for i in range(50000)).encode()
    (place.folder / "rows.jsonl").write_bytes(rows)
    (place.folder / "rows.jsonl.gz").write_bytes(gzip.compress(rows))
    outputs = []
    for name, workers in (("rows.jsonl", 1), ("rows.jsonl.gz", 3)):
        status, out, err = run("run", "filter-length", "--in", place.folder / name, "--out", place.folder / "out.jsonl",
                               "--set", "min_characters=2", "--workers", workers)
        check(f"run {name}: exit status 0", status == 0 and "33333 kept" in out, out + err)
        outputs.append((place.folder / "out.jsonl").read_bytes())
    check("run: gzip changes nothing", outputs[0] == outputs[1] and outputs[0].count(b"\n") == 33333)
    (place.folder / "cut.jsonl.gz").write_bytes(gzip.compress(rows)[:5000])
    refuses("run: cut off", ["cut.jsonl.gz"], "run", "filter-length", "--in", place.folder / "cut.jsonl.gz", "--out", place.folder / "new.jsonl")
    check("run: cut off: nothing half-written", not (place.folder / "new.jsonl").exists())


def main():
    for test in (test_small, test_mapping_and_balance, test_split, test_same_bytes, test_resume, test_bad_recipes, test_empty_result, test_bomb_in_archive, test_cut_off_text,
                 test_full_disk, test_run_of_compressed):
        with tempfile.TemporaryDirectory() as folder:
            test(Workplace(folder))
    print(f"data build: {len(failures)} failures" if failures else "data build: the same bytes every way, and clear refusals")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
